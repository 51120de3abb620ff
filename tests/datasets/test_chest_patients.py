from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord, read_dataset
from medrecog_core.datasets.health.groups import number_findings
from medrecog_core.datasets.health.leaks import group_findings
from medrecog_core.datasets.intake.layouts import chest_patient


def image(path, split="", group=""):
    label = "PNEUMONIA" if "person" in path else "NORMAL"
    return ImageRecord(path, label, split, group)


def grouped(*paths):
    images = (image(path, path.partition("/")[0]) for path in paths)
    whole = tuple(ImageRecord(i.path, i.label, i.split, chest_patient(i)) for i in images)
    return Dataset("chest", Path("/images"), (*whole, image("train/scan.jpeg", "train")), "")


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
    assert chest_patient(image(f"train/{name}")) == patient


def test_a_person_number_on_both_sides_is_told_as_a_note_and_is_no_leak():
    whole = grouped(
        "train/person1_bacteria_1.jpeg",
        "test/person1_virus_6.jpeg",
        "test/person2_virus_7.jpeg",
        "train/person3_bacteria_9.jpeg",
        "train/person3_virus_9.jpeg",
    )
    assert group_findings(whole) == []
    (found,) = number_findings(whole)
    assert found.severity == "note"
    assert found.sets == (("test/person1_virus_6.jpeg", "train/person1_bacteria_1.jpeg"),)
    assert "1 of the 2 persons in the test images would be" in found.words
    assert not found.to_exclude


def test_a_patient_on_both_sides_is_a_leak_and_not_a_matter_of_numbers():
    whole = grouped("train/person1_virus_5.jpeg", "test/person1_virus_6.jpeg")
    assert [finding.severity for finding in group_findings(whole)] == ["severe"]
    assert number_findings(whole) == []


def test_other_data_sets_have_no_such_finding():
    images = (image("a", "train", "p1"), image("person.png", "test", "p1"))
    assert number_findings(Dataset("skin", Path("/images"), images, "")) == []


def test_the_real_names_are_two_series_that_the_official_split_keeps_apart(shared_data):
    """What the docstring of `chest_patient` says of the published images."""
    images = read_dataset("chest", shared_data / "chest_xray").images
    assert group_findings(Dataset("chest", shared_data, images, "")) == []
    (found,) = number_findings(Dataset("chest", shared_data, images, ""))
    assert "170 of the 202 persons in the test images would be" in found.words
    numbered = defaultdict(list)
    for each in images:
        if each.label == "PNEUMONIA":
            person, kind, number = Path(each.path).stem.split("_")[:3]
            numbered[kind].append((int(person.removeprefix("person")), int(number)))
    breaks = 0
    for pairs in numbered.values():
        numbers = [number for _, number in sorted(pairs)]
        breaks += sum(a >= b for a, b in pairwise(numbers))
    assert breaks == 1
    assert len({n for _, n in numbered["bacteria"]} & {n for _, n in numbered["virus"]}) == 864
