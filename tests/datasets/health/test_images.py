import io
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from medrecog_core.datasets import Dataset, ImageRecord
from medrecog_core.datasets.health.images import (
    MIN_FOR_BLUR,
    companion_findings,
    grey_findings,
    quality_findings,
)
from medrecog_core.datasets.health.measurements import ImageMeasurement, measure_image
from medrecog_core.images import PLAIN, GreyRange, Rendering


def measured(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return measure_image(buffer.getvalue())


def noise(i, side=120):
    rng = np.random.default_rng(i)
    spread = rng.uniform(40, 120)
    pixels = np.clip(128 + rng.normal(0, spread, (side, side)), 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture(scope="module")
def usual():
    return {f"{i:02d}.png": measured(noise(i)) for i in range(MIN_FOR_BLUR + 10)}


def by_kind(measurements):
    return {finding.kind: finding for finding in quality_findings(measurements)}


def test_usual_images_have_no_finding(usual):
    assert quality_findings(usual) == []


def test_unreadable_images_are_given_with_their_reasons(usual):
    found = by_kind({**usual, "b": ImageMeasurement("cut"), "a": ImageMeasurement("gone")})
    assert set(found) == {"unreadable"}
    assert found["unreadable"].images == found["unreadable"].to_exclude == ("a", "b")
    assert found["unreadable"].notes == ("gone", "cut")
    assert "2 of 32 images cannot be read" in found["unreadable"].words


def test_blank_images_are_found_and_not_called_blurred(usual):
    found = by_kind({**usual, "blank": measured(Image.new("L", (120, 120), 77))})
    assert set(found) == {"blank"}
    assert found["blank"].images == ("blank",)


def test_tiny_images_are_found_by_their_shorter_side(usual):
    found = by_kind({**usual, "narrow": measured(noise(7).resize((111, 500)))})
    assert found["tiny"].notes == ("111 x 500 pixels",)


def test_an_image_far_less_sharp_than_the_others_is_found(usual):
    blurred = noise(0).filter(ImageFilter.GaussianBlur(4))
    found = by_kind({**usual, "blurred": measured(blurred)})
    assert found["blurred"].images == ("blurred",)


def test_where_all_are_blurred_none_is_an_outlier():
    soft = {
        str(i): measured(noise(i).filter(ImageFilter.GaussianBlur(4)))
        for i in range(MIN_FOR_BLUR + 10)
    }
    assert "blurred" not in by_kind(soft)


def test_of_few_images_none_is_called_blurred(usual):
    few = dict(list(usual.items())[: MIN_FOR_BLUR - 2])
    few["blurred"] = measured(noise(0).filter(ImageFilter.GaussianBlur(4)))
    assert by_kind(few) == {}


def found_in(ranges, rendering=PLAIN):
    """Return the finding in files with these ranges, named by their order."""
    measurements = {f"{i:02d}.png": ImageMeasurement(grey_range=r) for i, r in enumerate(ranges)}
    images = tuple(ImageRecord(path, "ab"[i % 2]) for i, path in enumerate(measurements))
    dataset = Dataset("skin", Path("/images"), images, "made", rendering=rendering)
    (found,) = grey_findings(dataset, measurements) or [None]
    return found


def window(low, high):
    return Rendering(window=(low, high))


def integers(high, n):
    return [GreyRange(0, high - i) for i in range(n)]


def real(low, high, n):
    return [GreyRange(low, high, is_unsigned=False)] * n


def test_plain_files_and_files_of_one_range_are_no_finding():
    assert found_in([None] * 6) is None
    assert found_in(integers(4000, 6)) is None
    assert found_in(integers(16000, 6), window(0, 16383)) is None
    assert found_in(integers(4000, 3) + integers(16000, 3), window(0, 16383)) is None


def test_12_bits_among_16_bits_are_excluded_or_shown_in_one_window():
    found = found_in(integers(60000, 5) + integers(4000, 3), window(0, 65535))
    assert (found.kind, found.severity) == ("mixed-grey-ranges", "severe")
    assert found.images == found.remedy.images == ("05.png", "06.png", "07.png")
    assert found.notes[0] == "grey values 0 to 4000"
    found = found_in(integers(60000, 3) + integers(4000, 5), window(0, 65535))
    assert found.images == ("00.png", "01.png", "02.png")
    assert shlex.split(found.advice[0].command)[-2:] == ["--window", "0:4095"]


def test_files_around_4095_are_found_where_each_is_scaled_by_its_own_range():
    ranges = [GreyRange(0, high) for high in (4000, 4300, 4090, 4100, 4095, 4096, 4000)]
    found = found_in(ranges)
    assert found.images == ("01.png", "03.png", "05.png")
    assert shlex.split(found.advice[0].command)[-2:] == ["--window", "0:8191"]
    assert found_in(ranges, window(0, 8191)) is None


def test_numbers_of_another_scale_are_found():
    found = found_in(real(0, 1, 5) + real(0, 255, 2), window(0, 1))
    assert found.images == ("05.png", "06.png")


def test_files_outside_the_window_are_found_unless_it_cuts_all():
    found = found_in([*integers(4000, 5), GreyRange(9000, 13000)], window(0, 4095))
    assert found.images == ("05.png",)
    assert found_in(real(-1000, 3000, 6), window(-160, 240)) is None


def test_files_with_a_window_of_their_own_are_left_aside_unless_overridden():
    own = [GreyRange(0, 60000, has_own_window=True)] * 2
    assert found_in(integers(4000, 6) + own, window(0, 4095)) is None
    overriding = Rendering(window=(0, 4095), overrides_own=True)
    assert found_in(integers(4000, 6) + own, overriding).images == ("06.png", "07.png")


def test_excluding_the_odd_files_mends_it():
    ranges = integers(60000, 5) + integers(4000, 3)
    found = found_in(ranges, window(0, 65535))
    left = [one for i, one in enumerate(ranges) if f"{i:02d}.png" not in found.remedy.images]
    assert found_in(left, window(0, 65535)) is None


def companions_in(*paths, two_valued=()):
    """Return the finding in images, whose class is their first folder."""
    every = sorted((*paths, "y/other-1.png", "z/other-2.png"))
    images = tuple(ImageRecord(path, path.split("/")[0]) for path in every)
    dataset = Dataset("skin", Path("/images"), images, "made")
    measurements = {path: ImageMeasurement(is_two_valued=path in two_valued) for path in every}
    (found,) = companion_findings(dataset, measurements) or [None]
    return found


def test_images_of_their_own_are_no_companions():
    assert companions_in("a/1.png", "a/2.png", "b/1.png") is None


def test_companions_are_found_by_their_names():
    found = companions_in("a/1.png", "a/1_mask.png", "b/2.png", "b/2_mask.png")
    assert (found.kind, found.severity) == ("imported-companions", "severe")
    assert found.images == found.remedy.images == ("a/1_mask.png", "b/2_mask.png")


@pytest.mark.parametrize(
    "mask", ["a/x1 (2).png", "a/x1-shape.png", "masked/x1.png", "a/X1_s.tif", "b/x1.s.png"]
)
def test_a_picture_of_two_values_named_like_an_image_is_a_companion(mask):
    found = companions_in("a/x1.png", "a/x2.png", "b/x3.png", mask, two_valued=[mask])
    assert found.images == (mask,)
    assert "a/x1.png" in found.notes[0]
    assert companions_in("a/x1.png", "a/x2.png", "b/x3.png", mask) is None


def test_pictures_of_two_values_with_names_of_their_own_are_images():
    paths = ["a/1.png", "a/2.png", "b/11.png", "b/12.png"]
    assert companions_in(*paths, two_valued=paths) is None
    assert companions_in(*paths, two_valued=["b/11.png"]) is None


def test_a_class_of_nothing_but_companions_is_not_emptied():
    paths = ["a/1.png", "b/1.png"]
    found = companions_in(*paths, two_valued=["b/1.png"])
    images = tuple(ImageRecord(path, path[0]) for path in (*paths, "c/3.png"))
    guarded = found.guarded(Dataset("skin", Path("/images"), images, "made"))
    assert guarded.remedy is None
    assert "class “b” would have no images left" in guarded.refusal
