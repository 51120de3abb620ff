"""The synthetic demo pictures: what is promised about them, checked on all 240."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from medrecog_core.datasets.demo import (
    CLASSES,
    IMAGES_PER_CLASS,
    SIDE,
    DemoImage,
    demo_images,
    draw,
)


def test_four_classes_of_sixty_pictures() -> None:
    assert len(CLASSES) == 4
    assert list(CLASSES) == sorted(CLASSES)
    counts = Counter(image.label for image in demo_images())
    assert counts == dict.fromkeys(CLASSES, IMAGES_PER_CLASS)


def test_names_are_unique_and_the_order_is_stable() -> None:
    names = [image.name for image in demo_images()]
    assert len(set(names)) == len(names)
    assert names == [image.name for image in demo_images()]
    assert DemoImage("reticular", "reticular-lesion07", 2).name == "reticular-lesion07-view2.png"


@pytest.mark.parametrize("label", CLASSES)
def test_half_of_the_lesions_have_two_views(label: str) -> None:
    views: dict[str, list[int]] = {}
    for image in demo_images():
        if image.label == label:
            views.setdefault(image.lesion, []).append(image.view)
    assert Counter(map(tuple, views.values())) == {(1, 2): 20, (1,): 20}
    assert all(lesion.startswith(f"{label}-lesion") for lesion in views)


def test_no_lesion_has_two_labels() -> None:
    pairs = {(image.lesion, image.label) for image in demo_images()}
    assert len(pairs) == len({lesion for lesion, _ in pairs})


def test_pictures_are_rgb_bytes(pictures: NDArray[np.uint8]) -> None:
    assert pictures.shape == (240, SIDE, SIDE, 3)
    assert pictures.dtype == np.uint8


def test_drawing_again_in_another_order_gives_the_same_pixels(
    pictures: NDArray[np.uint8],
) -> None:
    images = demo_images()
    for index in (201, 130, 61, 0):
        np.testing.assert_array_equal(draw(images[index]), pictures[index])


def test_every_picture_differs_from_every_other(pictures: NDArray[np.uint8]) -> None:
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


def test_two_views_differ_clearly(pictures: NDArray[np.uint8]) -> None:
    images = demo_images()
    for index, image in enumerate(images):
        if image.view == 2:
            assert images[index - 1].lesion == image.lesion
            difference = pictures[index].astype(float) - pictures[index - 1]
            assert np.abs(difference).mean() > 3


def test_brightness_and_contrast_are_those_of_a_photograph(pictures: NDArray[np.uint8]) -> None:
    means = pictures.mean(axis=(1, 2, 3))
    contrasts = pictures.std(axis=(1, 2, 3))
    assert means.min() > 90
    assert means.max() < 190
    assert contrasts.min() > 12


@pytest.mark.parametrize(
    "image",
    [
        DemoImage("unknown", "unknown-lesion01", 1),
        DemoImage("reticular", "reticular-lesion40", 2),
        DemoImage("reticular", "globular-lesion01", 1),
    ],
)
def test_other_pictures_are_refused(image: DemoImage) -> None:
    with pytest.raises(ValueError, match="not a picture of the demo data set"):
        draw(image)


def _mean_colours(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(pictures.mean(axis=(1, 2)) / 255)


def _thumbnails(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    small = [Image.fromarray(p).resize((16, 16), Image.Resampling.BOX) for p in pictures]
    return np.stack([np.asarray(picture) for picture in small]).reshape(len(small), -1) / 255


@pytest.mark.parametrize("features", [_mean_colours, _thumbnails])
@pytest.mark.parametrize(
    "classifier",
    [LinearSVC(random_state=0), make_pipeline(StandardScaler(), LinearSVC(random_state=0))],
    ids=["plain", "standardised"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_colour_and_thumbnail_do_not_give_the_class_away(
    features: Callable[[NDArray[np.uint8]], NDArray[np.float64]],
    classifier: LinearSVC | Pipeline,
    pictures: NDArray[np.uint8],
) -> None:
    labels = np.array([image.label for image in demo_images()])
    lesions = np.array([image.lesion for image in demo_images()])
    values = features(pictures)
    folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=0)
    for train, test in folds.split(values, labels, lesions):
        score = classifier.fit(values[train], labels[train]).score(values[test], labels[test])
        assert score < 0.65
