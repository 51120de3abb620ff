import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage.filters import laplace

from medrecog_core.datasets.measurement import measure_image
from medrecog_core.images import Rendering, UnreadableImageError


def encoded(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.fixture
def noise():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)
    return Image.fromarray(pixels)


def test_the_hash_is_that_of_imagehash(noise):
    measured = measure_image(encoded(noise)).perceptual_hash
    assert f"{measured:016x}" == str(imagehash.phash(noise))


def test_sharpness_is_the_variance_of_the_laplacian_as_scikit_image_has_it(noise):
    inner = np.pad(np.asarray(noise, float), 1, mode="symmetric")
    expected = laplace(inner)[1:-1, 1:-1].var()
    assert measure_image(encoded(noise)).sharpness == pytest.approx(expected, rel=1e-4)


def test_contrast_is_the_standard_deviation_of_the_grey_values(noise):
    measured = measure_image(encoded(noise))
    assert measured.contrast == pytest.approx(np.asarray(noise, float).std(), abs=1e-3)
    assert measure_image(encoded(Image.new("RGB", (50, 50), "red"))).contrast == 0


def test_blurring_takes_sharpness_away(noise):
    blurred = noise.filter(ImageFilter.GaussianBlur(2))
    assert measure_image(encoded(blurred)).sharpness < measure_image(encoded(noise)).sharpness / 50


def test_the_size_is_that_of_the_file_not_of_what_was_decoded():
    measured = measure_image(encoded(Image.radial_gradient("L").resize((2000, 1500)), "JPEG"))
    assert (measured.width, measured.height, measured.mode) == (2000, 1500, "L")
    assert measured.jpeg_quality == 75


def test_the_grey_square_has_the_means_of_its_parts(noise):
    wide = noise.resize((160, 160))
    means = np.asarray(wide, float).reshape(16, 10, 16, 10).mean(axis=(1, 3))
    np.testing.assert_allclose(measure_image(encoded(wide)).grey_values, means.ravel(), atol=1)


def test_a_cut_image_is_refused(noise):
    with pytest.raises(UnreadableImageError, match="truncated"):
        measure_image(encoded(noise)[:900])


def mask(side=64):
    pixels = np.zeros((side, side), np.uint8)
    pixels[side // 4 : side // 2, side // 3 : side // 2] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    "content",
    [
        encoded(mask()),
        encoded(mask().convert("1")),
        encoded(Image.fromarray(np.asarray(mask()) // 255)),
        encoded(mask(600)),
        encoded(mask(600), "JPEG", quality=80),
    ],
)
def test_a_mask_has_two_values(content):
    assert measure_image(content).is_two_valued


@pytest.mark.parametrize(
    "content",
    [
        encoded(Image.new("L", (50, 50))),
        encoded(Image.radial_gradient("L")),
        encoded(Image.radial_gradient("L"), "JPEG"),
        encoded(Image.effect_noise((64, 64), 80), "JPEG"),
        encoded(Image.new("L", (50, 50), 9), "JPEG"),
    ],
)
def test_other_pictures_have_more_or_one(content):
    assert not measure_image(content).is_two_valued


def test_the_range_of_stored_values_is_that_of_files_with_more_than_8_bits(noise):
    values = np.linspace(7, 4000, 400).reshape(20, 20)
    of = {
        "I;16": measure_image(encoded(Image.fromarray(values.astype(np.uint16)))).grey_range,
        "L": measure_image(encoded(noise)).grey_range,
    }
    assert (of["I;16"].low, of["I;16"].high) == (7, 4000)
    assert of["L"] is None
    window = Rendering(window=(0, 100))
    real = encoded(Image.fromarray((values / 4000).astype(np.float32)), "TIFF")
    assert measure_image(real, window).grey_range.high == 1
