import shutil
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from medrecog_core.datasets import (
    Decisions,
    LeftOut,
    add_dataset,
    library,
    propose_dataset,
    read_dataset,
)
from medrecog_core.datasets.archive import NESTED, Bounds
from medrecog_core.datasets.importing import free_name
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import read_image
from tests.archives import PNG, pack
from tests.dicom_files import dicom_bytes, dicom_dataset

TWO_CLASSES = [("nv/1.png", PNG), ("mel/1.png", PNG)]


def names_below(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix != ".lock"}


def paths(dataset):
    return [image.path for image in dataset.images]


def test_a_folder_is_read_where_it_lies(write_files):
    root = write_files("nv/1.png", "mel/1.png")
    dataset = add_dataset("set", [root])
    assert dataset.root == root
    assert library.load("set") == dataset


def test_reading_keeps_nothing(write_files, cache):
    read_dataset("set", write_files("nv/1.png", "mel/1.png"))
    assert library.names() == ["demo"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tgz"])
def test_an_archive_is_unpacked_into_the_cache_folder(tmp_path, cache, name):
    dataset = add_dataset("set", [pack(tmp_path / name, TWO_CLASSES)])
    assert dataset.root == cache.datasets / "set" / "images"
    assert paths(dataset) == ["mel/1.png", "nv/1.png"]
    assert names_below(cache.datasets / "set") >= {"images/nv/1.png", "dataset.json"}
    assert library.load("set") == dataset


def test_a_copied_cache_folder_has_the_unpacked_images(tmp_path, cache, monkeypatch):
    add_dataset("set", [pack(tmp_path / "a.zip", TWO_CLASSES)])
    shutil.copytree(cache.root, tmp_path / "copy")
    shutil.rmtree(cache.root)
    monkeypatch.setenv("MEDRECOG_CACHE", str(tmp_path / "copy"))
    copied = library.load("set")
    assert copied.root == tmp_path / "copy/datasets/set/images"
    assert all(copied.absolute_path(image).is_file() for image in copied.images)


def test_removing_the_data_set_removes_what_was_unpacked_for_it(tmp_path, cache):
    add_dataset("set", [pack(tmp_path / "a.zip", TWO_CLASSES)])
    library.remove("set")
    assert not (cache.datasets / "set").exists()


def test_archives_and_lists_that_belong_together_become_one_data_set(tmp_path):
    table = tmp_path / "HAM10000_metadata.csv"
    table.write_text("lesion_id,image_id,dx\nHAM_1,ISIC_1,nv\nHAM_2,ISIC_2,mel\n")
    parts = [
        pack(tmp_path / f"HAM10000_images_part_{i}.zip", [(f"part_{i}/ISIC_{i}.jpg", PNG)])
        for i in (1, 2)
    ]
    dataset = add_dataset("ham10000", [*parts, table])
    assert paths(dataset) == ["part_1/ISIC_1.jpg", "part_2/ISIC_2.jpg"]
    assert dataset.groups == {"HAM_1", "HAM_2"}
    assert dataset.left_out == ()


def test_a_table_beside_the_archive_or_in_it_gives_the_labels(tmp_path):
    text = "image,dx\n1,nv\n2,mel\n"
    images = [("x/1.png", PNG), ("x/2.png", PNG)]
    (tmp_path / "beside.csv").write_text(text)
    archive = pack(tmp_path / "a.zip", [*images, ("inside.csv", text.encode())])
    beside = add_dataset("beside", [archive], Decisions(tables=(tmp_path / "beside.csv",)))
    inside = add_dataset("inside", [archive], Decisions(tables=(Path("inside.csv"),)))
    assert [i.label for i in beside.images] == [i.label for i in inside.images] == ["nv", "mel"]


def test_what_was_not_unpacked_is_listed_with_the_rest(tmp_path):
    archive = pack(tmp_path / "a.zip", [*TWO_CLASSES, ("more.zip", b"PK"), ("nv/a.txt", b"")])
    assert add_dataset("set", [archive]).left_out == (
        LeftOut("more.zip", NESTED),
        LeftOut("nv/a.txt", "not an image, by its name"),
    )


def test_only_the_classes_of_the_catalogue_entry_are_unpacked(tmp_path, cache):
    lists = [tmp_path / "TrainImages.txt", tmp_path / "TestImages.txt"]
    lists[0].write_text("bar/1.png\noffice/1.png\n")
    lists[1].write_text("bakery/1.png\n")
    members = [(f"Images/{label}/1.png", PNG) for label in ("bar", "bakery", "office")]
    archive = pack(tmp_path / "indoor.tar", members)
    dataset = add_dataset("mini-mit", [archive, *lists], Decisions(entry="mini-mit"))
    assert dataset.classes == ("bakery", "bar")
    assert not (cache.datasets / "mini-mit/images/Images/office").exists()


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ([*TWO_CLASSES, ("../1.png", PNG)], "which is outside the folder"),
        ([("nv/1.png", b""), ("mel/1.png", b"")], "None of the 2 images in .* can be read"),
        ([("notes.txt", b"")], "has no class folders with images"),
        ([("nv/1.png", PNG)], "needs at least two classes"),
        ([("all.zip", b"PK")], "a.zip contains the archive all.zip"),
    ],
)
def test_after_a_refusal_nothing_is_left(tmp_path, cache, members, sentence):
    with pytest.raises(MedrecogError, match=sentence):
        add_dataset("set", [pack(tmp_path / "a.zip", members)])
    assert names_below(cache.datasets) == set()


def test_a_folder_with_no_readable_image_is_refused_and_one_is_enough(write_files):
    root = write_files("nv/1.jpg", "mel/1.jpg")
    with pytest.raises(MedrecogError) as refused:
        read_dataset("set", root)
    assert str(refused.value) == (
        f"None of the 2 images in {root} can be read (mel/1.jpg: the file is empty). "
        "Check that the files are complete."
    )
    assert len(read_dataset("set", write_files("nv/2.png")).images) == 3


def test_adding_tells_how_far_unpacking_and_hashing_are(tmp_path, write_files):
    unpacked, hashed = [], []

    def tell(name, sources):
        add_dataset(
            name,
            sources,
            report=lambda *counts: unpacked.append(counts),
            hashed=lambda *counts: hashed.append(counts),
        )

    tell("folder", [write_files("nv/1.png", "mel/1.png")])
    assert unpacked == []
    assert [(done, total) for done, total, _ in hashed] == [(1, 2), (2, 2)]
    assert 0 < hashed[0][2] < hashed[1][2]
    tell("archive", [pack(tmp_path / "a.zip", TWO_CLASSES)])
    assert {stage.id for stage, *_ in unpacked} == {"unpack"}
    assert [(done, total) for done, total, _ in hashed[2:]] == [(1, 2), (2, 2)]


def test_what_a_killed_process_left_is_no_obstacle(tmp_path, cache):
    for name in ("images/nv", ".unpacking-x/nv"):
        (cache.datasets / "set" / name).mkdir(parents=True)
    dataset = add_dataset("set", [pack(tmp_path / "a.zip", TWO_CLASSES)])
    assert {p.name for p in (cache.datasets / "set").iterdir()} == {"images", "dataset.json"}
    assert len(dataset.images) == 2


def test_bounds_hold_for_the_archives(tmp_path):
    with pytest.raises(MedrecogError, match="more than 1 files"):
        add_dataset("set", [pack(tmp_path / "a.zip", TWO_CLASSES)], bounds=Bounds(n_members=1))


def test_two_processes_do_not_unpack_one_data_set_at_once(tmp_path, cache):
    cache.datasets.mkdir(parents=True)
    with (
        FileLock(cache.datasets / ".adding-set.lock"),
        pytest.raises(MedrecogError, match="Another process is adding the data set “set”"),
    ):
        add_dataset("set", [pack(tmp_path / "a.zip", TWO_CLASSES)])


def test_a_taken_name_is_refused_before_anything_is_unpacked(tmp_path, write_files):
    add_dataset("set", [write_files("nv/1.png", "mel/1.png")])
    for name, sentence in (
        ("set", "A data set named “set” already exists"),
        ("A", "is not a valid name"),
    ):
        with pytest.raises(UsageError, match=sentence):
            add_dataset(name, [tmp_path / "gone.zip"])


def test_sources_that_do_not_go_together_are_refused(tmp_path, write_files):
    root = write_files("nv/1.png", "mel/1.png")
    archive = pack(tmp_path / "a.zip", TWO_CLASSES)
    with pytest.raises(UsageError, match="images is not a file"):
        add_dataset("set", [archive, root])
    with pytest.raises(UsageError, match=r"1\.png is neither a folder nor an archive"):
        add_dataset("set", [root / "nv/1.png"])
    with pytest.raises(MedrecogError, match="not found"):
        add_dataset("set", [tmp_path / "gone"])


def test_val_is_kept_as_training_images_where_that_is_asked_for(write_files):
    root = write_files("train/nv/1.png", "val/nv/2.png", "test/mel/1.png", "train/mel/2.png")
    assert read_dataset("set", root).splits == ("train", "test", "val")
    kept = read_dataset("set", root, Decisions(keeps_val=True))
    assert kept.splits == ("train", "test")
    assert kept.layout.endswith("; val added to the training images")


@pytest.mark.parametrize("decisions", [Decisions(has_groups=False), Decisions(group_column="")])
def test_groups_are_not_taken_over_where_that_is_asked_for(write_files, decisions):
    root = write_files("NORMAL/IM-1-1.png", "PNEUMONIA/person1_virus_1.png")
    assert read_dataset("set", root).groups == {"IM-1", "person1_virus"}
    without = read_dataset("set", root, decisions)
    assert without.groups == frozenset()
    assert without.layout.endswith("; groups not used")


def test_groups_from_a_column_are_said(write_files, tmp_path):
    (tmp_path / "t.csv").write_text("image,dx,patient\n1,nv,a\n2,mel,b\n")
    dataset = read_dataset(
        "set", write_files("1.png", "2.png"), Decisions(tables=(tmp_path / "t.csv",))
    )
    assert dataset.layout == "labels from t.csv; groups from the column patient"


def test_dicom_files_are_grouped_by_patient_and_read_like_any_image(tmp_path):
    for label, patient in (("nv", "P1"), ("mel", "P2")):
        (tmp_path / "scans" / label).mkdir(parents=True)
        made = dicom_dataset(np.full((4, 4), 9, np.uint8), PatientID=patient, Modality=label)
        (tmp_path / "scans" / label / "1.2.3.4").write_bytes(dicom_bytes(made))
    dataset = read_dataset("set", tmp_path / "scans")
    assert dataset.groups == {"P1", "P2"}
    assert dataset.layout == "a folder a class; groups from the DICOM tag PatientID"
    assert read_image(dataset.absolute_path(dataset.images[0])).getpixel((0, 0)) == (9, 9, 9)
    by_tag = read_dataset("set", tmp_path / "scans", Decisions(label_tag="Modality", group_tag=""))
    assert by_tag.classes == ("mel", "nv")
    assert by_tag.groups == frozenset()


def test_a_proposal_keeps_nothing_and_says_why(tmp_path, cache):
    archive = pack(tmp_path / "a.zip", TWO_CLASSES)
    proposal = propose_dataset("set", [archive])
    assert paths(proposal.dataset) == ["mel/1.png", "nv/1.png"]
    assert proposal.reasons
    assert names_below(cache.datasets) == set()


@pytest.mark.parametrize(
    ("name", "free"),
    [
        ("Kvasir Dataset (v2)", "kvasir-dataset-v2"),
        ("a.tar.gz", "a"),
        ("ÀÉ.zip", "ae"),
        ("…", "images"),
    ],
)
def test_a_name_is_proposed_from_the_source(tmp_path, name, free):
    source = tmp_path / name
    source.touch() if "." in name[1:] else source.mkdir()
    assert free_name(source) == free


def test_a_proposed_name_is_not_taken(write_files):
    root = write_files("nv/1.png", "mel/1.png")
    add_dataset("images", [root])
    assert free_name(root) == "images-2"


def test_every_frame_of_a_file_is_kept_as_an_image(tmp_path):
    from PIL import Image

    for label in ("nv", "mel"):
        (tmp_path / "scans" / label).mkdir(parents=True)
        pages = [Image.new("L", (8, 8), 60 * i + len(label)) for i in range(3)]
        pages[0].save(tmp_path / f"scans/{label}/1.tif", save_all=True, append_images=pages[1:])
    dataset = add_dataset("set", [tmp_path / "scans"], Decisions(frames="all"))
    assert paths(dataset) == [f"{label}/1.tif#{i}" for label in ("mel", "nv") for i in range(3)]
    assert library.load("set") == dataset


def test_the_window_of_16_bit_files_is_kept(tmp_path):
    from PIL import Image

    for i, label in enumerate(("nv", "mel")):
        (tmp_path / "scans" / label).mkdir(parents=True)
        pixels = np.full((8, 8), 4000 + 2000 * i, np.uint16)
        Image.fromarray(pixels).save(tmp_path / f"scans/{label}/1.png")
    dataset = add_dataset("set", [tmp_path / "scans"])
    assert library.load("set").rendering.window == (0, 8191)
    assert "grey-window" in [warning.id for warning in dataset.warnings]
