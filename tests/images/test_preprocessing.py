import numpy as np
import pytest
from PIL import Image

from medrecog_core.errors import UsageError
from medrecog_core.images import REPORT_SCALES, check_scale, squeeze


def picture(width, height):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (224, 100), (1000, 700)])
def test_any_shape_becomes_a_square_of_bytes(size):
    square = squeeze(picture(*size), 224)
    assert square.shape == (224, 224, 3)
    assert square.dtype == np.uint8


def test_an_image_of_the_right_size_is_not_touched():
    image = picture(224, 224)
    np.testing.assert_array_equal(squeeze(image, 224), np.asarray(image))


def test_the_resampling_is_bilinear():
    image = picture(500, 300)
    expected = np.asarray(image.resize((224, 224), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(squeeze(image, 224), expected)


def test_nothing_is_cropped():
    pixels = np.zeros((100, 400, 3), dtype=np.uint8)
    pixels[:, :40] = (255, 0, 0)
    pixels[:, -40:] = (0, 0, 255)
    square = squeeze(Image.fromarray(pixels), 224)
    assert square[112, 0].tolist() == [255, 0, 0]
    assert square[112, -1].tolist() == [0, 0, 255]


@pytest.mark.parametrize("scale", [224, 225, 2048, *REPORT_SCALES])
def test_possible_scales_are_returned(scale):
    assert check_scale(scale) == scale


@pytest.mark.parametrize("scale", [-224, 0, 10, 223, 2049, 224.5, 544.0])
def test_impossible_scales_are_refused_with_the_bounds(scale):
    with pytest.raises(UsageError, match=rf"The scale {scale} .* between 224 and 2048 pixels"):
        check_scale(scale)


def test_the_scales_of_the_report_are_224_plus_320k():
    assert tuple(224 + 320 * k for k in range(4)) == REPORT_SCALES
