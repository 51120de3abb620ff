from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Dataset, ImageRecord, library, measurements, read_dataset
from medrecog_core.datasets.measurements import measure_images
from medrecog_core.images import Rendering


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
