import re
import shlex
from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.health.groups import grouping_findings, likely_pattern


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
