import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_curve

from medrecog_core.classification import choose_threshold
from medrecog_core.classification.threshold import SENSITIVITY
from medrecog_core.errors import MedrecogError, UsageError


def case(seed, n=40):
    rng = np.random.default_rng(seed)
    labels = ["sick", "well", *rng.choice(["sick", "well"], n - 2)]
    values = np.array([label == "sick" for label in labels]) + rng.normal(size=n)
    return np.round(values, rng.integers(1, 4)), labels


@given(st.integers(0, 10_000))
def test_no_threshold_has_a_greater_balanced_accuracy_or_youden_index(seed):
    values, labels = case(seed)
    found = choose_threshold(values, labels, "sick")
    truth = np.array(labels) == "sick"
    false, true, _ = roc_curve(truth, values)
    assert found.sensitivity + found.specificity - 1 == pytest.approx((true - false).max())
    assert balanced_accuracy_score(truth, found.decide(values) == "sick") == pytest.approx(
        (found.sensitivity + found.specificity) / 2
    )


@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_sensitivity_is_reached_with_the_fewest_false_alarms(seed, least):
    values, labels = case(seed)
    found = choose_threshold(values, labels, "sick", SENSITIVITY, least)
    truth = np.array(labels) == "sick"
    assert (found.decide(values)[truth] == "sick").mean() == pytest.approx(found.sensitivity)
    assert found.sensitivity >= least
    false, true, _ = roc_curve(truth, values, drop_intermediate=False)
    assert found.specificity == pytest.approx(1 - false[true >= least - 1e-12].min())


def test_of_equals_the_widest_gap_is_taken_in_its_middle():
    values = np.array([0.0, 0.1, 0.9, 1.0])
    assert choose_threshold(values, ["w", "w", "s", "s"], "s").threshold == pytest.approx(0.5)


def test_values_that_touch_are_still_divided():
    low = 1.0
    high = np.nextafter(low, 2)
    found = choose_threshold(np.array([low, high]), ["w", "s"], "s")
    assert found.decide(np.array([low, high])).tolist() == ["w", "s"]


def test_unscored_images_are_left_out():
    found = choose_threshold(np.array([0, 1, np.nan]), ["w", "s", "w"], "s")
    assert (found.n_images, found.specificity) == (2, 1)


def test_what_cannot_be_chosen_is_refused():
    values = np.array([0.0, 1.0, 2.0])
    with pytest.raises(UsageError, match="two classes"):
        choose_threshold(values, ["a", "b", "c"], "a")
    with pytest.raises(UsageError, match="aim"):
        choose_threshold(values[:2], ["a", "b"], "a", "luck")
    with pytest.raises(UsageError, match="sensitivity"):
        choose_threshold(values[:2], ["a", "b"], "a", SENSITIVITY, 1.5)
    for labels in (["a", "a", "a"], ["b", "b", "b"]):
        with pytest.raises(MedrecogError, match="both classes"):
            choose_threshold(values, labels, "a")
