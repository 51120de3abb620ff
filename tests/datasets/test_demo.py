from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from medrecog_core.datasets import demo, library
from medrecog_core.datasets.demo import (
    CLASSES,
    IMAGES_PER_CLASS,
    SIDE,
    DemoImage,
    demo_images,
    draw,
)
from medrecog_core.errors import StorageError
from medrecog_core.settings import CACHE_VARIABLE

pytestmark = pytest.mark.slow


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


N_IMAGES = len(CLASSES) * IMAGES_PER_CLASS


@pytest.fixture
def quick_pencil(monkeypatch):
    """Draw blank pictures, for tests of everything but the pictures."""
    monkeypatch.setattr(demo, "draw", lambda image: np.zeros((8, 8, 3), np.uint8))


@pytest.fixture
def folder(cache):
    return cache.datasets / "demo"


def never(image):
    pytest.fail("a picture was drawn again")


def test_the_pictures_are_on_disk_as_they_were_drawn(pictures, monkeypatch):
    drawn = dict(zip(demo_images(), pictures, strict=True))
    monkeypatch.setattr(demo, "draw", drawn.__getitem__)
    dataset = demo.load()
    by_name = {Path(record.path).name: record for record in dataset.images}
    for image, pixels in drawn.items():
        with Image.open(dataset.absolute_path(by_name[image.name])) as kept:
            np.testing.assert_array_equal(np.asarray(kept), pixels)


@pytest.mark.usefixtures("quick_pencil")
def test_the_demo_has_groups_and_says_that_it_is_synthetic():
    dataset = library.load("demo")
    assert dataset.synthetic
    assert "synthetic" in dataset.layout
    assert dataset.classes == CLASSES
    assert dataset.splits == ()
    assert dataset.left_out == ()
    assert {(record.label, record.group) for record in dataset.images} == {
        (image.label, image.lesion) for image in demo_images()
    }
    assert [record.path for record in dataset.images] == sorted(r.path for r in dataset.images)
    assert len(dataset.images) == N_IMAGES


@pytest.mark.usefixtures("quick_pencil")
def test_the_pictures_are_drawn_once(monkeypatch, folder):
    assert not demo.is_drawn()
    first = demo.load()
    assert demo.is_drawn()
    assert len(list(folder.glob("images/*/*.png"))) == N_IMAGES
    monkeypatch.setattr(demo, "draw", never)
    assert demo.load() == first


@pytest.mark.usefixtures("quick_pencil")
def test_drawing_reports_every_picture(folder):
    reported = []
    demo.load(lambda done, total: reported.append((done, total, len(list(folder.rglob("*.png"))))))
    assert [(done, total) for done, total, _ in reported] == [
        (i + 1, N_IMAGES) for i in range(N_IMAGES)
    ]
    assert all(on_disk >= done for done, _, on_disk in reported)


@pytest.mark.usefixtures("quick_pencil")
def test_what_a_killed_process_left_is_cleared_away(folder):
    unfinished = folder / ".drawing-killed" / CLASSES[0]
    unfinished.mkdir(parents=True)
    (unfinished / "half.png").touch()
    demo.load()
    assert list(folder.glob(".drawing-*")) == []


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.usefixtures("quick_pencil")
def test_an_exception_while_drawing_leaves_nothing(folder, failure):
    def fail_at_the_third(done, total):
        if done == 3:
            raise failure

    with pytest.raises(failure):
        demo.load(fail_at_the_third)
    assert not demo.is_drawn()
    assert [entry.name for entry in folder.iterdir()] in ([], ["drawing.lock"])
    assert len(demo.load().images) == N_IMAGES


def test_a_full_disk_is_told_in_a_sentence(monkeypatch, folder):
    def no_space(image):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo, "draw", no_space)
    with pytest.raises(StorageError, match=r"demo/images \(No space left on device\)\. Free disk"):
        demo.load()
    assert not demo.is_drawn()


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match=rf"Cannot write to {tmp_path}/file/cache/datasets/demo"):
        demo.load()
