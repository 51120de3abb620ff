import os
import shutil

import pytest
from PIL import Image

from medrecog_core.datasets import find_changes, library
from medrecog_core.datasets.file_changes import refreshed
from medrecog_core.errors import MedrecogError


@pytest.fixture
def skin(write_files):
    root = write_files("nv/1.png", "nv/2.png", "mel/1.png", "mel/2.png")
    for i, path in enumerate(sorted(root.rglob("*.png"))):
        Image.new("RGB", (10 + i, 10)).save(path)
    return library.save(library.read_folder("skin", root))


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
        "mel/2.png": "the file is not there",
    }


def test_a_moved_file_is_found_by_its_content(skin):
    (skin.root / "nv/1.png").rename(skin.root / "nv/renamed.png")
    (skin.root / "nv/more").mkdir()
    (skin.root / "nv/2.png").rename(skin.root / "nv/more/2.png")
    changes = {change.path: change.moved_to for change in find_changes(skin)}
    assert changes == {"nv/1.png": "nv/renamed.png", "nv/2.png": "nv/more/2.png"}


def test_a_file_among_images_of_another_class_has_vanished_not_moved(skin):
    (skin.root / "nv/1.png").rename(skin.root / "mel/3.png")
    assert reasons(skin) == {"nv/1.png": "the file is not there"}


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
        "the file is not there",
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
    with pytest.raises(MedrecogError, match=r"The folder .*images .*is gone: put it back"):
        find_changes(skin)
