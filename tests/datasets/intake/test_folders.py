from dataclasses import replace
from pathlib import Path

import pytest

from medrecog_core.datasets.intake.decisions import BY_EVIDENCE
from medrecog_core.datasets.intake.folders import read_folders
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.errors import MedrecogError


def readings(*paths, **decided):
    survey = Survey(Path("/set"), tuple(sorted(paths)))
    return read_folders(survey, replace(BY_EVIDENCE, **decided))


def reading(*paths, **decided):
    (found,) = readings(*paths, **decided)
    return found


def rows(found):
    """Label, split, group and fold of each image."""
    return {i.path: (i.label, i.split, i.group, i.fold) for i in found.images}


def labels(found):
    return {image.path: image.label for image in found.images}


def ids(found):
    return [warning.id for warning in found.warnings]


def grid(*patterns, n=3):
    """Paths of n images below each folder."""
    return [f"{folder}/{i}.png" for folder in patterns for i in range(n)]


@pytest.mark.parametrize(
    ("folders", "level"),
    [
        (("{}",), 1),
        (("data/{}",), 2),
        (("data/data/{}",), 3),
        (("{}/images",), 1),
        (("images/{}",), 2),
        (("a_set/archive/{}/img",), 3),
        (("{}/{}_images",), 1),
        (("part_1/{}", "part_2/{}"), 2),
        (("patient1/{}", "patient2/{}", "patient7/{}"), 2),
        (("8863/{}", "8864/{}", "9011/{}"), 2),
        (("{}/40X", "{}/100X"), 1),
        (("{}/study1", "{}/study2"), 1),
        (("{}/IMD001", "{}/IMD002", "{}/IMD003"), 1),
        (("{}/1.2.840.113619.2.55.3", "{}/1.2.840.113619.2.55.4"), 1),
    ],
)
@pytest.mark.parametrize("classes", [("nv", "mel"), ("benign", "malignant", "no finding")])
def test_the_class_is_found_at_its_level(folders, level, classes):
    paths = grid(*(folder.replace("{}", label) for folder in folders for label in classes))
    found = reading(*paths)
    assert labels(found) == {p: next(c for c in classes if f"/{c}/" in f"/{p}") for p in paths}
    assert ids(found) == []
    assert found.left_out == ()
    assert found.decisions.class_level == level
    assert labels(reading(*paths, class_level=level)) == labels(found)


@pytest.mark.parametrize(
    ("train", "test"),
    [
        *(("train", "test"), ("Training", "Testing"), ("TRAIN", "TEST"), ("train_set", "test_set")),
        *(("training_set", "testing_set"), ("seg_train", "seg_test"), ("train (1)", "test (1)")),
        *(("trainImages", "testImages"), ("my_set-train", "my_set-test"), ("train", "holdout")),
        *(("stage_2_train_images", "stage_2_test_images"), ("TrainData", "TestData")),
    ],
)
@pytest.mark.parametrize("order", ["{s}/{c}", "data/{s}/{c}", "{c}/{s}", "{s}/{s}/{c}/images"])
def test_splits_are_found_at_any_level_in_many_spellings(train, test, order):
    paths = grid(*(order.format(s=s, c=c) for s in (train, test) for c in ("nv", "mel")))
    found = reading(*paths)
    assert {(i.label, i.split) for i in found.images} == {
        *(("nv", "train"), ("mel", "train"), ("nv", "test"), ("mel", "test")),
    }
    for image in found.images:
        assert image.split == ("train" if train in image.path else "test")
        assert f"/{image.label}/" in f"/{image.path}"
    assert ids(found) == []


@pytest.mark.parametrize("val", ["val", "valid", "Validation", "dev", "validation_set"])
def test_validation_folders(val):
    found = reading("train/nv/1.png", "train/mel/1.png", "test/nv/1.png", f"{val}/mel/2.png")
    assert [i.split for i in found.images if i.path.startswith(val)] == ["val"]


def test_a_class_may_bear_the_name_of_a_split_and_this_is_said():
    found = reading("test/1.png", "control/1.png")
    assert rows(found) == {
        "test/1.png": ("test", "", "", ""),
        "control/1.png": ("control", "", "", ""),
    }
    assert ids(found) == ["class-level"]


def test_folds_are_given_folds():
    paths = grid(*(f"fold{k}/{c}" for k in (1, 2, 10) for c in ("nv", "mel")))
    found = reading(*paths)
    for image in found.images:
        assert image.path.startswith(f"fold{image.fold}/{image.label}/")
    assert ids(found) == []


def test_folds_with_splits_in_them_are_refused():
    with pytest.raises(MedrecogError, match="in a fold and in a split"):
        reading(*grid("fold1/train/nv", "fold1/test/mel", "fold2/train/nv", "fold2/test/mel"))


def test_idc_patches_have_the_class_below_the_patient():
    paths = [
        f"{patient}/{label}/{patient}_idx5_x{x}_y1_class{label}.png"
        for patient in ("8863", "9022", "10253", "12749")
        for label in "01"
        for x in range(2)
    ]
    found = reading(*paths)
    for image in found.images:
        assert image.path.startswith(f"{image.group}/{image.label}/")
    assert found.classes == ("0", "1")
    assert len({image.group for image in found.images}) == 4
    assert ids(found) == []
    assert (found.decisions.class_level, found.decisions.group_level) == (2, 1)


def test_numbers_below_a_class_are_patients_where_there_are_several():
    found = reading(*grid("0/8863", "0/9022", "1/9011", "1/9333"))
    for image in found.images:
        assert image.path.startswith(f"{image.label}/{image.group}/")
    assert ids(found) == []


def test_two_levels_of_equal_numbers_are_not_guessed():
    found = readings(*grid("1/1", "1/2", "2/1", "2/2"))
    assert {each.decisions.class_level for each in found} == {1, 2}


def test_patients_below_the_class_are_groups():
    paths = grid(*(f"{c}/patient{k}" for c, k in (("nv", 1), ("nv", 2), ("mel", 3), ("mel", 4))))
    found = reading(*paths)
    for image in found.images:
        assert image.path.startswith(f"{image.label}/{image.group}/")
    assert found.decisions.group_level == 2
    assert ids(found) == []


def test_a_folder_an_image_makes_no_group():
    found = reading(*grid("nv/ISIC_0001", "nv/ISIC_0002", "mel/ISIC_0003", n=1))
    assert {image.group for image in found.images} == {""}


def test_the_coarser_of_patient_and_study_groups():
    paths = grid(*(f"{c}/p{k}/study{s}" for c, k in (("nv", 1), ("mel", 2)) for s in (1, 2)))
    assert {image.group for image in reading(*paths).images} == {"p1", "p2"}


@pytest.mark.parametrize(
    "folders",
    [
        ("lower/cecum", "lower/polyps", "upper/pylorus", "upper/esophagitis"),
        ("benign/adenosis", "benign/papilloma", "malignant/ductal", "malignant/lobular"),
        ("hospitalA/benign", "hospitalA/malignant", "hospitalB/benign", "hospitalB/malignant"),
    ],
)
def test_two_levels_that_may_both_be_classes_are_not_guessed(folders):
    found = readings(*grid(*folders))
    assert [each.decisions.class_level for each in found] == [2, 1]
    for each in found:
        level = each.decisions.class_level
        (again,) = readings(*grid(*folders), class_level=level)
        assert labels(again) == labels(each)
        assert labels(each) == {p: p.split("/")[level - 1] for p in grid(*folders)}


def test_classes_below_many_people_by_name_are_taken_and_said():
    people = [f"{first}{last}" for first in "ABCDE" for last in ("da", "lba", "nna", "ri", "lex")]
    paths = grid(*(f"{person}/{label}" for person in people for label in ("benign", "malignant")))
    found = reading(*paths)
    assert found.classes == ("benign", "malignant")
    assert ids(found) == ["class-level"]


def test_some_classes_may_have_folders_of_their_own():
    found = reading(*grid("normal", "abnormal/cysts", "abnormal/tumour"))
    assert found.classes == ("abnormal", "normal")
    assert ids(found) == ["class-level"]
    assert reading(*grid("nv/patient1/a", "mel")).classes == ("mel", "nv")


def test_images_above_the_class_folders_are_left_out_and_said():
    stray = ("1.png", "train/2.png", "extra/images/3.png")
    found = reading(*grid("train/nv", "train/mel", "test/nv"), *stray)
    assert {entry.path for entry in found.left_out} == set(stray)
    assert [(w.id, w.paths) for w in found.warnings] == [("outside-classes", tuple(sorted(stray)))]


@pytest.mark.parametrize("name", ["unknown", "unlabelled", "images", "all", "test", "x"])
def test_test_images_without_labels_are_kept_apart(name):
    found = reading(*grid("train/nv", "train/mel"), *grid(f"test/{name}"))
    assert found.unlabelled == tuple(grid(f"test/{name}"))
    assert found.classes == ("mel", "nv")
    assert [(w.id, w.paths) for w in found.warnings] == [("unlabelled", found.unlabelled)]


def test_test_images_that_are_merged_with_a_class_have_a_label():
    paths = [*grid("train/nv", "train/mel"), *grid("test/unknown")]
    found = reading(*paths, merged_classes=("unknown=nv",))
    assert found.unlabelled == ()
    assert {i.label for i in found.images if i.split == "test"} == {"unknown"}


def test_test_images_without_class_folders_are_kept_apart():
    found = reading(*grid("train/nv", "train/mel", "test"))
    assert found.unlabelled == tuple(grid("test"))


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (("1.png", "2.png"), "no class folders with images"),
        (grid("train", "test"), "“test”, “train” are parts of a split"),
        (grid("images_001/images", "images_002/images"), "are no names of classes"),
        (grid("patient1", "patient2", "patient3"), "look like patients"),
        ((), "no class folders with images"),
    ],
)
def test_folders_without_classes_are_refused(paths, words):
    with pytest.raises(MedrecogError, match=words):
        reading(*paths)


def test_levels_that_are_decided_win():
    paths = grid(*(f"train/{c}/p{k}" for c in ("nv", "mel") for k in (1, 2)))
    found = reading(*paths, class_level=-1, group_level=2)
    assert {(i.label, i.group, i.split) for i in found.images} == {
        *(("p1", "nv", "train"), ("p2", "nv", "train")),
        *(("p1", "mel", "train"), ("p2", "mel", "train")),
    }
    assert {i.label for i in reading(*paths, class_level=1).images} == {"train"}
    with pytest.raises(MedrecogError, match="level 9"):
        reading(*paths, class_level=9)


def test_images_without_the_level_that_is_decided_are_said():
    found = reading("a/nv/1.png", "a/mel/2.png", "b/3.png", class_level=2)
    assert [(w.id, w.paths) for w in found.warnings] == [("outside-classes", ("b/3.png",))]


def test_numbers_of_one_level_are_classes_and_long_ones_are_said():
    assert ids(reading(*grid("0", "1", "2"))) == []
    assert ids(reading(*grid("0001", "0002", "0003"))) == ["class-level"]
    assert reading(*grid("grade1", "grade2", "grade3")).classes == ("grade1", "grade2", "grade3")
    assert reading(*grid("set/left", "set/right")).classes == ("left", "right")


@pytest.mark.parametrize("name", ["test", "Testing", "unlabeled", "test_images", "predict"])
def test_a_flat_test_folder_beside_classes_is_kept_apart(name):
    found = reading(*grid("cat", "dog", name))
    assert labels(found) == {path: path.split("/")[0] for path in grid("cat", "dog")}
    assert found.unlabelled == tuple(sorted(grid(name)))
    assert ids(found) == ["unlabelled"]
    # It is a class where it is asked for as one.
    for decided in ({"merged_classes": (f"{name}={name}",)}, {"class_level": 1}):
        assert set(labels(reading(*grid("cat", "dog", name), **decided)).values()) == {
            "cat",
            "dog",
            name,
        }


def test_a_class_with_the_name_of_a_part_is_said_with_its_images():
    found = reading(*grid("cat", "dog", "train"))
    assert [(w.id, set(w.paths)) for w in found.warnings] == [("class-level", set(grid("train")))]
    assert "--exclude-class train" in found.warnings[0].message


def test_folders_without_images_beside_the_classes_are_said():
    survey = Survey(
        Path("/set"),
        tuple(grid("x/cat", "x/dog")),
        bare=frozenset({"x/cow", "x/cat/empty", "docs", "x/test"}),
    )
    (found,) = read_folders(survey, BY_EVIDENCE)
    assert [(w.id, w.paths) for w in found.warnings] == [("class-without-images", ("x/cow",))]


def test_classes_of_imagenet_are_classes():
    found = reading(*grid("n01440764", "n01443537", "n01484850"))
    assert len(set(labels(found).values())) == 3
    assert found.warnings == ()


def test_a_class_named_like_the_data_set_is_one_where_others_lie_beside_it():
    found = reading(*grid("COVID-19_Set/COVID", "COVID-19_Set/Normal"))
    assert set(labels(found).values()) == {"COVID", "Normal"}
    assert found.warnings == ()
