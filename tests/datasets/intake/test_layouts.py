import pytest

from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.layouts import MINI_MIAS, chest_patient
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.errors import MedrecogError

PROSE = """\
INFORMATION:
1st column: MIAS database reference number.
3rd column: Class of abnormality present: CALC Calcification, NORM Normal
NOTES
1) The list is arranged in pairs of films, even numbers are left mammograms.

REFNUM BG CLASS SEVERITY X Y RADIUS
"""
LIST = """\
mdb001 G CIRC B 535 425 197
mdb002 G CIRC B 522 280 69
mdb003 D NORM
mdb004 D NORM
mdb005 F CIRC B 477 133 30
mdb005 F CIRC B 500 168 26
mdb006 F NORM
mdb059 F CIRC B
mdb216 D CALC M          *NOTE 3*
"""
LABELS = {
    **{f"mdb{i:03}.pgm": "CIRC" for i in (1, 2, 5, 59)},
    **{f"mdb{i:03}.pgm": "NORM" for i in (3, 4, 6)},
    "mdb216.pgm": "CALC",
}


NAMES = tuple(sorted(LABELS))


@pytest.fixture
def write(tmp_path):
    def write(text, names=NAMES, name="Info.txt"):
        (tmp_path / name).write_bytes(text.encode("latin-1"))
        return Survey(tmp_path, names, (name,))

    return write


@pytest.mark.parametrize("text", [LIST, PROSE + LIST, (PROSE + LIST).replace("\n", "\r\n")])
def test_the_class_of_abnormality_is_the_label(write, text):
    survey = write(text)
    assert MINI_MIAS.recognise(survey)
    found = MINI_MIAS.read(survey, Decisions())
    assert {image.path: image.label for image in found.images} == LABELS
    assert (found.warnings, found.left_out, found.unlabelled) == ((), (), ())
    assert found.layout.startswith("mini-MIAS")


def test_two_images_are_one_patient(write):
    patients = MINI_MIAS.read(write(LIST), Decisions()).group_columns["patient"]
    assert patients["mdb001.pgm"] == patients["mdb002.pgm"] == "mdb001-002"
    assert patients["mdb059.pgm"] == "mdb059-060"
    assert patients["mdb216.pgm"] == "mdb215-216"
    assert len(set(patients.values())) == 5


def test_an_image_of_two_classes_is_a_conflict(write):
    with pytest.raises(MedrecogError, match="mdb001"):
        MINI_MIAS.read(write(LIST + "mdb001 G CALC B 10 10 10\n"), Decisions())


def test_missing_images_and_rows_are_said(write):
    names = (*sorted(LABELS)[1:], "mdb300.pgm")
    found = MINI_MIAS.read(write(LIST, names), Decisions())
    assert {warning.id: warning.paths for warning in found.warnings} == {
        "rows-without-image": ("Info.txt row 1",),
        "images-without-row": ("mdb300.pgm",),
    }


@pytest.mark.parametrize(
    ("text", "names", "name"),
    [
        (LIST, ("a/1.png",), "Info.txt"),
        (PROSE, ("mdb001.pgm",), "Info.txt"),
        (LIST, ("mdb001.pgm",), "other.txt"),
    ],
)
def test_other_folders_are_not_recognised(write, text, names, name):
    assert not MINI_MIAS.recognise(write(text, names, name))


@pytest.mark.parametrize(
    ("name", "patient"),
    [
        ("person1_bacteria_2.jpeg", "person1_bacteria"),
        ("person1_virus_6.jpeg", "person1_virus"),
        ("person1637_virus_2832_1.jpeg", "person1637_virus"),
        ("person7_8.jpeg", "person7"),
        ("scan-of-person7.jpeg", ""),
        ("IM-0115-0001.jpeg", "IM-0115"),
        ("IM-0115-0001-0002.jpeg", "IM-0115"),
        ("NORMAL2-IM-0115-0001.jpeg", "NORMAL2-IM-0115"),
    ],
)
def test_a_name_tells_its_patient_within_its_series(name, patient):
    label = "PNEUMONIA" if "person" in name else "NORMAL"
    assert chest_patient(ImageRecord(f"train/{name}", label)) == patient
