import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import Decisions, ImageRecord
from medrecog_core.datasets.dataset import LeftOut
from medrecog_core.datasets.intake.companions import version_warnings, without_companions
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE
from medrecog_core.datasets.intake.groups import with_groups
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey


def kept(*paths, left_out=()):
    survey = Survey(Path("/set"), tuple(sorted(paths)), left_out=tuple(left_out))
    return without_companions(survey, BY_EVIDENCE)


def companions(*paths):
    survey = kept(*paths)
    left = {entry.path for entry in survey.left_out}
    assert left == set(paths) - set(survey.images)
    assert [w.id for w in survey.warnings] == (["companions"] if left else [])
    assert {path for w in survey.warnings for path in w.paths} == left
    return left


@pytest.mark.parametrize(
    "name",
    [
        *("X_mask.png", "X_mask_1.png", "X-mask.png", "X_Mask.jpg", "X.mask.png", "X_MASK2.tif"),
        *("X_segmentation.png", "X_seg.png", "X_lesion.bmp", "X_label.png", "X_annotation.png"),
        *("X_gt.png", "X_overlay.png", "X_roi.png", "X_contour.png", "mask_X.png", "X_thumb.png"),
    ],
)
def test_files_named_after_an_image_in_their_folder_are_its_companions(name):
    name = name.replace("X", "benign (1)")
    assert companions("a/benign (1).png", f"a/{name}", "b/benign (2).png") == {f"a/{name}"}


@pytest.mark.parametrize("name", ["1_mask.png", "mask_1.png", "lesion_1.png", "a_seg.png"])
def test_without_their_image_they_stay(name):
    assert companions(f"a/{name}", "a/2.png", "b/1.png") == set()


def test_images_and_masks_of_one_folder_may_both_say_what_they_are():
    assert companions("a/image_1.png", "a/mask_1.png", "a/2_img.png", "a/2_seg.png") == {
        *("a/mask_1.png", "a/2_seg.png"),
    }


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        (
            ("COVID/images/1.png", "Normal/images/1.png"),
            ("COVID/masks/1.png", "Normal/masks/1.png"),
        ),
        (("images/nv/1.jpg", "images/mel/2.jpg"), ("masks/nv/1.png", "masks/mel/2.png")),
        (("nv/1.jpg", "mel/2.jpg"), ("masks/nv/1.png", "masks/mel/2.png")),
        (("nv/1.jpg", "mel/2.jpg"), ("masks/1.png", "masks/2.png")),
        (("nv/1.jpg", "mel/2.jpg"), ("nv/mask/1.png", "mel/mask/2_mask.png")),
        (("train/1.jpg", "train/2.jpg"), ("train_masks/1_mask.gif", "train_masks/2_mask.gif")),
        (("images/1.jpg", "images/2.jpg"), ("GroundTruth/1.png", "GroundTruth/2_segmentation.png")),
        (("Training_Input/1.jpg",), ("Training_GroundTruth/1_segmentation.png",)),
        (("data/images/1.jpg",), ("data/labels/1.png", "data/annotations/1.png")),
        (("nv/1.jpg", "mel/2.jpg"), ("nv/thumbnails/1.jpg", "mel/thumbs/2_thumb.jpg")),
        (
            ("PH2/IMD1/IMD1_Dermoscopic_Image/IMD1.bmp",),
            ("PH2/IMD1/IMD1_lesion/IMD1_lesion.bmp", "PH2/IMD1/IMD1_roi/IMD1_R1_Label3.bmp"),
        ),
    ],
)
def test_folders_of_companions_mirror_those_of_their_images(images, masks):
    assert companions(*images, *masks) == set(masks)


@pytest.mark.parametrize(
    "paths",
    [
        ("with_mask/1.png", "without_mask/1.png"),
        ("mask/1.png", "no_mask/1.png"),
        ("Mask/1.png", "Non Mask/1.png"),
        ("train/mask/1.png", "train/nomask/1.png", "test/mask/1.png", "test/nomask/1.png"),
        ("lesion/1.png", "healthy/1.png"),
        ("mask/1.png", "cloth/1.png", "none/2.png"),
        ("masks/1.png", "faces/1.png"),
    ],
)
def test_classes_that_are_called_like_companions_stay(paths):
    assert companions(*paths) == set()


def test_in_a_class_of_masks_only_files_named_after_others_are_companions():
    assert companions("mask/1.png", "mask/1_overlay.png", "no_mask/1.png") == {"mask/1_overlay.png"}


def test_pictures_of_a_viewer_are_left_out_with_the_index_of_its_disc():
    index = [LeftOut("disc/DICOMDIR", "x")]
    survey = kept("disc/IM/1.dcm", "disc/VIEWER/logo.png", "nv/1.png", left_out=index)
    assert survey.images == ("disc/IM/1.dcm", "nv/1.png")


def test_they_are_kept_on_demand():
    survey = Survey(Path("/set"), ("a/1.png", "a/1_mask.png"))
    assert without_companions(survey, replace(BY_EVIDENCE, keeps_companions=True)) is survey


words = st.sampled_from(["mask", "seg", "lesion", "masks", "1", "2", "a", "image", "with", "roi"])
names = st.lists(words, min_size=1, max_size=3).map("_".join)
paths = st.builds(
    lambda folders, name: "/".join([*folders, name + ".png"]),
    st.lists(names, min_size=0, max_size=3),
    names,
)


@given(st.sets(paths, min_size=1, max_size=12))
def test_a_companion_is_never_left_out_without_an_image_that_stays(written):
    survey = kept(*written)
    assert survey.images
    for entry in survey.left_out:
        image = entry.reason.removeprefix("a companion of ")
        assert image in written
        assert image != entry.path
        # The chain of companions ends at an image that stays.
        reasons = {e.path: e.reason.removeprefix("a companion of ") for e in survey.left_out}
        seen = set()
        while image in reasons:
            assert image not in seen
            seen.add(image)
            image = reasons[image]
        assert image in survey.images


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
