import re
import shlex
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord, read_dataset
from medrecog_core.datasets.health.groups import grouping_findings, likely_pattern, number_findings
from medrecog_core.datasets.health.leaks import group_findings
from medrecog_core.datasets.intake.layouts import chest_patient


def dataset(*images):
    return Dataset("skin", Path("/images"), tuple(images), "made")


def named(form, n_patients=6, each=3, group=""):
    """Make a data set whose file names have that form, of patients with several images each."""
    return dataset(
        *(
            ImageRecord(f"{label}/" + form.format(n=10 * k + n, i=i), label, group=group)
            for k, label in enumerate(("mel", "nv"))
            for n in range(n_patients)
            for i in range(each)
        )
    )


def test_groups_of_usual_size_are_no_finding():
    images = (ImageRecord(f"{i}.png", "ab"[i % 2], group=f"p{i // 2}") for i in range(12))
    assert grouping_findings(dataset(*images)) == []


def test_one_group_for_everything_names_the_way_out():
    images = (ImageRecord(f"{i}.png", "ab"[i % 2], group="ANONYMOUS") for i in range(12))
    (found,) = grouping_findings(dataset(*images))
    assert (found.kind, found.severity, found.remedy) == ("one-group", "severe", None)
    assert len(found.images) == 12
    assert "All 12 images are in the group “ANONYMOUS”" in found.words
    words = shlex.split(found.advice[0].command)
    assert words[:6] == ["python", "-m", "medrecog_core", "datasets", "add", "skin-2"]
    assert words[6:] == ["/images", "--no-groups"]


def test_a_group_of_most_images_is_found_too():
    images = [ImageRecord(f"{i}.png", "ab"[i % 2], group="A" if i < 7 else "B") for i in range(12)]
    (found,) = grouping_findings(dataset(*images))
    assert found.kind == "one-group"
    assert "7 of 12 images" in found.words


def test_where_the_names_hold_patients_one_group_names_their_pattern_first():
    (found,) = grouping_findings(named("patient{n:02d}_{i}.png", group="ANONYMOUS"))
    assert found.kind == "one-group"
    assert "--group-pattern" in found.advice[0].command
    assert "--no-groups" in found.advice[1].command


@pytest.mark.parametrize(
    ("form", "severity", "group"),
    [
        ("patient{n:02d}_{i}.png", "warning", "patient00"),
        ("Subject-{n}/{i}.png", "warning", "Subject-0"),
        ("10{n:02d}_idx5_x{i}_y{i}.png", "note", "1000"),
        ("IMG{n}-{i}.png", "note", "IMG0"),
        ("x_sub-{n:02d}_view{i}.png", "warning", "sub-00"),
    ],
)
def test_patients_in_names_are_found_with_a_pattern_that_makes_the_groups(form, severity, group):
    whole = named(form)
    (found,) = grouping_findings(whole)
    assert (found.kind, found.severity, found.remedy) == ("patients-in-names", severity, None)
    pattern = shlex.split(found.advice[0].command)[-1]
    groups = [re.search(pattern, image.path)[1] for image in whole.images]
    assert groups[0] == group
    assert len(set(groups)) == 12
    assert all(groups.count(each) == 3 for each in groups)


@pytest.mark.parametrize(
    "form",
    ["{n}{i}.png", "img_{n}{i}.png", "ISIC_00{n}{i}.png", "2021_{n}{i}.png", "case{n}{i}.png"],
)
def test_names_that_count_images_are_no_patients(form):
    assert likely_pattern(named(form)) == ""


def test_names_that_number_the_classes_are_no_patients():
    images = (ImageRecord(f"c{k}_{i:02d}.png", f"c{k}") for k in range(3) for i in range(8))
    assert grouping_findings(dataset(*images)) == []


def test_few_images_are_not_judged_by_their_names():
    assert likely_pattern(named("patient{n}_{i}.png", n_patients=2, each=2)) == ""


def image(path, split="", group=""):
    label = "PNEUMONIA" if "person" in path else "NORMAL"
    return ImageRecord(path, label, split, group)


def grouped(*paths):
    images = (image(path, path.partition("/")[0]) for path in paths)
    whole = tuple(ImageRecord(i.path, i.label, i.split, chest_patient(i)) for i in images)
    return Dataset("chest", Path("/images"), (*whole, image("train/scan.jpeg", "train")), "")


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
