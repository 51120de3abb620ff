import os
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import LeftOut
from medrecog_core.datasets.class_folders import read_class_folders
from medrecog_core.errors import MedrecogError
from medrecog_core.images import SUFFIXES


def found(root):
    images, left_out, _ = read_class_folders(root)
    assert left_out == []
    return [(image.path, image.label, image.split) for image in images]


def test_a_folder_a_class(write_files):
    root = write_files("nv/2.png", "nv/1.png", "mel/1.png")
    assert found(root) == [
        ("mel/1.png", "mel", ""),
        ("nv/1.png", "nv", ""),
        ("nv/2.png", "nv", ""),
    ]
    assert read_class_folders(root)[2] == "a folder a class"


def test_train_and_test_folders(write_files):
    root = write_files("train/nv/1.png", "train/mel/1.png", "test/nv/1.png")
    assert found(root) == [
        ("test/nv/1.png", "nv", "test"),
        ("train/mel/1.png", "mel", "train"),
        ("train/nv/1.png", "nv", "train"),
    ]
    assert read_class_folders(root)[2] == "train and test folders, a folder a class in each"


def test_train_test_and_val_folders(write_files):
    root = write_files("val/nv/1.png", "train/mel/1.png", "test/nv/1.png")
    assert [split for _, _, split in found(root)] == ["test", "train", "val"]
    assert read_class_folders(root)[2].startswith("train and test and val folders")


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("TRAIN", "train"),
        ("Training", "train"),
        ("Test", "test"),
        ("testing", "test"),
        ("VAL", "val"),
        ("valid", "val"),
        ("Validation", "val"),
    ],
)
def test_splits_have_synonyms_in_any_case(write_files, folder, split):
    assert found(write_files(f"{folder}/nv/1.png")) == [(f"{folder}/nv/1.png", "nv", split)]


def test_folders_that_wrap_the_class_folders_are_entered(write_files):
    root = write_files("archive/data/nv/1.png", "archive/data/mel/1.png", "__MACOSX/._1.png")
    assert found(root) == [
        ("archive/data/mel/1.png", "mel", ""),
        ("archive/data/nv/1.png", "nv", ""),
    ]


def test_folders_that_wrap_train_and_test_are_entered(write_files):
    root = write_files("archive/train/nv/1.png", "archive/test/nv/1.png")
    assert [(label, split) for _, label, split in found(root)] == [("nv", "test"), ("nv", "train")]


def test_a_single_class_folder_is_not_taken_for_a_wrapping_one(write_files):
    assert found(write_files("nv/1.png")) == [("nv/1.png", "nv", "")]


def test_a_class_may_bear_the_name_of_a_split(write_files):
    root = write_files("test/1.png", "control/1.png")
    assert [(label, split) for _, label, split in found(root)] == [("control", ""), ("test", "")]


def test_images_deeper_in_a_class_folder_belong_to_the_class(write_files):
    assert found(write_files("nv/patient1/a/1.png", "mel/1.png"))[1] == (
        "nv/patient1/a/1.png",
        "nv",
        "",
    )


def test_class_folders_may_be_links(write_files):
    elsewhere = write_files("1.png", folder="elsewhere")
    root = write_files("nv/1.png")
    (root / "mel").symlink_to(elsewhere)
    assert found(root) == [("mel/1.png", "mel", ""), ("nv/1.png", "nv", "")]


def test_hidden_files_and_folders_are_ignored(write_files):
    root = write_files(
        "nv/1.png",
        "mel/1.png",
        ".cache/1.png",
        "nv/.DS_Store",
        "nv/._1.png",
        "nv/.ipynb_checkpoints/1-checkpoint.png",
    )
    assert found(root) == [("mel/1.png", "mel", ""), ("nv/1.png", "nv", "")]


def test_other_files_are_left_out_and_listed(write_files):
    root = write_files("nv/1.png", "nv/notes.txt", "nv/Thumbs.db", "mel/1.PNG", "licence.txt")
    images, left_out, _ = read_class_folders(root)
    assert [image.path for image in images] == ["mel/1.PNG", "nv/1.png"]
    assert left_out == [
        LeftOut("licence.txt", "not an image, by its name"),
        LeftOut("nv/Thumbs.db", "not an image, by its name"),
        LeftOut("nv/notes.txt", "not an image, by its name"),
    ]


def test_images_outside_the_class_folders_are_left_out_and_listed(write_files):
    root = write_files("1.png", "train/nv/1.png", "train/2.png", "test/nv/1.png", "extra/mel/1.png")
    images, left_out, _ = read_class_folders(root)
    assert [image.path for image in images] == ["test/nv/1.png", "train/nv/1.png"]
    assert {entry.path for entry in left_out} == {"1.png", "extra/mel/1.png", "train/2.png"}
    assert {entry.reason for entry in left_out} == {"not in a class folder"}


def test_names_that_are_not_utf_8_are_left_out_and_listed(write_files):
    root = write_files("nv/1.png", "mel/1.png", os.fsdecode(b"nv/\xe9.png"))
    images, left_out, _ = read_class_folders(root)
    assert [image.path for image in images] == ["mel/1.png", "nv/1.png"]
    assert left_out == [
        LeftOut("nv/?.png", "the name of the file or its folder is not UTF-8; rename it")
    ]


@pytest.mark.parametrize(
    "paths", [["1.png", "2.png"], ["nv/notes.txt"], ["a/b/c/notes.txt"], [".nv/1.png"]]
)
def test_a_folder_without_classes_is_refused(write_files, paths):
    root = write_files(*paths)
    with pytest.raises(MedrecogError, match="images has no class folders with images: put the"):
        read_class_folders(root)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match="has no class folders with images"):
        read_class_folders(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(MedrecogError, match=r"There is no folder .*/nowhere: give the folder"):
        read_class_folders(tmp_path / "nowhere")


def test_a_file_in_place_of_the_folder_is_refused(write_files):
    root = write_files("1.png")
    with pytest.raises(MedrecogError, match="There is no folder"):
        read_class_folders(root / "1.png")


def test_a_folder_that_links_to_itself_ends(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(MedrecogError, match="has no class folders with images"):
        read_class_folders(tmp_path)


letters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/.")
file_names = st.builds(
    str.__add__, st.text(letters, min_size=1, max_size=20), st.sampled_from(sorted(SUFFIXES))
)
class_names = st.text(letters, min_size=1, max_size=20)
classes = st.dictionaries(
    class_names, st.sets(file_names, min_size=1, max_size=4), min_size=2, max_size=5
)


@given(classes, st.sampled_from(["", "archive/"]))
def test_any_class_folders_are_read_as_they_were_written(files_of_class, wrapping):
    with tempfile.TemporaryDirectory() as root:
        written = [
            (f"{wrapping}{label}/{name}", label)
            for label, names in files_of_class.items()
            for name in names
        ]
        for path, _ in written:
            (Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(root) / path).touch()
        images, left_out, _ = read_class_folders(Path(root))
    assert [(image.path, image.label) for image in images] == sorted(written)
    assert left_out == []


def test_the_chest_x_rays_are_read_whole(shared_data):
    images, left_out, layout = read_class_folders(shared_data / "chest_xray")
    assert Counter((image.split, image.label) for image in images) == {
        ("train", "NORMAL"): 1340,
        ("train", "PNEUMONIA"): 3850,
        ("test", "NORMAL"): 231,
        ("test", "PNEUMONIA"): 387,
    }
    assert left_out == []
    assert layout == "train and test folders, a folder a class in each"
