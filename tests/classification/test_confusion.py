import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as oracle

from medrecog_core.classification import confusion


def labels_of(counts):
    true, predicted = np.indices(counts.shape).reshape(2, -1).repeat(counts.ravel(), axis=1)
    return true, predicted


@given(arrays(int, (3, 3), elements=st.integers(0, 6)).filter(lambda counts: counts.sum() > 0))
def test_measures_equal_scikit_learn_s(counts):
    true, predicted = labels_of(counts)
    assert confusion.accuracy(counts) == pytest.approx(oracle.accuracy_score(true, predicted))
    assert confusion.macro_f1(counts) == pytest.approx(
        oracle.f1_score(true, predicted, average="macro", zero_division=0)
    )
    recalls = oracle.recall_score(
        true, predicted, labels=[0, 1, 2], average=None, zero_division=np.nan
    )
    np.testing.assert_allclose(confusion.recalls(counts), recalls)
    assert confusion.balanced_accuracy(counts) == pytest.approx(np.nanmean(recalls))


def test_a_stack_gives_what_its_matrices_give_alone():
    stack = np.random.default_rng(0).integers(0, 9, (4, 5, 2, 2))
    for measure in (
        confusion.accuracy,
        confusion.balanced_accuracy,
        confusion.macro_f1,
        lambda counts: confusion.sensitivity(counts, 1),
        lambda counts: confusion.specificity(counts, 1),
    ):
        together = measure(stack)
        assert together.shape == (4, 5)
        assert together[2, 3] == measure(stack[2, 3])


def test_sensitivity_is_of_the_positive_class_and_specificity_of_the_other():
    counts = np.array([[8, 2], [1, 4]])
    assert confusion.sensitivity(counts, 1) == pytest.approx(4 / 5)
    assert confusion.specificity(counts, 1) == pytest.approx(8 / 10)
    assert confusion.sensitivity(counts, 0) == pytest.approx(8 / 10)


def test_what_nothing_was_counted_for_cannot_be_told():
    nothing = np.zeros((2, 2), int)
    for measure in (confusion.accuracy, confusion.balanced_accuracy, confusion.macro_f1):
        assert np.isnan(measure(nothing))
    assert np.isnan(confusion.sensitivity(np.array([[3, 1], [0, 0]]), 1))
