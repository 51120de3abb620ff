from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.health.classes import (
    balance_findings,
    small_class_findings,
    spelling_findings,
    training_findings,
    unlabelled_findings,
)


def dataset(**counts):
    images = tuple(
        ImageRecord(f"{label}/{i:04d}.png", label)
        for label, n in sorted(counts.items())
        for i in range(n)
    )
    return Dataset("skin", Path("/images"), images, "a folder a class")


def test_even_classes_have_no_finding():
    assert balance_findings(dataset(mel=30, nv=60)) == []


@pytest.mark.parametrize(
    ("counts", "severity", "words"),
    [
        ({"mel": 30, "nv": 120}, "note", "“nv”, has 120 images, the smallest, “mel”, 30."),
        ({"mel": 30, "nv": 600}, "warning", "would give 95% accuracy"),
        ({"mel": 15, "nv": 15}, "warning", "“mel” depend on very few images"),
    ],
)
def test_uneven_and_small_classes_are_found(counts, severity, words):
    (found,) = balance_findings(dataset(**counts))
    assert (found.kind, found.severity) == ("class-imbalance", severity)
    assert words in found.words
    assert found.to_exclude == ()


def given(**parts):
    """Make a data set of classes with as many images in each split as is said."""
    images = tuple(
        ImageRecord(f"{split}/{label}/{i:03d}.png", label, split)
        for label, n_of in parts.items()
        for split, n in n_of.items()
        for i in range(n)
    )
    return Dataset("skin", Path("/images"), images, "made")


def test_classes_of_usual_size_are_not_small():
    assert small_class_findings(dataset(mel=5, nv=9)) == []


def test_small_classes_are_found_with_their_images_and_excluded_as_a_whole():
    whole = dataset(bkl=4, df=1, mel=9, nv=9)
    (found,) = small_class_findings(whole)
    assert (found.kind, found.severity) == ("small-class", "severe")
    assert len(found.images) == 5
    assert found.remedy.classes == ("bkl", "df")
    assert found.guarded(whole).remedy == found.remedy
    assert "“bkl” (4 images), “df” (1 image)" in found.words
    assert "--merge-class bkl=OTHER" in found.advice[0].command


def test_groups_count_and_one_group_for_everything_is_not_said_of_every_class():
    images = tuple(
        ImageRecord(f"{label}/{i}.png", label, group=f"{label}-{i % n}")
        for label, n in (("mel", 3), ("nv", 6))
        for i in range(12)
    )
    whole = Dataset("skin", Path("/images"), images, "made")
    (found,) = small_class_findings(whole)
    assert found.remedy.classes == ("mel",)
    assert "(12 images in 3 groups)" in found.words
    assert found.guarded(whole).remedy is None
    same = tuple(ImageRecord(i.path, i.label, group="ANONYMOUS") for i in images)
    assert small_class_findings(Dataset("skin", Path("/images"), same, "made")) == []


def test_a_class_that_is_only_tested_is_found_and_excluded_as_a_whole():
    whole = given(
        mel={"train": 3, "test": 2}, nv={"train": 3, "test": 2}, other={"test": 2, "val": 1}
    )
    (found,) = training_findings(whole)
    assert (found.kind, found.severity) == ("class-missing-from-training", "severe")
    assert found.images == found.remedy.images
    assert {path.split("/")[1] for path in found.images} == {"other"}
    assert found.guarded(whole).remedy is not None


def test_without_a_training_part_or_with_every_class_in_it_nothing_is_missing():
    assert training_findings(dataset(mel=3, nv=3)) == []
    assert training_findings(given(mel={"train": 2, "test": 1}, nv={"train": 2})) == []
    assert training_findings(given(mel={"test": 2}, nv={"test": 2})) == []


def test_the_only_training_class_is_not_left_alone():
    whole = given(mel={"train": 3}, nv={"test": 3})
    (found,) = training_findings(whole)
    assert found.guarded(whole).refusal.endswith("fewer than two classes would be left.")


def sized(unlabelled=(), **counts):
    images = tuple(
        ImageRecord(f"{i:04d}-{label}.png", label) for label, n in counts.items() for i in range(n)
    )
    return Dataset("skin", Path("/images"), images, "made", unlabelled=unlabelled)


def test_different_names_are_not_similar():
    assert spelling_findings(sized(mel=3, nv=3, mel2=3)) == []


def test_spellings_are_merged_with_the_most_frequent_one():
    whole = sized(Benign=5, benign=2, BENIGN=1, malignant=4)
    (found,) = spelling_findings(whole)
    assert (found.kind, found.severity) == ("similar-class-names", "severe")
    assert found.remedy.merges == (("BENIGN", "Benign"), ("benign", "Benign"))
    assert len(found.images) == 3
    assert found.guarded(whole).remedy == found.remedy
    assert "“Benign” (5 images), “BENIGN” (1 image), “benign” (2 images)" in found.words


def test_spellings_of_the_only_name_are_not_merged():
    whole = sized(Benign=5, benign=2)
    (found,) = spelling_findings(whole)
    assert found.guarded(whole).remedy is None


def test_where_every_image_has_a_label_none_is_unlabelled():
    assert unlabelled_findings(sized(mel=3, nv=3)) == []


def test_images_kept_apart_are_a_note_without_a_remedy():
    (found,) = unlabelled_findings(sized(("test/1.png",), mel=3, nv=3))
    assert (found.kind, found.severity, found.remedy) == ("unlabelled", "note", None)
    assert found.files == ("test/1.png",)
    assert found.title == "1 image without a label"


@pytest.mark.parametrize("name", ["nan", "N/A", "unknown"])
def test_a_class_that_means_no_label_is_excluded_as_a_whole(name):
    whole = sized(**{"mel": 3, "nv": 3, name: 3})
    (found,) = unlabelled_findings(whole)
    assert (found.kind, found.severity) == ("unlabelled", "warning")
    assert found.remedy.classes == (name,)
    assert len(found.images) == 3
    assert found.guarded(whole).remedy is not None
