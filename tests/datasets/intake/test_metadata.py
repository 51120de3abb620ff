import pytest

from medrecog_core.datasets import library
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.metadata import MOST_COLUMNS, kept_columns
from medrecog_core.datasets.intake.proposal import propose

N = 40
KEPT = {
    "sex": ["f", "m"] * (N // 2),
    "age": [str(20 + i * 7 % 61) for i in range(N)],
    "localization": ["arm", "leg", "back", ""] * (N // 4),
    "bmi": [f"{18 + i * 0.37:.2f}" for i in range(N)],
    "device": ["unknown", "A", "B", "A"] * (N // 4),
}
NOT_KEPT = {
    "patient_name": ["Ada", "Ben"] * (N // 2),
    "StudyDate": ["2020", "2021"] * (N // 2),
    "image_id": [str(i) for i in range(N)],
    "number": [str(i + 1) for i in range(N)],
    "comment": ["good", "bad"] * (N // 2),
    "findings text": [f"text {i}" for i in range(N)],
    "always": ["x"] * N,
    "empty": [""] * N,
    "one value": ["", "x"] * (N // 2),
    "long": ["x" * 70, "y"] * (N // 2),
}


@pytest.mark.parametrize("name", KEPT)
def test_categories_and_measurements_are_kept(name):
    assert kept_columns({name: KEPT[name]}) == (name,)
    assert kept_columns({name: KEPT[name]}, taken=[name]) == ()


@pytest.mark.parametrize("name", NOT_KEPT)
def test_what_could_identify_people_or_tells_nothing_is_not(name):
    assert kept_columns({name: NOT_KEPT[name]}) == ()


def test_many_columns_are_cut():
    columns = {f"site {'x' * i}": KEPT["sex"] for i in range(MOST_COLUMNS + 5)}
    assert kept_columns(columns) == tuple(columns)[:MOST_COLUMNS]


ROWS = [("0", "a", "f"), ("1", "b", "m"), ("2", "a", "f"), ("3", "b", "m"), ("4", "a", "")]


@pytest.fixture
def root(folder):
    rows = "".join(f"{name}.png,{label},{sex}\n" for name, label, sex in (*ROWS, ROWS[0]))
    images = [f"i/{name}.png" for name, *_ in ROWS]
    return folder(*images, labels_csv="image,label,sex\n" + rows.replace("0.png,a,f\n", "", 1))


def test_an_import_keeps_them_with_the_data_set_and_says_so(root):
    proposal = propose("any", root, Decisions(tables=(root / "labels.csv",)))
    assert any("“sex”" in reason and "--no-metadata" in reason for reason in proposal.reasons)
    expected = {f"i/{name}.png": sex for name, _, sex in ROWS if sex}
    assert proposal.dataset.metadata == {"sex": expected}
    library.save(proposal.dataset)
    kept = library.load("any")
    values = {image.path: kept.value_of("sex", image) for image in kept.images}
    assert values == {f"i/{name}.png": sex for name, _, sex in ROWS}


def test_they_do_not_change_the_fingerprint(root):
    tables = (root / "labels.csv",)
    with_them = propose("any", root, Decisions(tables=tables)).dataset
    without = propose("any", root, Decisions(tables=tables, keeps_metadata=False)).dataset
    assert without.metadata == {}
    assert with_them.fingerprint == without.fingerprint


def test_a_file_that_moved_keeps_its_values(root):
    library.save(propose("any", root, Decisions(tables=(root / "labels.csv",))).dataset)
    (root / "i/0.png").rename(root / "i/new.png")
    moved, _ = library.refresh("any")
    (image,) = (image for image in moved.images if image.path == "i/new.png")
    assert moved.value_of("sex", image) == "f"
