import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.classification import HyperParameter, TrainingOptions
from medrecog_core.classification.classifier import check_training_part, in_all_classes
from medrecog_core.errors import UsageError

C = HyperParameter("C", 1.0, (0.1, 1.0), "help")
K = HyperParameter("k", 5, (1, 5), "help", is_whole=True)
POSITIVE = st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False)


@given(st.lists(POSITIVE, min_size=1, max_size=5))
def test_values_are_ascending_and_each_once(values):
    found = C.check(values)
    assert list(found) == sorted(set(values))
    assert C.check(C.words(found).split(", ")) == found


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=5))
def test_whole_numbers_stay_whole(values):
    found = K.check([float(value) for value in values])
    assert list(found) == sorted(set(values))
    assert {type(value) for value in found} == {int}


@pytest.mark.parametrize("value", [5, "5", 5.0])
def test_one_value_may_stand_alone(value):
    assert K.check(value) == (5,)
    assert C.check(value) == (5.0,)


@pytest.mark.parametrize("value", [0, -1, "many", None, True, float("nan"), float("inf"), []])
@pytest.mark.parametrize("parameter", [C, K])
def test_impossible_values_are_refused_by_name(parameter, value):
    with pytest.raises(UsageError, match=f"“{parameter.name}”"):
        parameter.check(value)


def test_half_a_neighbour_is_refused():
    with pytest.raises(UsageError, match="whole number from 1 on"):
        K.check([1, 2.5])


def test_classes_that_a_part_lacks_are_below_all_others():
    whole = in_all_classes(np.array([[0.5, -2.0]]), ("a", "c"), ("a", "b", "c"))
    np.testing.assert_array_equal(whole, [[0.5, -3.0, -2.0]])


def test_one_class_and_numbers_that_are_not_finite_are_refused():
    with pytest.raises(UsageError, match="K-nearest needs training images of at least two"):
        check_training_part("k-nearest", np.eye(2), ["a", "a"])
    with pytest.raises(UsageError, match="not finite"):
        check_training_part("k-nearest", np.array([[np.nan], [1.0]]), ["a", "b"])


def test_unknown_class_weights_are_refused():
    with pytest.raises(UsageError, match="heavy"):
        TrainingOptions("heavy")
