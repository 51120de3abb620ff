from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import demo, demo_folder, library
from medrecog_core.datasets.demo import CLASSES, IMAGES_PER_CLASS, demo_images
from medrecog_core.errors import StorageError
from medrecog_core.settings import CACHE_VARIABLE

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
    dataset = demo_folder.load()
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
    assert not demo_folder.is_drawn()
    assert demo_folder.drawn_so_far() == (0, N_IMAGES)
    first = demo_folder.load()
    assert demo_folder.is_drawn()
    assert demo_folder.drawn_so_far() == (N_IMAGES, N_IMAGES)
    assert len(list(folder.glob("images/*/*.png"))) == N_IMAGES
    monkeypatch.setattr(demo, "draw", never)
    assert demo_folder.load() == first


@pytest.mark.usefixtures("quick_pencil")
def test_drawing_reports_every_picture():
    reported = []
    demo_folder.load(lambda done, total: reported.append((done, total, demo_folder.drawn_so_far())))
    assert [entry[:2] for entry in reported] == [(i + 1, N_IMAGES) for i in range(N_IMAGES)]
    assert all(counted == (done, total) for done, total, counted in reported)


@pytest.mark.usefixtures("quick_pencil")
def test_what_a_killed_process_left_is_cleared_away(folder):
    unfinished = folder / ".drawing-killed" / CLASSES[0]
    unfinished.mkdir(parents=True)
    (unfinished / "half.png").touch()
    assert demo_folder.drawn_so_far() == (1, N_IMAGES)
    demo_folder.load()
    assert list(folder.glob(".drawing-*")) == []


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
@pytest.mark.usefixtures("quick_pencil")
def test_an_exception_while_drawing_leaves_nothing(folder, failure):
    def fail_at_the_third(done, total):
        if done == 3:
            raise failure

    with pytest.raises(failure):
        demo_folder.load(fail_at_the_third)
    assert not demo_folder.is_drawn()
    assert [entry.name for entry in folder.iterdir()] in ([], ["drawing.lock"])
    assert len(demo_folder.load().images) == N_IMAGES


def test_a_full_disk_is_told_in_a_sentence(monkeypatch, folder):
    def no_space(image):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo, "draw", no_space)
    with pytest.raises(StorageError, match=r"demo/images \(No space left on device\)\. Free disk"):
        demo_folder.load()
    assert not demo_folder.is_drawn()


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(StorageError, match=rf"Cannot write to {tmp_path}/file/cache/datasets/demo"):
        demo_folder.load()


@pytest.mark.parametrize("finished", [False, True])
def test_counting_survives_that_the_pictures_are_moved_meanwhile(folder, monkeypatch, finished):
    def moved(self, pattern):
        if finished:
            (folder / "images").mkdir(parents=True)
        raise FileNotFoundError

    monkeypatch.setattr(Path, "glob", moved)
    assert demo_folder.drawn_so_far() == (N_IMAGES if finished else 0, N_IMAGES)
