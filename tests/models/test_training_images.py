import numpy as np
import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.images import Image
from medrecog_core.models.training_images import index_training_images

RNG = np.random.default_rng(0)
ROWS = np.abs(RNG.normal(size=(40, 16))).astype(np.float32)
IMAGES = [Image(f"/{i}.png", f"{i:064x}", "ab"[i % 2]) for i in range(40)]


def test_nearest_images_are_those_of_plain_cosine_distances() -> None:
    index = index_training_images(IMAGES, ROWS, [""] * 40)
    new = np.abs(RNG.normal(size=(3, 16)))
    unit = new / np.linalg.norm(new, axis=1, keepdims=True)
    known = ROWS / np.linalg.norm(ROWS, axis=1, keepdims=True)
    expected = np.sort(1 - unit @ known.T, axis=1)[:, :5]
    for found, distances in zip(index.resemblances(new), expected, strict=True):
        assert [near.distance for near in found.nearest] == pytest.approx(distances, abs=1e-3)
        assert found.distance == pytest.approx(distances.mean(), abs=1e-3)


def test_images_like_the_training_images_are_rarely_called_unlike_and_others_always() -> None:
    index = index_training_images(IMAGES, ROWS, [""] * 40)
    like = index.resemblances(np.abs(RNG.normal(size=(200, 16))))
    assert np.mean([found.is_unlike for found in like]) < 0.15
    assert all(found.is_unlike for found in index.resemblances(-ROWS[:5]))


def test_of_too_many_descriptors_some_are_kept() -> None:
    index = index_training_images(IMAGES, ROWS, [""] * 40, most_bytes=10 * 16 * 2)
    assert len(index.images) == len(index.detector.descriptors) == 10
    for image, row in zip(index.images, index.detector.descriptors, strict=True):
        own = ROWS[IMAGES.index(image)]
        np.testing.assert_allclose(row, own / np.linalg.norm(own), atol=1e-3)
    again = index_training_images(IMAGES, ROWS, [""] * 40, most_bytes=10 * 16 * 2)
    assert again.images == index.images


def test_images_of_one_group_cannot_say_what_is_usual() -> None:
    with pytest.raises(MedrecogError, match="images from at least two groups"):
        index_training_images(IMAGES, ROWS, ["one"] * 40)
