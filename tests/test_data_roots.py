"""The folders that runners may name: what is refused, and that no link leads out of them."""

import os
import shutil
from pathlib import Path

import pytest

from medrecog_core.access import OPERATOR, NotAllowedError, Person, Role, acting_as
from medrecog_core.data_roots import is_nameable
from medrecog_core.datasets import Decisions, add_dataset, library
from medrecog_core.datasets.importing import propose_dataset, start_import
from medrecog_core.errors import MedrecogError, UnreadableImageError
from medrecog_core.images import read_file, thumbnail
from tests.textures import write_textures

ADA = Person("idp 1", "Ada", Role.RUNNER)
EVE = Person("idp 3", "Eve", Role.VIEWER)
ROOT = Person("idp 4", "Grace", Role.ADMIN)


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A folder that runners may name, with a data set in it, beside one that they may not."""
    folder = tmp_path / "shared"
    write_textures(folder / "images")
    write_textures(tmp_path / "private")
    (tmp_path / "private/labels.csv").write_text("file,label\nnoise/noise-0.png,secret\n")
    monkeypatch.setenv("MEDRECOG_DATA_ROOTS", str(folder))
    return folder


@pytest.fixture
def private(shared, tmp_path):
    return tmp_path / "private"


def outside(shared, private, cache):
    """Names of folders and files outside, one by each way to write it."""
    (shared / "link").symlink_to(private)
    (shared / "deep").mkdir()
    (shared / "deep/link").symlink_to("../link")
    (cache.datasets / "one").mkdir(parents=True)
    return [
        private,
        private / "labels.csv",
        shared / "../private",
        shared / "link",
        shared / "deep/link/noise",
        Path(f"{shared}-other"),
        private / "does-not-exist",
        Path("/"),
        Path("~"),
        cache.root,
        cache.datasets,
        cache.datasets / "one",
        cache.datasets / "one/../../runs/x",
    ]


def test_runners_name_only_what_is_in_the_folders(shared, private, cache):
    for path in outside(shared, private, cache):
        with acting_as(ADA):
            for name in (
                lambda path=path: add_dataset("more", [path]),
                lambda path=path: propose_dataset("more", [path]),
                lambda path=path: start_import("more", [path], Decisions()),
                lambda path=path: add_dataset(
                    "more", [shared / "images"], Decisions(tables=(path,))
                ),
            ):
                with pytest.raises(NotAllowedError, match="not in a folder that you may use"):
                    name()
    assert "more" not in library.names()
    with acting_as(ADA):
        assert add_dataset("more", [shared / "images"]).images
        with pytest.raises(NotAllowedError):
            library.move("more", private)
    for person, name in ((ROOT, "of-admin"), (OPERATOR, "of-operator")):
        with acting_as(person):
            assert add_dataset(name, [private / "noise/.."]).images


def test_without_folders_runners_name_nothing_but_what_medrecog_keeps(shared, cache, monkeypatch):
    monkeypatch.delenv("MEDRECOG_DATA_ROOTS")
    archive = cache.datasets / ".upload-1/textures.zip"
    archive.parent.mkdir(parents=True)
    shutil.make_archive(str(archive.with_suffix("")), "zip", shared / "images")
    with acting_as(ADA):
        with pytest.raises(NotAllowedError):
            add_dataset("more", [shared / "images"])
        assert add_dataset("more", [archive]).images
    with acting_as(EVE):
        assert not is_nameable(archive)


def test_links_that_lead_out_are_not_imported(shared, private):
    (shared / "images/noise/link.png").symlink_to(private / "noise/noise-1.png")
    (shared / "images/noise/inside.png").symlink_to(shared / "images/waves/waves-1.png")
    (shared / "images/labels.csv").symlink_to(private / "labels.csv")
    (shared / "images/waves/link").symlink_to(private / "waves")
    for person in (ADA, ROOT):
        with acting_as(person):
            dataset = add_dataset(person.name.lower(), [shared / "images"])
        found = {image.path for image in dataset.every_image}
        assert "noise/inside.png" in found
        assert not any("link" in path for path in found)
        reasons = {entry.path: entry.reason for entry in dataset.left_out}
        for link in ("noise/link.png", "labels.csv", "waves/link"):
            assert "leads out" in reasons[link]
        assert "secret" not in dataset.classes


@pytest.mark.parametrize("swap", ["file", "folder", "parent"])
def test_a_link_put_there_later_is_not_read_by_anybody(shared, private, swap):
    with acting_as(ADA):
        dataset = add_dataset("more", [shared / "images"])
    image = next(each for each in dataset.images if each.path.startswith("noise/"))
    path = dataset.absolute_path(image)
    replaced = {"file": path, "folder": path.parent, "parent": shared / "images"}[swap]
    target = private / replaced.relative_to(shared / "images")
    (shutil.rmtree if replaced.is_dir() else os.unlink)(replaced)
    replaced.symlink_to(target)
    assert path.is_file()
    for person in (ADA, EVE, ROOT, OPERATOR):
        with acting_as(person):
            with pytest.raises(UnreadableImageError, match="leads out"):
                read_file(path)
            with pytest.raises(UnreadableImageError):
                thumbnail(path)
    with acting_as(ROOT):
        try:
            now, _ = library.refresh("more")
        except MedrecogError:
            return  # too little is left of it
    assert image.path not in {each.path for each in now.images}
