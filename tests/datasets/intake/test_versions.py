import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import Decisions, ImageRecord
from medrecog_core.datasets.intake.groups import with_groups
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.versions import version_warnings


def images(*paths, split="", group=""):
    return [ImageRecord(path, path.split("/")[-2], split, group) for path in paths]


def warned(*paths, **more):
    return [set(warning.paths) for warning in version_warnings(images(*paths, **more))]


@pytest.mark.parametrize(
    "versions",
    [
        ("a/x1.jpg", "a/x1_aug1.jpg", "a/x1_aug2.jpg"),
        ("a/x1.jpg", "a/x1 rotated.jpg"),
        ("a/x1.jpg", "a/x1_rot90.png", "a/x1_hflip.jpg"),
        ("a/x1_flip.jpg", "a/x1_noise.jpg"),
        ("a/aug_0_x1.jpg", "a/aug_1_x1.jpg"),
        ("a/x1 - Copy.jpg", "a/x1.jpg"),
        ("a/x1_jpg.rf.0123456789abcdef0123.jpg", "a/x1_jpg.rf.aaaaaaaaaaaaaaaaaaaa.jpg"),
        ("color/a/x1.jpg", "grayscale/a/x1.jpg", "segmented/a/x1_final_masked.jpg"),
    ],
)
def test_versions_are_said_with_a_pattern_that_groups_them(versions):
    others = ["a/y.jpg", "b/z.jpg", "b/x2.jpg"]
    (warning,) = version_warnings(images(*versions, *others))
    assert warning.id == "image-versions"
    assert set(warning.paths) == set(versions)
    pattern = shlex.split(warning.message.partition("--group-pattern ")[2])[0]
    found = Interpretation(tuple(images(*versions, *others)), "", Decisions())
    grouped = with_groups(None, found, Decisions(group_pattern=pattern, group_tag=""))
    group_of = {image.path: image.group for image in grouped.images}
    assert len({group_of[path] for path in versions}) == 1
    assert len({group_of[path] for path in others} | {group_of[versions[0]]}) == 4


@pytest.mark.parametrize(
    "paths",
    [
        ("benign/benign (1).png", "benign/benign (2).png"),
        ("a/x_crop.jpg", "a/y_crop.jpg"),
        ("a/1.jpg", "b/1.jpg"),
        ("train/a/1.jpg", "test/a/1.jpg"),
        ("train/a/1.jpg", "train/a/2.jpg", "test/a/1.jpg"),
        ("rotated/1.jpg", "flipped/1.jpg"),  # the folders are the classes
        ("a/copyright 1.jpg", "a/copyright 2.jpg"),
    ],
)
def test_usual_names_are_no_versions(paths):
    assert warned(*paths) == []


def test_versions_that_stay_together_are_not_said():
    paths = ("a/x.jpg", "a/x_aug1.jpg")
    assert warned(*paths, group="p1") == []
    assert warned(*paths, split="train") == []
    assert len(warned(*paths)) == 1


def test_versions_across_a_given_split_are_said():
    both = [
        *images("train/a/x.jpg", "train/a/y.jpg", "train/a/y_aug1.jpg", split="train"),
        *images("test/a/x_aug1.jpg", split="test"),
    ]
    (warning,) = version_warnings(both)
    assert warning.paths == ("test/a/x_aug1.jpg", "train/a/x.jpg")
    assert "in both training and test" in warning.message


@given(st.lists(st.from_regex(re.compile(r"[a-c]/[a-z0-9 _.-]{1,12}\.png"), fullmatch=True)))
def test_only_images_that_are_there_are_named(paths):
    for named in warned(*paths):
        assert named <= set(paths)
        assert len(named) > 1
