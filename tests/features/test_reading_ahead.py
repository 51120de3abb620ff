import numpy as np
import pytest

from medrecog_core.features.reading_ahead import read_batches
from medrecog_core.images import read_image, squeeze


@pytest.mark.parametrize(("n", "size", "lengths"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (0, 3, [])])
def test_batches_hold_every_image_once_in_order(write_image, n, size, lengths):
    images = [write_image(f"{i}.png", i) for i in range(n)]
    batches = list(read_batches(images, 224, size, {}))
    assert [len(batch) for batch in batches] == lengths
    assert [image for batch in batches for image, _ in batch] == images
    for batch in batches:
        for image, pixels in batch:
            np.testing.assert_array_equal(pixels, squeeze(read_image(image.path), 224))


def test_unreadable_images_are_noted_and_batches_filled_with_the_next(write_image):
    images = [write_image(f"{i}.png", i) for i in range(5)]
    images[1].path.write_bytes(b"changed")
    images[2].path.unlink()
    unreadable = {}
    batches = list(read_batches(images, 224, 3, unreadable))
    assert [[image for image, _ in batch] for batch in batches] == [[images[0], *images[3:]]]
    assert set(unreadable) == {images[1].sha256, images[2].sha256}
    assert "changed" in unreadable[images[1].sha256].reason


def test_nothing_is_read_far_ahead_of_the_taker(write_image, monkeypatch):
    images = [write_image(f"{i}.png", i) for i in range(40)]
    begun = []

    def reading(path):
        begun.append(path)
        return path.read_bytes()

    monkeypatch.setattr("medrecog_core.features.reading_ahead.read_file", reading)
    batches = read_batches(images, 224, 2, {})
    next(batches)
    batches.close()
    assert len(begun) <= 8
