from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.groups import is_patient_name, with_groups
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.errors import UsageError
from tests.dicom_files import dicom_bytes, dicom_dataset

NOWHERE = Path("nowhere")


def interpreted(*paths, groups=(), **columns):
    """Images of paths, or as many as a column has values."""
    paths = paths or [f"{i:02}.png" for i in range(len(next(iter(columns.values()))))]
    groups = groups or [""] * len(paths)
    images = tuple(
        ImageRecord(path, "ab"[i % 2], group=group)
        for i, (path, group) in enumerate(zip(paths, groups, strict=True))
    )
    told = {name: dict(zip(paths, values, strict=True)) for name, values in columns.items()}
    return Interpretation(images, "layout", BY_EVIDENCE, group_columns=told)


def grouped(found, root=NOWHERE, **decisions):
    return with_groups(root, found, Decisions(**decisions))


def groups(found):
    return [image.group for image in found.images]


def ids(found):
    return [warning.id for warning in found.warnings]


def test_patients_go_before_lesions_and_studies():
    columns = {
        "lesion_id": ["1", "1", "2", "3"],
        "study": ["s1", "s2", "s3", "s4"],
        "patient_id": ["p", "p", "p", "q"],
    }
    for names in (list(columns), list(columns)[::-1]):
        found = grouped(interpreted(**{name: columns[name] for name in names}))
        assert groups(found) == ["p", "p", "p", "q"]
        assert found.warnings == ()


def test_the_coarser_column_groups_where_none_is_of_patients():
    found = grouped(interpreted(series=["1", "2", "3", "4"], study=["a", "a", "b", "b"]))
    assert groups(found) == ["a", "a", "b", "b"]
    assert found.warnings == ()


def test_lesions_of_several_patients_are_said():
    found = grouped(interpreted(patient=["p", "p", "q", "q"], lesion=["1", "2", "1", "3"]))
    assert groups(found) == ["p", "p", "q", "q"]
    assert [(w.id, w.paths) for w in found.warnings] == [("group-chosen", ("00.png", "02.png"))]
    assert "--group-column lesion" in found.warnings[0].message


def test_patients_of_one_image_each_whose_lesions_are_the_same_are_said():
    found = grouped(interpreted(patient=["p", "q", "r", "s"], lesion=["1", "1", "2", "2"]))
    assert groups(found) == ["p", "q", "r", "s"]
    assert ids(found) == ["group-chosen"]


def test_images_without_a_patient_have_that_of_their_lesion_or_the_lesion():
    found = grouped(
        interpreted(patient=["p", "", "nan", "q", "q"], lesion=["1", "1", "2", "3", "3"])
    )
    assert groups(found) == ["p", "p", "lesion 2", "q", "q"]
    assert [(w.id, w.paths) for w in found.warnings] == [("group-chosen", ("01.png", "02.png"))]


def test_numbers_of_patients_are_one_however_they_are_written():
    assert groups(grouped(interpreted(patient=["1", "1.0", "2.00", "2"]))) == ["1", "1", "2", "2"]


@pytest.mark.parametrize("decisions", [{"has_groups": False}, {"group_column": ""}])
def test_groups_can_be_ignored(decisions):
    found = interpreted("a.png", "b.png", groups=["p", "q"], patient=["1", "1"])
    assert groups(grouped(found, **decisions)) == ["", ""]
    assert groups(grouped(interpreted("p1_a.png", "p1_b.png"), **decisions)) == ["", ""]


def test_a_pattern_reads_groups_from_paths_and_names_what_has_none():
    found = interpreted("PAT_1_a.png", "PAT_1_b.png", "PAT_2_a.png", "other.png", groups=["x"] * 4)
    result = grouped(found, group_pattern=r"PAT_(\d+)")
    assert groups(result) == ["1", "1", "2", ""]
    assert [(w.id, w.paths) for w in result.warnings] == [("images-without-group", ("other.png",))]
    with pytest.raises(UsageError, match="matches no image"):
        grouped(found, group_pattern="(zzz)")


def test_a_folder_level_is_the_group():
    found = interpreted("a/p1/1.png", "a/p1/2.png", "b/p2/1.png", "b/p3/1.png")
    for level in (2, -1):
        assert groups(grouped(found, group_level=level)) == ["p1", "p1", "p2", "p3"]
    assert groups(grouped(found, group_level=1)) == ["a", "a", "b", "b"]
    with pytest.raises(UsageError, match="as deep as the group level 3"):
        grouped(found, group_level=3)


def test_groups_of_the_layout_stay():
    found = interpreted("a.png", "b.png", "c.png", groups=["p", "p", "q"])
    assert groups(grouped(found)) == ["p", "p", "q"]
    assert grouped(found).warnings == ()


def test_one_group_for_everything_is_said_with_the_ways_out():
    found = grouped(interpreted("a.png", "b.png", groups=["ANONYMOUS"] * 2))
    assert [(w.id, w.paths) for w in found.warnings] == [("one-group", ("a.png", "b.png"))]
    assert "--no-groups" in found.warnings[0].message
    assert "--group-pattern" in found.warnings[0].message


def test_an_anonymous_patient_of_several_images_is_said():
    found = grouped(interpreted("a.png", "b.png", "c.png", groups=["ANON", "ANON", "p"]))
    assert [(w.id, w.paths) for w in found.warnings] == [("one-group", ("a.png", "b.png"))]


def test_patients_numbered_from_0_are_patients():
    assert grouped(interpreted(patient=["0", "0", "1", "1"])).warnings == ()
    assert ids(grouped(interpreted(patient=["0", "0", "17", "17"]))) == ["one-group"]


def test_a_group_for_each_image_is_said_unless_they_are_patients():
    assert grouped(interpreted(patient_id=["1", "2", "3"])).warnings == ()
    assert ids(grouped(interpreted(study=["1", "2", "3"]))) == ["group-per-image"]
    assert ids(grouped(interpreted(patient_id=["00", "01", "02"]))) == ["group-per-image"]
    assert ids(grouped(interpreted(patient=["1", "2"]), group_column="patient")) == [
        "group-per-image"
    ]
    # Of the layout, which knows what it read.
    assert grouped(interpreted("a.png", "b.png", groups=["p", "q"])).warnings == ()


def test_names_that_look_like_patients_are_proposed_and_not_applied():
    found = grouped(interpreted(*(f"a/person{i // 2}_virus_{i}.png" for i in range(8))))
    assert set(groups(found)) == {""}
    assert [(w.id, len(w.paths)) for w in found.warnings] == [("patients-in-names", 8)]
    pattern = found.warnings[0].message.partition("--group-pattern '")[2].partition("'")[0]
    assert len(set(groups(grouped(found, group_pattern=pattern)))) == 4
    eyes = interpreted(*(f"a/{i}_{side}.png" for i in range(4) for side in ("left", "right")))
    assert ids(grouped(eyes)) == ["patients-in-names"]
    assert grouped(eyes, has_groups=False).warnings == ()
    videos = interpreted(*(f"a/v{i}_frame{j}.png" for i in range(4) for j in range(3)))
    slides = interpreted(*(f"a/x-TCGA-AA-000{i}-{j}.png" for i in range(4) for j in range(3)))
    assert ids(grouped(videos)) == ids(grouped(slides)) == ["patients-in-names"]
    assert grouped(interpreted(*(f"a/image{i}.png" for i in range(8)))).warnings == ()
    assert grouped(interpreted(*(f"a/p{i}_x.png" for i in range(8)))).warnings == ()


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *(
            (name, True)
            for name in ("patient_id", "Patient ID", "PatientID", "patientId", "subject")
        ),
        *((name, False) for name in ("lesion_id", "study", "impatiently", "rapid", "group")),
    ],
)
def test_columns_of_patients_are_known_by_name(name, is_one):
    assert is_patient_name(name) == is_one


@pytest.fixture
def scans(tmp_path):
    """Write DICOM files with tags, and return what they are read as."""

    def write(*tags):
        for i, of_file in enumerate(tags):
            content = dicom_bytes(dicom_dataset(np.zeros((2, 2), np.uint8), **of_file))
            (tmp_path / f"{i}.dcm").write_bytes(content)
        return interpreted(*(f"{i}.dcm" for i in range(len(tags))))

    return write


def test_patients_of_dicom_files_are_groups(scans, tmp_path):
    found = scans(*({"PatientID": name} for name in "ppq"))
    assert groups(grouped(found, tmp_path)) == ["p", "p", "q"]
    assert groups(grouped(found, tmp_path, group_tag="")) == ["", "", ""]
    assert groups(grouped(found, tmp_path, group_pattern=r"(\d)\.dcm")) == ["0", "1", "2"]


def test_one_anonymous_patient_of_all_scans_is_said(scans, tmp_path):
    found = grouped(scans(*({"PatientID": "ANONYMOUS"} for _ in range(3))), tmp_path)
    assert ids(found) == ["one-group"]


def test_scans_of_one_study_with_different_patients_are_said(scans, tmp_path):
    own = grouped(scans(*({"PatientID": p, "StudyInstanceUID": "1.2"} for p in "pqr")), tmp_path)
    assert ids(own) == ["group-per-image"]
    studies = ({"PatientID": p, "StudyInstanceUID": f"1.{i}"} for i, p in enumerate("pqr"))
    assert grouped(scans(*studies), tmp_path).warnings == ()


@given(
    st.lists(
        st.tuples(st.sampled_from(["p", "q", "r", ""]), st.sampled_from(["1", "2", "3", ""])),
        min_size=1,
        max_size=15,
    )
)
def test_images_of_one_patient_are_of_one_group(rows):
    found = grouped(
        interpreted(patient=[patient for patient, _ in rows], lesion=[lesion for _, lesion in rows])
    )
    if any(patient for patient, _ in rows):
        for image, (patient, lesion) in zip(found.images, rows, strict=True):
            assert not patient or image.group == patient
            assert bool(image.group) == bool(patient or lesion)
    assert len(found.images) == len(rows)


def test_folders_of_people_group_images_of_a_table():
    paths = [f"train/patient{i // 2:03}/study1/{i}.png" for i in range(6)]
    found = grouped(interpreted(*paths))
    assert groups(found) == [f"patient{i // 2:03}" for i in range(6)]
    assert found.layout.endswith("groups from folders such as patient000")
    assert groups(grouped(interpreted(*paths), has_groups=False)) == [""] * 6
    assert groups(grouped(interpreted(*paths[::2]))) == [""] * 3
