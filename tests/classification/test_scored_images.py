import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from medrecog_core.classification import ScoredImages, choose_positive_class
from medrecog_core.classification.scored_images import number_units
from medrecog_core.errors import MedrecogError, UsageError

CLASSES = ("normal", "sick")
SCORES = np.array([[2.0, -2], [-1, 1], [0.5, -0.5]])
LABELS = ["normal", "normal", "sick"]


@pytest.mark.parametrize(
    ("classes", "positive"),
    [
        (("NORMAL", "PNEUMONIA"), "PNEUMONIA"),
        (("benign", "malignant"), "malignant"),
        (("melanoma", "nevus"), "melanoma"),
        (("Parasitized", "Uninfected"), "Parasitized"),
        (("No finding", "effusion"), "effusion"),
        (("COVID", "non-COVID"), "COVID"),
        (("fracture", "no_fracture"), "fracture"),
        (("no", "yes"), "yes"),
        (("abnormal", "normal"), "abnormal"),
        (("normal", "not normal"), "not normal"),
        (("benign", "normal"), "normal"),
        (("a", "b"), "b"),
    ],
)
def test_the_class_that_is_not_named_as_healthy_is_positive(classes, positive):
    assert choose_positive_class(classes) == positive


def test_the_user_s_choice_goes_first_and_must_exist():
    assert choose_positive_class(("NORMAL", "PNEUMONIA"), "NORMAL") == "NORMAL"
    with pytest.raises(UsageError, match="FLU"):
        choose_positive_class(("NORMAL", "PNEUMONIA"), "FLU")


def test_of_more_than_two_none_is_positive():
    assert choose_positive_class(("a", "b", "normal")) is None


def test_what_the_images_say_is_what_scikit_learn_says():
    images = ScoredImages.of(LABELS, SCORES, CLASSES, ["p", "", "p"])
    assert images.right.tolist() == [True, False, False]
    np.testing.assert_array_equal(
        images.confusion, confusion_matrix(LABELS, ["normal", "sick", "normal"])
    )
    assert (images.n_images, images.n_units, images.is_grouped) == (3, 2, True)
    assert images.positive == "sick"
    np.testing.assert_array_equal(images.unit_confusions.sum(axis=0), images.confusion)
    np.testing.assert_array_equal(images.unit_confusions[images.units[1]], [[0, 1], [0, 0]])


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=1))
def test_images_share_a_unit_exactly_where_they_share_a_group(groups):
    units = number_units(groups)
    assert set(units) == set(range(max(units) + 1))
    for i, group in enumerate(groups):
        for j, other in enumerate(groups):
            assert (units[i] == units[j]) == (i == j or (group == other != ""))


def test_without_groups_every_image_is_a_unit():
    assert not ScoredImages.of(LABELS, SCORES, CLASSES).is_grouped
    assert not ScoredImages.of(LABELS, SCORES, CLASSES, ["", "", ""]).is_grouped


@pytest.mark.parametrize(
    ("labels", "scores", "groups"),
    [
        (LABELS, SCORES[:2], ()),
        (LABELS, SCORES[:, :1], ()),
        ([], SCORES[:0], ()),
        (["normal", "normal", "odd"], SCORES, ()),
        (LABELS, SCORES * np.nan, ()),
        (LABELS, SCORES, ["p"]),
    ],
)
def test_numbers_that_do_not_fit_are_refused_with_a_sentence(labels, scores, groups):
    with pytest.raises(MedrecogError, match="Compute the result again"):
        ScoredImages.of(labels, scores, CLASSES, groups)


def test_a_positive_class_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="Available: "):
        ScoredImages.of(LABELS, SCORES, CLASSES, positive="odd")
