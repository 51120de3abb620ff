import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage.filters import laplace

from medrecog_core.datasets.measurement import measure_image
from medrecog_core.images import UnreadableImageError


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
