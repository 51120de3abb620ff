import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from medrecog_core.classification.one_vs_rest import OneVsRest
from medrecog_core.errors import UsageError

LABELS = np.array(["a", "b", "b", "c", "c", "c", "a"])
PARTS = [np.array([0, 1, 2, 3, 4]), np.array([0, 3, 4, 6]), np.array([1, 2, 3, 6])]


def test_each_class_of_a_part_has_a_boundary_and_two_share_one():
    problems = OneVsRest.of(LABELS, PARTS, "none")
    assert problems.classes == (("a", "b", "c"), ("a", "c"), ("a", "b", "c"))
    assert [problems.columns(i) for i in range(3)] == [slice(0, 3), slice(3, 4), slice(4, 7)]
    np.testing.assert_array_equal(problems.signs[:, 1], [-1, 1, 1, -1, -1, -1, -1])
    np.testing.assert_array_equal(problems.signs[:, 3], [-1, -1, -1, 1, 1, 1, -1])


def test_rows_outside_the_part_cost_nothing():
    problems = OneVsRest.of(LABELS, PARTS, "balanced")
    for i, part in enumerate(PARTS):
        costs = problems.weights[:, problems.columns(i)]
        assert (costs[part] > 0).all()
        assert (np.delete(costs, part, axis=0) == 0).all()


def test_balanced_weights_are_scikit_learn_s_on_the_positive_side():
    problems = OneVsRest.of(LABELS, PARTS[:1], "balanced")
    part = PARTS[0]
    expected = compute_class_weight("balanced", classes=np.array(["a", "b", "c"]), y=LABELS[part])
    for k, label in enumerate("abc"):
        costs = problems.weights[part, k]
        np.testing.assert_allclose(costs[LABELS[part] == label], expected[k])
        np.testing.assert_array_equal(costs[LABELS[part] != label], 1)


def test_balanced_weights_of_two_classes_are_on_both_sides():
    problems = OneVsRest.of(np.array(["a", "b", "b", "b"]), [np.arange(4)], "balanced")
    np.testing.assert_allclose(problems.weights[:, 0], [2, 2 / 3, 2 / 3, 2 / 3])


def test_part_of_one_class_is_refused():
    with pytest.raises(UsageError, match="has those of b"):
        OneVsRest.of(LABELS, [np.array([1, 2])], "none")
    with pytest.raises(UsageError, match="has those of none"):
        OneVsRest.of(LABELS, [np.array([], int)], "none")
