import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from medrecog_core.datasets import (
    CATALOGUE,
    Decisions,
    add_dataset,
    catalogue,
    download_dataset,
    library,
)
from medrecog_core.datasets.downloading import download_folder
from medrecog_core.datasets.larger_set import larger_set
from medrecog_core.errors import MedrecogError
from medrecog_core.settings import variable_of
from tests.archives import PNG, pack

MINI = CATALOGUE["mini-mit"]
TRAIN, TEST = "bar/1.png\noffice/1.png\n", "bakery/1.png\nbar/2.png\n"
N_LISTED = 4
MIRROR = variable_of("datasets_mirror")


@pytest.fixture(autouse=True)
def published(monkeypatch):
    """Let MIT-67 be a set of four images, and nothing be there to download."""
    whole = replace(CATALOGUE["mit67"], n_images=N_LISTED)
    monkeypatch.setitem(catalogue.CATALOGUE, "mit67", whole)
    monkeypatch.setenv(MIRROR, "http://127.0.0.1:9")


@pytest.fixture
def files(tmp_path):
    """Write the published files and return their paths."""
    (tmp_path / "TrainImages.txt").write_text(TRAIN)
    (tmp_path / "TestImages.txt").write_text(TEST)
    listed = ("bar/1.png", "bar/2.png", "bakery/1.png", "office/1.png", "office/2.png")
    members = [(f"Images/{path}", PNG) for path in listed]
    return [pack(tmp_path / "indoorCVPR_09.tar", members), *sorted(tmp_path.glob("*.txt"))]


def paths(dataset):
    return [image.path for image in dataset.images]


MINI_PATHS = ["Images/bakery/1.png", "Images/bar/1.png", "Images/bar/2.png"]


def test_without_the_larger_set_it_is_downloaded():
    assert larger_set(MINI) is None
    with pytest.raises(MedrecogError, match="To get it manually"):
        download_dataset("mini-mit", pause=lambda _: None)


def test_images_that_were_unpacked_for_the_larger_set_are_taken_from_it(files, cache):
    add_dataset("mit67", files)
    seen = []
    dataset = download_dataset("mini-mit", report=lambda *state: seen.append(state))
    assert paths(dataset) == MINI_PATHS
    assert dataset.classes == ("bakery", "bar")
    assert dataset.splits == ("train", "test")
    assert {stage.id for stage, *_ in seen} == {"copy-files"}
    assert seen[-1][1] == seen[-1][2] > 0
    assert not (cache.datasets / "mini-mit/images/Images/office").exists()
    assert library.load("mini-mit") == dataset


def test_either_set_can_be_removed(files):
    add_dataset("mit67", files)
    dataset = download_dataset("mini-mit")
    library.remove("mit67")
    assert all(dataset.absolute_path(image).is_file() for image in dataset.images)


def test_it_is_the_set_that_its_own_archive_gives(files, cache):
    from_archive = add_dataset("by-hand", files, Decisions(entry="mini-mit"))
    add_dataset("mit67", files)
    from_larger = download_dataset("mini-mit")
    assert [(i.path, i.label, i.split) for i in from_larger.images] == [
        (i.path, i.label, i.split) for i in from_archive.images
    ]
    assert from_larger.layout == from_archive.layout


def test_a_folder_of_somebody_else_is_used_where_it_is(files, tmp_path, cache):
    shutil.unpack_archive(files[0], tmp_path / "mine")
    for file in files[1:]:
        shutil.copy(file, tmp_path / "mine")
    add_dataset("mit67", [tmp_path / "mine"])
    dataset = download_dataset("mini-mit")
    assert dataset.root == tmp_path / "mine"
    assert paths(dataset) == MINI_PATHS
    assert not (cache.datasets / "mini-mit/images").exists()


@pytest.mark.parametrize("spoil", ["image", "folder"])
def test_a_larger_set_that_is_not_whole_is_none(files, spoil):
    if spoil == "image":
        Path(files[2]).write_text(TRAIN.replace("office/1.png\n", ""))
    dataset = add_dataset("mit67", files)
    if spoil == "folder":
        shutil.rmtree(dataset.root)
    assert larger_set(MINI) is None


def test_no_set_is_made_of_a_smaller_one(files):
    add_dataset("mini-mit", files, Decisions(entry="mini-mit"))
    assert larger_set(catalogue.CATALOGUE["mit67"]) is None


def test_files_that_were_downloaded_for_the_other_set_are_not_downloaded_again(files, cache):
    other = download_folder(catalogue.CATALOGUE["mit67"])
    other.mkdir(parents=True)
    for file in files:
        shutil.copy(file, other)
    assert paths(download_dataset("mini-mit")) == MINI_PATHS
    assert sorted(file.name for file in other.iterdir()) == sorted(file.name for file in files)
