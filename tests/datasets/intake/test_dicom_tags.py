import numpy as np
import pytest

from medrecog_core.datasets import ImageRecord, LeftOut
from medrecog_core.datasets.intake.dicom_tags import check_tag, read_tagged_images, with_patients
from medrecog_core.errors import MedrecogError, UsageError
from tests.dicom_files import dicom_bytes, dicom_dataset


@pytest.fixture
def write_dicom(tmp_path):
    """Write a DICOM file by its path below a folder, and return the folder."""

    def write(path, **tags):
        file = tmp_path / "scans" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dicom_bytes(dicom_dataset(np.zeros((2, 2), np.uint8), **tags)))
        return tmp_path / "scans"

    return write


def test_labels_are_read_from_a_tag(write_dicom):
    write_dicom("b.dcm", BodyPartExamined="CHEST")
    root = write_dicom("deep/1.2.840.5", BodyPartExamined="HAND")
    expected = [ImageRecord("b.dcm", "CHEST"), ImageRecord("deep/1.2.840.5", "HAND")]
    for tag in ("BodyPartExamined", "0018,0015"):
        images, left_out, layout = read_tagged_images(root, tag)
        assert images == expected
        assert left_out == []
        assert layout == "labels from the DICOM tag BodyPartExamined"


def test_files_without_label_or_that_are_no_dicom_are_listed(write_dicom):
    write_dicom("a.dcm", BodyPartExamined="HAND")
    root = write_dicom("b.dcm")
    (root / "c.dcm").write_bytes(b"no")
    (root / "d.png").write_bytes(b"")
    (root / "e.dcm").write_bytes((root / "a.dcm").read_bytes()[:140])
    left_out = read_tagged_images(root, "BodyPartExamined")[1]
    assert left_out[:3] == [
        LeftOut("b.dcm", "its tag BodyPartExamined is empty"),
        LeftOut("c.dcm", "not a DICOM file"),
        LeftOut("d.png", "not a DICOM file"),
    ]
    assert left_out[3].path == "e.dcm"


def test_a_folder_without_labels_is_refused(write_dicom, tmp_path):
    with pytest.raises(MedrecogError, match=r"no DICOM file with a label in the tag Modality \(a"):
        read_tagged_images(write_dicom("a.dcm"), "Modality")
    with pytest.raises(MedrecogError, match=r"Folder .*/gone not found\."):
        read_tagged_images(tmp_path / "gone", "Modality")


def test_a_tag_that_there_is_not_is_refused():
    assert check_tag("0010,0020") == "PatientID"
    with pytest.raises(UsageError, match=r"Unknown DICOM tag “Patient”\. Use a keyword such"):
        check_tag("Patient")


def test_patients_become_groups_where_there_are_none(write_dicom):
    write_dicom("a.dcm", PatientID="P1")
    write_dicom("b.dcm", PatientID="P2", NumberOfFrames=1)
    root = write_dicom("c.dcm")
    (root / "d.png").write_bytes(b"")
    images = [ImageRecord(f"{n}", "x") for n in ("a.dcm", "c.dcm", "d.png", "gone.dcm")]
    images.append(ImageRecord("b.dcm", "x", group="own"))
    found, remark = with_patients(root, images)
    assert [image.group for image in found] == ["P1", "", "", "", "own"]
    assert remark == "groups from the DICOM tag PatientID"
    assert with_patients(root, images, "") == (images, "")
