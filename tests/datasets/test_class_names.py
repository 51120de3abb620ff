from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.class_names import spelling_findings, unlabelled_findings


def dataset(unlabelled=(), **counts):
    images = tuple(
        ImageRecord(f"{i:04d}-{label}.png", label) for label, n in counts.items() for i in range(n)
    )
    return Dataset("skin", Path("/images"), images, "made", unlabelled=unlabelled)


def test_different_names_are_not_similar():
    assert spelling_findings(dataset(mel=3, nv=3, mel2=3)) == []


def test_spellings_are_merged_with_the_most_frequent_one():
    whole = dataset(Benign=5, benign=2, BENIGN=1, malignant=4)
    (found,) = spelling_findings(whole)
    assert (found.kind, found.severity) == ("similar-class-names", "severe")
    assert found.remedy.merges == (("BENIGN", "Benign"), ("benign", "Benign"))
    assert len(found.images) == 3
    assert found.guarded(whole).remedy == found.remedy
    assert "“Benign” (5 images), “BENIGN” (1 image), “benign” (2 images)" in found.words


def test_spellings_of_the_only_name_are_not_merged():
    whole = dataset(Benign=5, benign=2)
    (found,) = spelling_findings(whole)
    assert found.guarded(whole).remedy is None


def test_where_every_image_has_a_label_none_is_unlabelled():
    assert unlabelled_findings(dataset(mel=3, nv=3)) == []


def test_images_kept_apart_are_a_note_without_a_remedy():
    (found,) = unlabelled_findings(dataset(("test/1.png",), mel=3, nv=3))
    assert (found.kind, found.severity, found.remedy) == ("unlabelled", "note", None)
    assert found.files == ("test/1.png",)
    assert found.title == "1 image without a label"


@pytest.mark.parametrize("name", ["nan", "N/A", "unknown"])
def test_a_class_that_means_no_label_is_excluded_as_a_whole(name):
    whole = dataset(**{"mel": 3, "nv": 3, name: 3})
    (found,) = unlabelled_findings(whole)
    assert (found.kind, found.severity) == ("unlabelled", "warning")
    assert found.remedy.classes == (name,)
    assert len(found.images) == 3
    assert found.guarded(whole).remedy is not None
