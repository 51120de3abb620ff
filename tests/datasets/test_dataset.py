from pathlib import Path

import pytest

from medrecog_core.datasets import Dataset, ImageRecord, check_name
from medrecog_core.errors import MedrecogError, UsageError

ROOT = Path("/images")


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
    with pytest.raises(MedrecogError, match=f"/images holds {found}.*at least two classes"):
        dataset(*images)


def test_two_images_of_one_path_are_refused():
    with pytest.raises(MedrecogError, match=r"The image 1\.png stands more than once"):
        dataset(ImageRecord("1.png", "nv"), ImageRecord("1.png", "mel"))


def test_an_empty_label_is_refused():
    with pytest.raises(MedrecogError, match=r"The image 1\.png has an empty label"):
        ImageRecord("1.png", "")


def test_an_unknown_split_is_refused():
    with pytest.raises(MedrecogError, match=r"split “dev” of 1\.png is unknown: use train, test"):
        ImageRecord("1.png", "nv", "dev")


@pytest.mark.parametrize("path", ["/etc/1.png", "../1.png", "a/../../1.png"])
def test_a_path_outside_the_folder_is_refused(path):
    with pytest.raises(MedrecogError, match="lies outside the data set's folder"):
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
    with pytest.raises(UsageError, match="cannot be a name: use up to 64 lower-case letters"):
        dataset(ImageRecord("1.png", "a"), ImageRecord("2.png", "b"), name=name)
