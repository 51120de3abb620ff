from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.companions import companion_findings
from medrecog_core.datasets.health.measurements import ImageMeasurement


def found_in(*paths, two_valued=()):
    """Return the finding in images, whose class is their first folder."""
    every = sorted((*paths, "y/other-1.png", "z/other-2.png"))
    images = tuple(ImageRecord(path, path.split("/")[0]) for path in every)
    dataset = Dataset("skin", Path("/images"), images, "made")
    measurements = {path: ImageMeasurement(is_two_valued=path in two_valued) for path in every}
    (found,) = companion_findings(dataset, measurements) or [None]
    return found


def test_images_of_their_own_are_no_companions():
    assert found_in("a/1.png", "a/2.png", "b/1.png") is None


def test_companions_are_found_by_their_names():
    found = found_in("a/1.png", "a/1_mask.png", "b/2.png", "b/2_mask.png")
    assert (found.kind, found.severity) == ("imported-companions", "severe")
    assert found.images == found.remedy.images == ("a/1_mask.png", "b/2_mask.png")


@pytest.mark.parametrize(
    "mask", ["a/x1 (2).png", "a/x1-shape.png", "masked/x1.png", "a/X1_s.tif", "b/x1.s.png"]
)
def test_a_picture_of_two_values_named_like_an_image_is_a_companion(mask):
    found = found_in("a/x1.png", "a/x2.png", "b/x3.png", mask, two_valued=[mask])
    assert found.images == (mask,)
    assert "a/x1.png" in found.notes[0]
    assert found_in("a/x1.png", "a/x2.png", "b/x3.png", mask) is None


def test_pictures_of_two_values_with_names_of_their_own_are_images():
    paths = ["a/1.png", "a/2.png", "b/11.png", "b/12.png"]
    assert found_in(*paths, two_valued=paths) is None
    assert found_in(*paths, two_valued=["b/11.png"]) is None


def test_a_class_of_nothing_but_companions_is_not_emptied():
    paths = ["a/1.png", "b/1.png"]
    found = found_in(*paths, two_valued=["b/1.png"])
    images = tuple(ImageRecord(path, path[0]) for path in (*paths, "c/3.png"))
    guarded = found.guarded(Dataset("skin", Path("/images"), images, "made"))
    assert guarded.remedy is None
    assert "class “b” would have no images left" in guarded.refusal
