import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Dataset, ImageRecord, find_changes, library, read_dataset
from medrecog_core.datasets.file_changes import OUTSIDE_WINDOW, refreshed
from medrecog_core.errors import MedrecogError
from medrecog_core.images import Rendering


@pytest.fixture
def skin(write_files):
    root = write_files("nv/1.png", "nv/2.png", "mel/1.png", "mel/2.png")
    for i, path in enumerate(sorted(root.rglob("*.png"))):
        Image.new("RGB", (10 + i, 10)).save(path)
    return library.save(read_dataset("skin", root))


def reasons(dataset):
    return {change.path: change.reason for change in find_changes(dataset)}


def test_nothing_changes_by_itself(skin):
    assert find_changes(skin) == ()


def test_a_file_with_a_new_time_and_the_old_content_is_unchanged(skin):
    os.utime(skin.root / "nv/1.png", ns=(0, 0))
    assert find_changes(skin) == ()


def test_changed_and_vanished_files_are_named(skin):
    Image.new("RGB", (99, 10)).save(skin.root / "nv/1.png")
    (skin.root / "mel/2.png").unlink()
    assert reasons(skin) == {
        "nv/1.png": "it has changed since the data set was added",
        "mel/2.png": "the file does not exist",
    }


def test_a_moved_file_is_found_by_its_content(skin):
    (skin.root / "nv/1.png").rename(skin.root / "nv/renamed.png")
    (skin.root / "nv/more").mkdir()
    (skin.root / "nv/2.png").rename(skin.root / "nv/more/2.png")
    changes = {change.path: change.moved_to for change in find_changes(skin)}
    assert changes == {"nv/1.png": "nv/renamed.png", "nv/2.png": "nv/more/2.png"}


def test_a_file_among_images_of_another_class_has_vanished_not_moved(skin):
    (skin.root / "nv/1.png").rename(skin.root / "mel/3.png")
    assert reasons(skin) == {"nv/1.png": "the file does not exist"}


def test_excluded_images_are_looked_at_too(skin):
    (skin.root / "nv/1.png").unlink()
    assert "nv/1.png" in reasons(library.exclude("skin", ["nv/1.png"]))


def test_a_refreshed_data_set_is_as_its_files_are(skin):
    Image.new("RGB", (99, 10)).save(skin.root / "mel/1.png")
    (skin.root / "mel/2.png").unlink()
    (skin.root / "nv/1.png").rename(skin.root / "nv/0.png")
    now = refreshed(skin, find_changes(skin))
    assert [(image.path, image.label) for image in now.images] == [
        ("mel/1.png", "mel"),
        ("nv/0.png", "nv"),
        ("nv/2.png", "nv"),
    ]
    assert now.images[0].file.width == 99
    assert (now.left_out[-1].path, now.left_out[-1].reason) == (
        "mel/2.png",
        "the file does not exist",
    )
    assert now.fingerprint != skin.fingerprint
    assert find_changes(now) == ()


def test_a_refresh_that_would_leave_one_class_is_refused(skin):
    shutil.rmtree(skin.root / "mel")
    with pytest.raises(MedrecogError, match="at least two classes"):
        library.refresh("skin")
    assert library.load("skin") == skin


def test_a_folder_that_is_gone_is_named(skin):
    skin.root.rename(skin.root.with_name("elsewhere"))
    with pytest.raises(MedrecogError, match=r"The folder .*images .*is missing"):
        find_changes(skin)


def write_deep(path, largest):
    Image.fromarray(np.linspace(0, largest, 64).reshape(8, 8).astype(np.uint16)).save(path)


@pytest.fixture
def deep(tmp_path, cache):
    """Give a data set of 16-bit images in the window of 12 bits."""
    for i in range(4):
        write_deep(tmp_path / f"{i}.png", 4000 + i)
    images = tuple(ImageRecord(f"{i}.png", "ab"[i % 2]) for i in range(4))
    return library.save(
        Dataset("deep", tmp_path, images, "made", rendering=Rendering(window=(0, 4095)))
    )


def test_a_changed_file_with_values_outside_the_window_is_a_warning_and_moves_nothing(deep):
    write_deep(deep.root / "1.png", 60_000)
    write_deep(deep.root / "2.png", 3000)
    changes = {change.path: change for change in find_changes(deep)}
    assert changes["1.png"].outside == (0, 60_000)
    assert "60000" in changes["1.png"].reason
    assert changes["2.png"].outside is None
    now, _ = library.refresh("deep")
    assert now.rendering == deep.rendering
    (warning,) = now.warnings
    assert (warning.id, warning.paths) == (OUTSIDE_WINDOW, ("1.png",))
    assert library.load("deep") == now

    write_deep(deep.root / "1.png", 4095)
    write_deep(deep.root / "3.png", 4096)
    (warning,) = library.refresh("deep")[0].warnings
    assert warning.paths == ("3.png",)
    (deep.root / "3.png").rename(deep.root / "4.png")
    (warning,) = library.refresh("deep")[0].warnings
    assert warning.paths == ("4.png",)
    write_deep(deep.root / "4.png", 10)
    assert library.refresh("deep")[0].warnings == ()


def test_no_window_means_no_warning(deep):
    plain = replace(deep, rendering=Rendering())
    write_deep(deep.root / "1.png", 60_000)
    assert [change.outside for change in find_changes(plain)] == [None]


@pytest.fixture
def stacks(tmp_path, cache):
    """Give a data set whose images are the frames of two files."""
    for name, n in (("a.tif", 3), ("b.tif", 2)):
        write_stack(tmp_path / name, n)
    images = tuple(
        ImageRecord(f"{name}.tif#{i}", name, group=name, frame=i)
        for name, n in (("a", 3), ("b", 2))
        for i in range(n)
    )
    return library.save(Dataset("stacks", tmp_path, images, "made"))


def write_stack(path, n):
    frames = [Image.new("L", (8, 8), 10 * i + n) for i in range(n)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def test_frames_move_with_their_file(stacks):
    assert [image.file.n_frames for image in stacks.images] == [3, 3, 3, 2, 2]
    (stacks.root / "a.tif").rename(stacks.root / "c.tif")
    now, changes = library.refresh("stacks")
    assert [change.moved_to for change in changes] == ["c.tif#0", "c.tif#1", "c.tif#2"]
    assert [image.path for image in now.images if image.label == "a"] == [
        "c.tif#0",
        "c.tif#1",
        "c.tif#2",
    ]
    assert all(now.absolute_path(image).is_file() for image in now.images)


def test_frames_that_a_changed_file_no_longer_has_are_left_out(stacks):
    write_stack(stacks.root / "a.tif", 1)
    now, _ = library.refresh("stacks")
    assert [image.path for image in now.images] == ["a.tif#0", "b.tif#0", "b.tif#1"]
    assert [entry.path for entry in now.left_out] == ["a.tif#1", "a.tif#2"]
