import io
from dataclasses import replace

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage
from skimage.filters import laplace

from medrecog_core.datasets import Dataset, ImageRecord, library, read_dataset
from medrecog_core.datasets.health import measurements
from medrecog_core.datasets.health.measurements import laplacian, measure_image, measure_images
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


@pytest.fixture
def skin(write_files):
    root = write_files(*(f"{label}/{i}.png" for label in ("mel", "nv") for i in range(4)))
    for i, path in enumerate(sorted(root.rglob("*.png"))):
        Image.new("L", (20 + i, 20), 10 * i).save(path)
    return library.save(read_dataset("skin", root))


@pytest.fixture
def file(cache):
    return cache.datasets / "skin" / "measurements.json"


@pytest.fixture
def measured(monkeypatch):
    """The contents that are measured from now on."""
    contents = []
    measure = measurements.measure_image
    monkeypatch.setattr(
        measurements,
        "measure_image",
        lambda content, rendering: contents.append(content) or measure(content, rendering),
    )
    return contents


def test_every_image_is_measured(skin, file):
    found = measure_images(skin, file)
    assert {path: m.width for path, m in found.items()} == {
        image.path: image.file.width for image in skin.images
    }


def test_nothing_is_measured_twice(skin, file, measured):
    first = measure_images(skin, file)
    assert len(measured) == len(skin.images)
    assert measure_images(skin, file) == first
    assert len(measured) == len(skin.images)


def test_a_changed_image_is_measured_as_it_is_now(skin, file, measured):
    measure_images(skin, file)
    Image.new("L", (99, 20)).save(skin.root / "nv/1.png")
    assert measure_images(skin, file, ["nv/1.png"])["nv/1.png"].width == 99
    assert len(measured) == len(skin.images) + 1
    now, _ = library.refresh("skin")
    assert measure_images(now, file)["nv/1.png"].width == 99
    assert len(measured) == len(skin.images) + 1


def test_unreadable_images_say_why(skin, file):
    (skin.root / "nv/1.png").write_text("no picture")
    (skin.root / "nv/2.png").unlink()
    found = measure_images(skin, file)
    assert "not an image" in found["nv/1.png"].reason
    assert found["nv/2.png"].reason == "the file does not exist"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"version": 0, "images": {}}', '{"version": 1, "images": {"a": [1]}}']
)
def test_a_damaged_file_is_as_good_as_none(skin, file, measured, text):
    file.write_text(text)
    measure_images(skin, file)
    assert len(measured) == len(skin.images)


def test_what_was_measured_before_an_interruption_is_kept(skin, file, measured):
    def interrupt(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_images(skin, file, report=interrupt)
    measured.clear()
    measure_images(skin, file)
    assert len(measured) == len(skin.images) - 3


def test_only_a_few_images_are_read_ahead(write_files, cache, measured):
    root = write_files(*(f"{label}/{i}.png" for label in ("mel", "nv") for i in range(100)))
    dataset = read_dataset("skin", root)

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_images(dataset, cache.datasets / "m.json", report=interrupt)
    assert len(measured) < 20


def test_images_are_measured_under_each_rendering_of_their_data_set(tmp_path, measured):
    values = np.linspace(0, 4095, 32 * 32).reshape(32, 32).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "16.png")
    Image.fromarray((values // 16).astype(np.uint8)).save(tmp_path / "8.png")
    images = (ImageRecord("16.png", "a"), ImageRecord("8.png", "b"))
    plain = library.save(Dataset("deep", tmp_path, images, "made"))
    file = tmp_path / "measurements.json"
    first = measure_images(plain, file)
    narrow = replace(plain, rendering=Rendering(window=(0, 400)))
    second = measure_images(narrow, file)
    assert len(measured) == 3
    assert second["8.png"] == first["8.png"]
    assert second["16.png"].contrast < first["16.png"].contrast
    assert measure_images(plain, file) == first
    assert measure_images(narrow, file) == second
    assert len(measured) == 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (7, 4), (64, 64)])
def test_second_differences_are_those_of_scipy(shape):
    values = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    np.testing.assert_array_equal(laplacian(values), ndimage.laplace(values))
