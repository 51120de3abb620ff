import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from medrecog_core.datasets.health.measurements import ImageMeasurement, measure_image
from medrecog_core.datasets.image_quality import MIN_FOR_BLUR, quality_findings


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
