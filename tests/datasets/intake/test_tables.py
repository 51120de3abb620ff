from collections import Counter
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.survey import Survey, survey_folder
from medrecog_core.datasets.intake.tables import read_tables
from medrecog_core.errors import MedrecogError, UsageError
from tests.label_tables import IMAGES, NAMES, find, labels, listed, read, said


def test_a_table_of_all_images_gives_their_labels_without_a_warning(folder):
    root = folder(*IMAGES, labels_csv=listed())
    found = read(root, "labels.csv")
    assert labels(found) == {path: "ab"[i % 2] for i, path in enumerate(IMAGES)}
    assert (found.warnings, found.left_out, found.unlabelled) == ((), (), ())
    assert found.layout == "labels from labels.csv"
    assert found.images == find(root)[0].images


def test_rows_without_image_and_images_without_row_are_listed(folder):
    root = folder(*IMAGES, "other/x.png", labels_csv=listed([*NAMES[1:], "999"]))
    found = read(root, "labels.csv")
    assert said(found) == {
        "rows-without-image": ("labels.csv row 9",),
        "images-without-row": ("images/000.png", "other/x.png"),
    }
    assert {entry.path for entry in found.left_out} == {
        "labels.csv row 9: 999.png",
        "images/000.png",
        "other/x.png",
    }


def test_images_of_a_test_folder_without_rows_are_kept_apart(folder):
    train = [f"train/{name}.png" for name in NAMES]
    root = folder(*train, "test/100.png", "test/101.png", train_csv=listed())
    found = read(root, "train.csv")
    assert len(found.images) == 8
    assert {image.split for image in found.images} == {""}
    assert found.unlabelled == ("test/100.png", "test/101.png")
    assert said(found) == {"unlabelled": ("test/100.png", "test/101.png")}


def test_loose_matches_are_said_with_their_rows(folder):
    root = folder(*IMAGES, labels_csv=listed(suffix=".PNG"))
    found = read(root, "labels.csv")
    assert len(found.images) == 8
    (warning,) = found.warnings
    assert warning.id == "rows-matched-loosely"
    assert warning.paths == tuple(f"labels.csv row {i}" for i in range(2, 10))
    assert "upper and lower case (8)" in warning.message


def test_a_few_rows_that_are_not_clear_are_left_out(folder, tree):
    names = [f"{i:03}" for i in range(20)]
    root = folder(
        *(f"a/{name}.png" for name in names), "b/003.png", "b/c.png", labels_csv=listed(names)
    )
    found = read(root, "labels.csv")
    assert said(found)["ambiguous-rows"] == ("labels.csv row 5",)
    assert len(found.images) == 19


def test_many_rows_that_are_not_clear_are_refused_with_the_candidates(folder):
    twice = [f"{part}/{name}.png" for part in "ab" for name in NAMES]
    root = folder(*twice, labels_csv=listed())
    with pytest.raises(MedrecogError, match=r"labels.csv row 2.*a/000.png, b/000.png"):
        read(root, "labels.csv")


def test_copies_of_a_file_have_the_label_of_its_row(folder):
    root = folder(*IMAGES, labels_csv=listed())
    (root / "again").mkdir()
    for path in IMAGES:
        (root / "again" / Path(path).name).write_bytes((root / path).read_bytes())
    found = read(root, "labels.csv")
    assert len(found.images) == 16
    assert labels(found)["again/001.png"] == "b"


def test_a_table_that_names_no_image_is_refused_with_an_example(folder):
    root = folder(*IMAGES, labels_csv="image,label\nx.png,a\ny.png,b\n")
    with pytest.raises(MedrecogError, match=r"Row 2 has “x.png” in the column “image”"):
        read(root, "labels.csv")
    assert find(root) == []


def test_a_table_without_labels_is_refused(folder):
    root = folder(*IMAGES, labels_csv="image,label\n000.png,\n001.png,\n")
    with pytest.raises(MedrecogError, match=r"both an image below .* and a label"):
        read(root, "labels.csv")


def test_groups_and_splits_are_handed_on_as_written(folder):
    rows = [f"{n}.png,{'ab'[i % 2]},P{i // 2},L{i},Training" for i, n in enumerate(NAMES)]
    root = folder(*IMAGES, t_csv="\n".join(["image,dx,patient_id,lesion,Split", *rows]))
    found = read(root, "t.csv")
    assert list(found.group_columns) == ["patient_id", "lesion"]
    assert found.group_columns["patient_id"]["images/003.png"] == "P1"
    assert (found.split_column, set(found.split_values.values())) == ("Split", {"Training"})
    assert found.split_places["images/000.png"] == "t.csv row 2"
    assert {(image.split, image.group) for image in found.images} == {("", "")}


def test_an_image_in_two_splits_is_refused(folder):
    rows = ["image,label,split", "000.png,a,train", "000.png,a,test", "001.png,b,train"]
    root = folder(*IMAGES, t_csv="\n".join(rows))
    with pytest.raises(MedrecogError, match=r"t.csv row 2 and “test” in t.csv row 3"):
        read(root, "t.csv")


def test_an_image_in_two_groups_is_said(folder):
    rows = ["image,label,patient", "000.png,a,P1", "000.png,a,P2", "001.png,b,P3"]
    root = folder(*IMAGES[:2], t_csv="\n".join(rows))
    assert said(read(root, "t.csv")) == {"group-conflicts": ("images/000.png",)}


# --- Several tables -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("train_csv", "test_csv"),
        ("Training_GroundTruth_csv", "Test_GroundTruth_csv"),
        ("train__labels_csv", "test__labels_csv"),
    ],
)
def test_names_of_tables_give_the_split(folder, one, other):
    root = folder(*IMAGES, **{one: listed(NAMES[:5]), other: listed(NAMES[5:])})
    (found,) = find(root)
    assert Counter(image.split for image in found.images) == {"train": 5, "test": 3}
    assert found.warnings == ()
    assert len(found.decisions.tables) == 2
    again = read_tables(survey_folder(root), found.decisions)
    assert again.images == found.images


def test_a_split_column_goes_before_the_names_of_tables(folder):
    def text(names):
        rows = [f"{n}.png,{'ab'[i % 2]},val" for i, n in enumerate(names)]
        return "\n".join(["image,label,split", *rows])

    root = folder(*IMAGES, train_csv=text(NAMES[:4]), test_csv=text(NAMES[4:]))
    found = read(root, "train.csv", "test.csv")
    assert {image.split for image in found.images} == {""}
    assert set(found.split_values.values()) == {"val"}


def test_an_image_in_both_tables_is_refused(folder):
    root = folder(*IMAGES, train_csv=listed(NAMES[:5]), test_csv=listed(NAMES[4:]))
    with pytest.raises(MedrecogError, match=r"1 image in both .* images/004\.png"):
        read(root, "train.csv", "test.csv")


def test_tables_with_different_label_columns_are_refused(folder):
    root = folder(
        *IMAGES, a_csv=listed(NAMES[:4]), b_csv=listed(NAMES[4:], header="image,diagnosis")
    )
    with pytest.raises(MedrecogError, match="different label columns, “label” and “diagnosis”"):
        read(root, "a.csv", "b.csv")


def test_a_table_without_labels_adds_groups(folder):
    groups = "image,patient_id\n" + "\n".join(f"{n},P{i // 2}" for i, n in enumerate(NAMES))
    root = folder(*IMAGES, labels_csv=listed(), metadata_csv=groups)
    (found,) = find(root)
    assert found.group_columns["patient_id"]["images/007.png"] == "P3"
    assert found.warnings == ()
    again = read(root, "labels.csv", "metadata.csv")
    assert again.group_columns == found.group_columns


def test_lists_of_names_give_the_split(folder):
    root = folder(
        *IMAGES,
        labels_csv=listed(),
        train_val_list_txt="\n".join(f"{n}.png" for n in NAMES[:6]),
        test_list_txt="\n".join(f"{n}.png" for n in NAMES[6:]),
    )
    (found,) = find(root)
    assert Counter(image.split for image in found.images) == {"train": 6, "test": 2}
    assert found.warnings == ()


def test_a_named_column_may_be_in_one_of_the_tables_only(folder):
    groups = "image,who\n" + "\n".join(f"{n},P{i // 2}" for i, n in enumerate(NAMES))
    root = folder(*IMAGES, labels_csv=listed(), metadata_csv=groups)
    found = read(root, "labels.csv", "metadata.csv", group_column="who", label_columns=("label",))
    assert list(found.group_columns) == ["who"]
    with pytest.raises(UsageError, match="no column “kind”"):
        read(root, "labels.csv", "metadata.csv", group_column="kind")


# --- Excel --------------------------------------------------------------------------------------


def write_book(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def test_an_excel_table_is_read_as_its_csv(folder):
    rows = [
        ("image", "dx", "patient"),
        *((f"{n}.png", "ab"[i % 2], i) for i, n in enumerate(NAMES)),
    ]
    root = folder(*IMAGES, t_csv="\n".join(",".join(map(str, row)) for row in rows))
    write_book(root / "t.xlsx", rows)
    assert read(root, "t.xlsx").images == read(root, "t.csv").images
    assert read(root, "t.xlsx").group_columns == read(root, "t.csv").group_columns


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!"])
def test_the_error_of_a_formula_is_named_with_its_cell(folder, error):
    root = folder(*IMAGES)
    write_book(root / "t.xlsx", [("image", "note", "dx"), ("000", "#N/A", "a"), ("001", "", error)])
    with pytest.raises(MedrecogError, match=rf"The cell C3 of .* \(column “dx”\) holds {error}"):
        read(root, "t.xlsx")


def test_a_table_is_found_below_the_root(folder):
    root = folder(*IMAGES, labels_csv=listed())
    found = read_tables(survey_folder(root), Decisions(tables=(Path("labels.csv"),)))
    assert len(found.images) == 8


# --- Any table ----------------------------------------------------------------------------------


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from("abc")), min_size=1, max_size=15),
    st.sets(st.integers(0, 12), min_size=1),
    st.booleans(),
)
def test_every_image_and_row_is_imported_or_listed(tmp_path_factory, rows, images, has_ending):
    root = tmp_path_factory.mktemp("any")
    label_of: dict[int, set[str]] = {}
    for number, label in rows:
        label_of.setdefault(number, set()).add(label)
    text = [f"i{number:02}{'.png' * has_ending},{label}" for number, label in rows]
    (root / "t.csv").write_text("\n".join(["image,label", *text]))
    survey = Survey(root, tuple(f"x/i{number:02}.png" for number in sorted(images)), ("t.csv",))
    try:
        found = read_tables(survey, Decisions(tables=(root / "t.csv",), on_conflict="unanimous"))
    except MedrecogError:
        assert all(len(label_of.get(number, "ab")) > 1 for number in images)
        return
    expected = {
        f"x/i{number:02}.png": min(label_of[number])
        for number in images
        if len(label_of.get(number, ())) == 1
    }
    assert labels(found) == expected
    listed = said(found)
    without_row = tuple(f"x/i{n:02}.png" for n in sorted(images) if n not in label_of)
    assert listed.get("images-without-row", ()) == without_row
    without_image = tuple(
        f"t.csv row {i}" for i, (number, _) in enumerate(rows, 2) if number not in images
    )
    assert listed.get("rows-without-image", ()) == without_image
    conflicts = tuple(f"x/i{n:02}.png" for n in sorted(images) if len(label_of.get(n, ())) > 1)
    assert listed.get("label-conflicts", ()) == conflicts
