import hashlib
from collections import Counter

import numpy as np
import pytest

from medrecog_core.errors import StoppedError
from medrecog_core.features import hash_images, reading
from medrecog_core.features.reading import read_batches, reading_ahead
from medrecog_core.images import PREPROCESSINGS, find_preprocessing, read_image, squeeze
from medrecog_core.networks import Device

SQUEEZED = find_preprocessing("squeeze")
KEPT = find_preprocessing("keep-aspect")


def test_missing_file_is_listed_by_hashing(tmp_path, write_image):
    present = write_image("a.png", 1)
    hashed, skipped = hash_images([present.file, tmp_path / "gone.png"])
    assert hashed == [present]
    assert skipped[0].path.endswith("gone.png")
    assert "the file does not exist" in skipped[0].reason


def test_hashes_are_sha256_of_the_bytes_in_the_given_order(write_image):
    images = [write_image(f"{i}.png", i) for i in range(20)]
    hashed, _ = hash_images([image.file for image in images])
    assert hashed == images
    content = hashed[7].file.read_bytes()
    assert hashed[7].sha256 == hashlib.sha256(content).hexdigest()


def test_hashing_stops_when_asked(write_image):
    images = [write_image(f"{i}.png", i) for i in range(5)]
    with pytest.raises(StoppedError):
        hash_images([image.file for image in images], should_stop=lambda: True)


def test_a_file_of_several_images_is_read_once(write_image, monkeypatch):
    paths = [write_image(f"{i}.png", i).file for i in range(2)]
    read = []
    monkeypatch.setattr(reading, "read_file", lambda path: read.append(path) or path.read_bytes())
    hashed, skipped = hash_images([paths[0], paths[1], paths[0]])
    assert [each.file for each in hashed] == paths
    assert sorted(read) == sorted(paths)
    assert skipped == []


@pytest.mark.parametrize(("n", "size", "lengths"), [(7, 3, [3, 3, 1]), (6, 3, [3, 3]), (0, 3, [])])
def test_batches_hold_every_image_once_in_order(write_image, n, size, lengths):
    images = [write_image(f"{i}.png", i) for i in range(n)]
    batches = list(read_batches(images, SQUEEZED, 224, size, {}))
    assert [len(batch) for batch in batches] == lengths
    assert [image for batch in batches for image, _ in batch] == images
    for batch in batches:
        for image, pixels in batch:
            np.testing.assert_array_equal(pixels, squeeze(read_image(image.file), 224))


@pytest.mark.parametrize("preprocessing", PREPROCESSINGS.values(), ids=PREPROCESSINGS)
def test_images_of_a_batch_have_one_shape_and_no_more_pixels_than_squares(
    write_image, preprocessing
):
    sizes = [(60, 40), (40, 60), (50, 50), (90, 30), (80, 41)]
    images = [write_image(f"{i}.png", i, sizes[i % len(sizes)]) for i in range(23)]
    seen = Counter()
    for batch in read_batches(images, preprocessing, 224, 4, {}):
        (shape,) = {pixels.shape for _, pixels in batch}
        assert len(batch) * shape[0] * shape[1] <= 4 * 224**2
        seen.update(image for image, _ in batch)
        for image, pixels in batch:
            expected = preprocessing.pixels(read_image(image.file), 224)
            np.testing.assert_array_equal(pixels, expected)
    assert seen == Counter(images)


def test_images_of_few_shapes_fill_their_batches(write_image):
    images = [write_image(f"{i}.png", i, [(60, 40), (40, 60)][i % 2]) for i in range(16)]
    lengths = [len(batch) for batch in read_batches(images, KEPT, 224, 6, {})]
    assert lengths == [3, 3, 3, 3, 2, 2]


def test_an_image_of_more_pixels_than_a_batch_goes_alone(write_image):
    images = [write_image(f"{i}.png", i, (80, 40)) for i in range(3)]
    assert [len(batch) for batch in read_batches(images, KEPT, 224, 1, {})] == [1, 1, 1]


def test_unreadable_images_are_noted_and_batches_filled_with_the_next(write_image):
    images = [write_image(f"{i}.png", i) for i in range(5)]
    images[1].file.write_bytes(b"changed")
    images[2].file.unlink()
    unreadable = {}
    batches = list(read_batches(images, SQUEEZED, 224, 3, unreadable))
    assert [[image for image, _ in batch] for batch in batches] == [[images[0], *images[3:]]]
    assert set(unreadable) == {images[1].identity, images[2].identity}
    assert "changed" in unreadable[images[1].identity].reason


def test_nothing_is_read_far_ahead_of_the_taker(write_image, monkeypatch):
    images = [write_image(f"{i}.png", i) for i in range(40)]
    begun = []

    def recorded(path):
        begun.append(path)
        return path.read_bytes()

    monkeypatch.setattr("medrecog_core.features.reading.read_file", recorded)
    monkeypatch.setattr(reading, "find_device", lambda: Device("cpu", "", 2, False))
    batches = read_batches(images, SQUEEZED, 224, 2, {})
    next(batches)
    batches.close()
    assert len(begun) <= reading_ahead(2).n_waiting + 2


def test_images_in_memory_stay_within_the_bound_whatever_their_shapes(write_image, monkeypatch):
    images = [write_image(f"{i}.png", i, (20 + i % 11, 20)) for i in range(60)]
    taken, begun = Counter(), []
    monkeypatch.setattr(
        "medrecog_core.features.reading.read_file",
        lambda path: begun.append(path) or path.read_bytes(),
    )
    bound = reading_ahead(3).n_images
    for batch in read_batches(images, KEPT, 224, 3, {}):
        taken.update(image for image, _ in batch)
        # Those of the batch in hand are taken already.
        assert len(begun) - taken.total() <= bound
    assert taken == Counter(images)


@pytest.mark.parametrize(
    ("kind", "n_cores", "n_readers"),
    [("cpu", 1, 2), ("cpu", 2, 2), ("cpu", 16, 4), ("gpu", 2, 2), ("gpu", 16, 16), ("gpu", 96, 32)],
)
def test_readers_follow_the_cores_and_the_appetite_of_the_gpu(kind, n_cores, n_readers):
    ahead = reading_ahead(8, Device(kind, "", n_cores, True))
    assert ahead.n_readers == n_readers
    assert ahead.n_waiting >= 2 * n_readers
    assert ahead.n_images <= 7 * 8 + 2 * n_readers
