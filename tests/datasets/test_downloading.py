import hashlib
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from medrecog_core.datasets import (
    CATALOGUE,
    Decisions,
    add_dataset,
    catalogue,
    download_dataset,
    library,
)
from medrecog_core.datasets.catalogue import CatalogueEntry, PublishedFile
from medrecog_core.datasets.downloading import (
    differences,
    download_folder,
    downloaded_bytes,
    larger_set,
)
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.settings import variable_of
from tests.archives import PNG, pack
from tests.file_server import Answer, serving

CUT = 2 * 64 * 2**10
"""Whole blocks of the download, because what is less is sent again."""

MEMBERS = [
    ("chest_xray/train/NORMAL/IM-0001-0001.jpeg", random.Random(0).randbytes(2 * CUT)),
    ("chest_xray/train/PNEUMONIA/person1_bacteria_1.jpeg", b"2"),
    ("chest_xray/test/NORMAL/IM-0002-0001.jpeg", PNG),
    ("chest_xray/test/PNEUMONIA/person2_virus_1.jpeg", b"4"),
    ("chest_xray/val/PNEUMONIA/person3_virus_1.jpeg", b"5"),
]

MIRROR = variable_of("datasets_mirror")


def no_pause(seconds: float) -> None:
    pass


@pytest.fixture
def archive(tmp_path):
    return pack(tmp_path / "ChestXRay2017.zip", MEMBERS).read_bytes()


@pytest.fixture
def serve(monkeypatch):
    """Serve a file as the mirror."""

    def serve(content, *answers):
        server = serving(content, *answers)
        monkeypatch.setenv(MIRROR, "")

        class Mirror:
            def __enter__(self):
                served = server.__enter__()
                monkeypatch.setenv(MIRROR, served.address)
                return served

            def __exit__(self, *error):
                return server.__exit__(*error)

        return Mirror()

    return serve


@pytest.fixture
def with_md5(monkeypatch, archive):
    """Let the catalogue know the MD5 of the archive."""

    def publish(md5):
        entry = CATALOGUE["chest-xray"]
        file = entry.files[0]
        known = PublishedFile(file.name, file.address, file.n_bytes, md5)
        fields = {**entry.__dict__, "files": (known,)}
        monkeypatch.setitem(catalogue.CATALOGUE, "chest-xray", CatalogueEntry(**fields))

    return publish


def test_a_published_set_is_downloaded_unpacked_and_added(archive, serve, cache):
    seen = []
    with serve(archive) as server:
        dataset = download_dataset("chest-xray", report=lambda *state: seen.append(state))
    assert server.paths == ["/chest-xray/ChestXRay2017.zip"]
    assert library.load("chest-xray") == dataset
    assert dataset.groups == {
        "IM-0001",
        "IM-0002",
        "person1_bacteria",
        "person2_virus",
        "person3_virus",
    }
    assert dataset.splits == ("train", "test", "val")
    by_id = [(stage.id, done, total) for stage, done, total in seen]
    assert ("download", len(archive), len(archive)) in by_id
    assert {id_ for id_, _, _ in by_id} == {"download", "unpack"}
    assert {p.name for p in (cache.datasets / "chest-xray").iterdir()} == {"images", "dataset.json"}


def test_what_it_is_read_as_can_be_chosen(archive, serve):
    with serve(archive):
        dataset = download_dataset("chest-xray", keeps_val=True, has_groups=False)
    assert dataset.splits == ("train", "test")
    assert dataset.groups == frozenset()


def test_a_download_that_was_cut_is_carried_on(archive, serve, with_md5):
    with_md5(hashlib.md5(archive).hexdigest())
    with serve(archive, Answer(cut_after=CUT)) as server:
        dataset = download_dataset("chest-xray", pause=no_pause)
    assert "Range" not in server.requests[0]
    assert server.requests[1]["Range"] == f"bytes={CUT}-"
    assert len(dataset.images) == 5


def test_a_download_is_carried_on_days_later(archive, serve):
    entry = CATALOGUE["chest-xray"]
    refusals = [Answer(cut_after=CUT), *[Answer(status=503)] * 9]
    with serve(archive, *refusals) as server:
        with pytest.raises(
            MedrecogError, match="Try again later; the part already downloaded is kept"
        ):
            download_dataset("chest-xray", pause=no_pause)
        assert downloaded_bytes(entry) == CUT
        server.answers.clear()
        server.requests.clear()
        assert len(download_dataset("chest-xray").images) == 5
        assert server.requests[0]["Range"] == f"bytes={CUT}-"
    assert not download_folder(entry).exists()


def test_another_file_than_was_published_is_refused_and_deleted(archive, serve, with_md5, cache):
    with_md5("0" * 32)
    with (
        serve(archive),
        pytest.raises(
            MedrecogError, match=r"differs from the published one \(MD5\) and was deleted"
        ) as refused,
    ):
        download_dataset("chest-xray")
    assert "To get it manually, open https://data.mendeley.com/datasets/rscbjbr9sj/2" in str(
        refused.value
    )
    assert downloaded_bytes(CATALOGUE["chest-xray"]) == 0
    assert not (cache.datasets / "chest-xray").exists()


def test_a_host_that_refuses_ends_with_the_steps_by_hand(serve):
    with serve(b"", Answer(status=403)), pytest.raises(MedrecogError) as refused:
        download_dataset("chest-xray")
    assert str(refused.value).endswith(
        "To get it manually, open https://data.mendeley.com/datasets/rscbjbr9sj/2 in a browser, "
        "download ChestXRay2017.zip (no account is needed), and run `python -m medrecog_core "
        "datasets add chest-xray ChestXRay2017.zip`."
    )


def test_a_page_in_place_of_the_archive_is_not_kept(serve, archive):
    with serve(b"<html>please sign in</html>") as server:
        with pytest.raises(MedrecogError, match="is damaged or not an archive of the kinds"):
            download_dataset("chest-xray")
        server.content = archive
        assert len(download_dataset("chest-xray").images) == 5


def test_a_set_that_is_there_is_not_downloaded_again(archive, serve):
    with serve(archive) as server:
        download_dataset("chest-xray")
        with pytest.raises(UsageError, match="already exists"):
            download_dataset("chest-xray")
    assert len(server.paths) == 1


def test_two_processes_do_not_download_at_once(serve, archive):
    folder = download_folder(CATALOGUE["chest-xray"])
    folder.mkdir(parents=True)
    with (
        FileLock(folder / ".lock"),
        pytest.raises(MedrecogError, match="Another process is downloading chest-xray"),
    ):
        download_dataset("chest-xray")


def test_an_unknown_set_is_refused():
    with pytest.raises(UsageError, match="in the catalogue"):
        download_dataset("isic")


def test_images_that_are_more_or_less_than_published_are_said(archive, serve):
    with serve(archive):
        dataset = download_dataset("chest-xray")
    assert differences(CATALOGUE["chest-xray"], dataset) == [
        "NORMAL, train: 1 images, 1,349 were published",
        "NORMAL, test: 1 images, 234 were published",
        "PNEUMONIA, train: 1 images, 3,883 were published",
        "PNEUMONIA, test: 1 images, 390 were published",
    ]
    assert differences(CATALOGUE["ham10000"], dataset)[-1] == (
        "vasc, in all: 0 images, 142 were published"
    )
    assert differences(CATALOGUE["mit67"], dataset)[-1].endswith("0 were published")


MINI = CATALOGUE["mini-mit"]
TRAIN, TEST = "bar/1.png\noffice/1.png\n", "bakery/1.png\nbar/2.png\n"
N_LISTED = 4


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
