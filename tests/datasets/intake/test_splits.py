import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import ImageRecord
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.splits import split_of_word, with_splits
from medrecog_core.errors import MedrecogError

WORDS = {
    "train": [
        "Training",
        "TRAIN_set",
        "train",
        "trainset",
        "train-images",
        "Train split",
    ],
    "test": ["PrivateTest", "held-out", "hold out", "TEST", "testing set", "test_data", "TestSet"],
    "val": ["PublicTest", "validation", "Valid", "val", "validation cohort", "VAL_SET"],
    "dev": ["dev", "Dev-Set", "development"],
    "": ["unused", "excluded"],
}


def interpreted(values=(), column="split", labels="", images=()):
    images = images or tuple(
        ImageRecord(f"{i:02}.png", label) for i, label in enumerate(labels or "ab" * len(values))
    )
    images = images[: len(values)] if values else images
    given_values = {image.path: value for image, value in zip(images, values, strict=False)}
    places = {path: f"t.csv row {i}" for i, path in enumerate(given_values, 2)}
    return Interpretation(
        images,
        "layout",
        BY_EVIDENCE,
        split_values=given_values,
        split_column=column if values else "",
        split_places=places,
    )


def read(*values, column="split", **decisions):
    return with_splits(interpreted(values, column), Decisions(**decisions))


def parts(found):
    return [image.split for image in found.images]


def folds(found):
    return [image.fold for image in found.images]


def warned(found):
    return {warning.id: warning.paths for warning in found.warnings}


@pytest.mark.parametrize(
    ("word", "part"), [(word, part) for part, words in WORDS.items() for word in words]
)
def test_usual_words_are_parts(word, part):
    assert split_of_word(word) == part


@pytest.mark.parametrize(
    "word", ["", "benign", "set", "1", "train1", "training test", "attest", "contest"]
)
def test_other_words_are_none(word):
    assert split_of_word(word) is None


def test_a_split_column_in_usual_words_is_the_split():
    found = read("Training", "PublicTest", "PrivateTest", "Training", "", "nan")
    assert parts(found) == ["train", "val", "test", "train", "", ""]


def test_a_partly_filled_column_leaves_the_rest_without_part():
    found = read(*(["train", "train", "train", "train", "test", "test", "", ""] * 2))
    assert parts(found).count("") == 4
    assert found.warnings == ()


def test_dev_is_validation_beside_training_and_training_without():
    assert parts(read("train", "train", "dev", "test")) == ["train", "train", "val", "test"]
    found = read("dev", "dev", "test", "test")
    assert parts(found) == ["train", "train", "test", "test"]
    assert warned(found) == {"split-ignored": ("00.png", "01.png")}


@pytest.mark.parametrize("column", ["fold", "kfold", "Fold_ID", "cv_split", "CV"])
@pytest.mark.parametrize("form", ["{}", "{}.0", "fold{}", "Fold {}", "fold_0{}"])
def test_fold_numbers_are_folds(column, form):
    found = read(*(form.format(i) for i in (0, 0, 1, 1, 2, 2)), column=column)
    assert folds(found) == ["0", "0", "1", "1", "2", "2"]
    assert set(parts(found)) == {""}
    assert found.warnings == ()


def test_numbers_in_a_column_of_another_name_are_folds_and_said():
    found = read("1", "1", "2", "2", "3", "3")
    assert folds(found) == ["1", "1", "2", "2", "3", "3"]
    assert warned(found) == {"given-folds": tuple(image.path for image in found.images)}
    assert folds(read("0", "0", "1", "1", column="fold")) == ["0", "0", "1", "1"]


def test_zero_and_one_can_mean_two_things():
    with pytest.raises(MedrecogError, match="two folds, or training and test"):
        read("0", "0", "1", "1")


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("is_train", ["1", "0"], ["train", "test"]),
        ("is_training_image", ["1.0", "0"], ["train", "test"]),
        ("isTest", ["True", "False"], ["test", "train"]),
        ("is_valid", ["yes", "no"], ["val", "train"]),
    ],
)
def test_a_column_that_is_one_part_says_yes_or_no(column, values, expected):
    found = read(*(v for v in values for _ in range(2)), column=column)
    assert parts(found) == [e for e in expected for _ in range(2)]


def test_folds_beside_a_test_part_divide_the_training_part():
    found = read("1", "1", "2", "2", "test", "test", column="fold")
    assert parts(found) == ["train"] * 4 + ["test"] * 2
    assert folds(found) == ["1", "1", "2", "2", "", ""]


def test_unknown_words_are_refused_with_the_image():
    with pytest.raises(MedrecogError, match=r"Unknown split “sideways” in t\.csv row 3"):
        read("train", "sideways")


@pytest.mark.parametrize("column", ["fold", "split"])
def test_a_negative_number_is_no_fold(column):
    with pytest.raises(MedrecogError, match=r"Unknown split “-1” in t\.csv row 4"):
        read("0", "1", "-1", column=column)


def test_letters_in_a_fold_column_are_folds():
    assert folds(read("A", "A", "B", "B", column="fold")) == ["A", "A", "B", "B"]


def test_an_ignored_column_gives_nothing():
    assert set(parts(read("train", "test", split_column=""))) == {""}


def test_val_can_be_kept():
    found = read("train", "train", "val", "val", "test", "test", keeps_val=True)
    assert parts(found) == ["train"] * 4 + ["test"] * 2


def of(*rows):
    """Images of (label, split, group, fold)."""
    return tuple(
        ImageRecord(f"{i:02}.png", label, split, rest[0] if rest else "", fold="".join(rest[1:]))
        for i, (label, split, *rest) in enumerate(rows)
    )


def checked(*rows):
    return with_splits(interpreted(images=of(*rows)), BY_EVIDENCE)


def test_class_names_that_differ_between_the_parts_are_proposed_as_merges():
    long = "adenocarcinoma_left.lower.lobe_T2_N0_M0_Ib"
    found = checked(
        *((long, "train"), ("normal", "train"), ("large.cell_IIIa", "train")),
        *(("adenocarcinoma", "test"), ("normal", "test"), ("large.cell", "test")),
    )
    assert warned(found) == {"class-names-differ": ("00.png", "02.png", "03.png", "05.png")}
    assert f"--merge-class {long}=adenocarcinoma" in found.warnings[0].message
    assert "--merge-class large.cell_IIIa=large.cell" in found.warnings[0].message


def test_classes_missing_from_training_are_said():
    found = checked(("a", "train"), ("b", "train"), ("a", "test"), ("c d", "test"))
    assert warned(found) == {"class-missing-from-training": ("03.png",)}
    assert "--exclude-class 'c d'" in found.warnings[0].message
    assert checked(("a", "train"), ("b", "train"), ("a", "test")).warnings == ()


def test_classes_of_a_single_fold_are_said():
    rows = [(label, "", "", fold) for label in "ab" for fold in "12"]
    assert checked(*rows).warnings == ()
    assert warned(checked(*rows, ("c", "", "", "1"))) == {
        "class-missing-from-training": ("04.png",)
    }


def test_groups_across_splits_and_folds_are_counted():
    found = checked(
        *(("a", "train", "p"), ("b", "train", "q"), ("a", "test", "p"), ("b", "test", "r")),
        ("a", "val", "r"),
    )
    assert warned(found) == {"groups-across-splits": ("00.png", "02.png")}
    rows = [(label, "", "", fold) for label in "ab" for fold in "12"]
    found = checked(*rows, ("a", "", "p", "1"), ("a", "", "p", "2"), ("a", "", "p", ""))
    assert warned(found) == {"groups-across-splits": ("04.png", "05.png")}


VALUES = st.sampled_from(
    ["train", "Training", "test", "val", "", "nan", "1", "2.0", "fold 3", "dev"]
)


@given(st.lists(VALUES, min_size=1, max_size=20))
def test_every_image_keeps_its_label_and_one_part_or_fold(values):
    found = read(*values, column="fold")
    assert [(i.path, i.label) for i in found.images] == [
        (i.path, i.label) for i in interpreted(values).images
    ]
    for image, value in zip(found.images, values, strict=True):
        number = "".join(c for c in value.partition(".")[0] if c.isdigit())
        assert image.fold == number
        if number:
            assert image.split == ("train" if "test" in values else "")
        elif value in ("", "nan"):
            assert image.split == ""
        elif value == "dev":
            assert image.split in ("train", "val")
        else:
            assert image.split == value.lower().removesuffix("ing")
