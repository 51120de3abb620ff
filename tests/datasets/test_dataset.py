from dataclasses import replace
from pathlib import Path

import pytest

from medrecog_core.datasets import (
    Dataset,
    DatasetWarning,
    Exclusion,
    FileState,
    ImageRecord,
    check_name,
)
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import PLAIN, Rendering

ROOT = Path("/images")
PLAIN_IMAGE = ImageRecord("b/2.png", "b", file=FileState("0" * 64, 10, 20, 30, 40, "RGB"))
WINDOW = Rendering(window=(0, 4095))


def dataset(*images, name="skin"):
    return Dataset(name, ROOT, images, "a folder a class")


def test_classes_splits_and_groups_are_those_of_the_images():
    skin = dataset(
        ImageRecord("1.png", "nv", "val", "p1"),
        ImageRecord("2.png", "mel", "train", "p2"),
        ImageRecord("3.png", "nv", "", "p1"),
        ImageRecord("4.png", "nv", "test"),
    )
    assert skin.classes == ("mel", "nv")
    assert skin.splits == ("train", "test", "val")
    assert skin.groups == {"p1", "p2"}


def test_a_data_set_may_have_no_split_and_no_group():
    plain = dataset(ImageRecord("1.png", "nv"), ImageRecord("2.png", "mel"))
    assert plain.splits == ()
    assert plain.groups == frozenset()
    assert not plain.synthetic


def test_images_lie_below_the_root():
    image = ImageRecord("nv/1.png", "nv")
    skin = dataset(image, ImageRecord("2.png", "mel"))
    assert skin.absolute_path(image) == ROOT / "nv" / "1.png"


@pytest.mark.parametrize(
    ("labels", "found"),
    [([], "0 images of 0 classes"), (["nv"], "1 image of 1 class"), (["nv"] * 2, "2 images of 1")],
)
def test_fewer_than_two_classes_are_refused(labels, found):
    images = [ImageRecord(f"{i}.png", label) for i, label in enumerate(labels)]
    with pytest.raises(MedrecogError, match=f"/images contains {found}.*at least two classes"):
        dataset(*images)


def test_two_images_of_one_path_are_refused():
    with pytest.raises(MedrecogError, match=r"The image 1\.png is in the data set more than once"):
        dataset(ImageRecord("1.png", "nv"), ImageRecord("1.png", "mel"))


def test_an_empty_label_is_refused():
    with pytest.raises(MedrecogError, match=r"The image 1\.png has an empty label"):
        ImageRecord("1.png", "")


def test_an_unknown_split_is_refused():
    with pytest.raises(MedrecogError, match=r"Unknown split “dev” of 1\.png\. .*: train, test"):
        ImageRecord("1.png", "nv", "dev")


@pytest.mark.parametrize("path", ["/etc/1.png", "../1.png", "a/../../1.png"])
def test_a_path_outside_the_folder_is_refused(path):
    with pytest.raises(MedrecogError, match="is outside the folder of the data set"):
        ImageRecord(path, "nv")


@pytest.mark.parametrize("path", ["a..b.png", "..a/1.png"])
def test_two_dots_in_a_name_are_no_way_out(path):
    assert ImageRecord(path, "nv").path == path


@pytest.mark.parametrize("name", ["a", "0", "kvasir-v2", "ham_10000", "a" * 64])
def test_names_of_lower_case_letters_digits_hyphen_and_underscore_are_allowed(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "A b", "Skin", "a/b", "-a", "_a", "a\n", "é", "a" * 65, "a.b"]
)
def test_other_names_are_refused(name):
    with pytest.raises(UsageError, match="is not a valid name"):
        dataset(ImageRecord("1.png", "a"), ImageRecord("2.png", "b"), name=name)


def of_16_bits(path, label, **fields):
    return ImageRecord(path, label, file=FileState("1" * 64, 1, 1, 8, 8, "I;16"), **fields)


def test_a_data_set_of_version_0_1_0_keeps_its_fingerprint():
    state = FileState("1" * 64, 11, 21, 31, 41, "I;16")
    images = (
        ImageRecord("a/1.png", "a", "train", "p1", FileState("0" * 64, 10, 20, 30, 40, "RGB")),
        ImageRecord("b/2.png", "b", "test", "", state),
        ImageRecord("b/3.png", "b"),
    )
    dataset = Dataset("old", Path("/x"), images, "class folders")
    dataset = dataset.excluding([Exclusion(images[2], "tiny", "2 pixels")])
    fingerprint = "545922f997f4512948bf82c42212d491c577fcd1f003afbe3b984515dcc2dfec"
    assert dataset.fingerprint == fingerprint
    told = replace(dataset, warnings=(DatasetWarning("some-id", "words"),), unlabelled=("c.png",))
    assert told.fingerprint == fingerprint


def test_rendering_fold_and_frame_each_change_the_fingerprint():
    images = (of_16_bits("a/1.tif", "a"), PLAIN_IMAGE)
    dataset = Dataset("some", Path("/x"), images, "made")
    framed = of_16_bits("a/1.tif#1", "a", frame=1)
    fingerprints = {
        dataset.fingerprint,
        replace(dataset, rendering=WINDOW).fingerprint,
        replace(dataset, rendering=Rendering(window=(0, 65535))).fingerprint,
        replace(dataset, images=(replace(images[0], fold="1"), images[1])).fingerprint,
        replace(dataset, images=(framed, images[1])).fingerprint,
    }
    assert len(fingerprints) == 5


def test_the_rendering_concerns_no_plain_image_and_every_frame():
    frame = of_16_bits("a/1.tif#3", "a", frame=3)
    deep, unseen = of_16_bits("a/2.tif", "a"), ImageRecord("a/3.tif", "a")
    dataset = Dataset(
        "some", Path("/x"), (frame, deep, unseen, PLAIN_IMAGE), "made", rendering=WINDOW
    )
    assert dataset.rendering_of(frame) == WINDOW.of_frame(3)
    assert dataset.rendering_of(deep) == dataset.rendering_of(unseen) == WINDOW
    assert dataset.rendering_of(PLAIN_IMAGE) == PLAIN
    plain = replace(dataset, rendering=PLAIN)
    of_8_bits = replace(frame, file=replace(frame.file, mode="L", n_frames=4))
    assert plain.rendering_of(of_8_bits).identity == "frame=3"


def test_the_frames_of_a_file_lie_in_it():
    image = ImageRecord("a/slices#1.dcm#12", "a", frame=12)
    dataset = Dataset("some", Path("/x"), (image, PLAIN_IMAGE), "made")
    assert dataset.absolute_path(image) == Path("/x/a/slices#1.dcm")
    assert ImageRecord("a/1#2.png", "a").file_path == "a/1#2.png"


def test_frames_of_a_file_stay_together_unless_their_groups_are_given():
    assert ImageRecord("a/1.dcm#3", "a", frame=3).group == "a/1.dcm"
    assert ImageRecord("a/1.dcm#3", "a", group="p", frame=3).group == "p"
    assert ImageRecord("a/1.dcm", "a").group == ""


@pytest.mark.parametrize(("path", "frame"), [("a.dcm", 0), ("a.dcm#1", 2), ("a#-1", -1), ("#0", 0)])
def test_a_path_that_is_not_that_of_its_frame_is_refused(path, frame):
    with pytest.raises(MedrecogError):
        ImageRecord(path, "a", frame=frame)


@pytest.mark.parametrize("id_", ["", "Two words", "trailing-", "under_score"])
def test_the_id_of_a_warning_is_in_kebab_case(id_):
    with pytest.raises(ValueError, match="id"):
        DatasetWarning(id_, "words")
