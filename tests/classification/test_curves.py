import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle
from sklearn.calibration import calibration_curve

from medrecog_core.classification import (
    decision_curve,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
)
from medrecog_core.errors import MedrecogError

RNG = np.random.default_rng(0)
IS_MEMBER = RNG.random(200) < 0.3
SCORES = np.round(IS_MEMBER + RNG.normal(size=200), 1)


def test_roc_curve_goes_from_corner_to_corner_above_its_area():
    curve = roc_curve(SCORES, IS_MEMBER)
    assert (curve.false_positive_rates[0], curve.true_positive_rates[0]) == (0, 0)
    assert (curve.false_positive_rates[-1], curve.true_positive_rates[-1]) == (1, 1)
    assert curve.area == pytest.approx(oracle.roc_auc_score(IS_MEMBER, SCORES))
    assert curve.n_members + curve.n_others == 200
    for threshold, rate in zip(curve.thresholds, curve.true_positive_rates, strict=True):
        assert rate == pytest.approx((SCORES[IS_MEMBER] >= threshold).mean())


def test_precision_recall_curve_says_what_thresholds_give():
    curve = precision_recall_curve(SCORES, IS_MEMBER)
    assert curve.prevalence == pytest.approx(IS_MEMBER.mean())
    assert curve.average_precision == pytest.approx(
        oracle.average_precision_score(IS_MEMBER, SCORES)
    )
    for i, threshold in enumerate(curve.thresholds):
        called = threshold <= SCORES
        assert curve.precisions[i] == pytest.approx(IS_MEMBER[called].mean())
        assert curve.recalls[i] == pytest.approx(called[IS_MEMBER].mean())


@given(st.integers(0, 1000), st.integers(2, 60), st.integers(0, 2))
def test_both_curves_equal_scikit_learn_s(seed, n, decimals):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.normal(size=n), decimals)
    is_member = np.arange(n) < rng.integers(1, n)
    roc = roc_curve(scores, is_member)
    false, true, thresholds = oracle.roc_curve(is_member, scores)
    np.testing.assert_allclose(roc.false_positive_rates, false)
    np.testing.assert_allclose(roc.true_positive_rates, true)
    np.testing.assert_allclose(roc.thresholds, thresholds)
    assert roc.area == pytest.approx(oracle.roc_auc_score(is_member, scores))
    curve = precision_recall_curve(scores, is_member)
    precisions, recalls, thresholds = oracle.precision_recall_curve(is_member, scores)
    np.testing.assert_allclose(curve.precisions, precisions)
    np.testing.assert_allclose(curve.recalls, recalls)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert curve.average_precision == pytest.approx(
        oracle.average_precision_score(is_member, scores)
    )


@given(st.integers(0, 1000), st.integers(1, 20))
def test_reliability_curve_equals_scikit_learn_s_with_every_image_in_a_bin(seed, n_bins):
    rng = np.random.default_rng(seed)
    probabilities = np.round(rng.random(60), 2)
    is_member = rng.random(60) < probabilities
    curve = reliability_curve(probabilities, is_member, n_bins)
    frequencies, means = calibration_curve(is_member, probabilities, n_bins=n_bins)
    filled = curve.counts > 0
    np.testing.assert_allclose(curve.frequencies[filled], frequencies)
    np.testing.assert_allclose(curve.mean_probabilities[filled], means)
    assert np.isnan(curve.frequencies[~filled]).all()
    assert curve.counts.sum() == 60
    assert curve.brier == pytest.approx(oracle.brier_score_loss(is_member, probabilities))


def test_true_probabilities_have_a_small_calibration_error_and_boasting_ones_a_great():
    rng = np.random.default_rng(1)
    probabilities = rng.random(20_000)
    is_member = rng.random(20_000) < probabilities
    assert reliability_curve(probabilities, is_member).calibration_error < 0.02
    assert reliability_curve(np.round(probabilities), is_member).calibration_error > 0.2


def test_calibration_error_of_two_bins_is_their_weighted_gap():
    curve = reliability_curve(np.array([0.2, 0.2, 0.2, 0.9]), np.array([1, 0, 0, 1]) > 0, 2)
    assert curve.calibration_error == pytest.approx((3 * (1 / 3 - 0.2) + 0.1) / 4)
    np.testing.assert_array_equal(curve.counts, [3, 1])


def test_one_sided_truth_and_odd_probabilities_are_refused():
    for curve in (roc_curve, precision_recall_curve):
        with pytest.raises(MedrecogError, match="another class"):
            curve(SCORES, np.ones(200, dtype=bool))
    with pytest.raises(MedrecogError, match="between 0 and 1"):
        reliability_curve(np.array([1.2]), np.array([True]))
    with pytest.raises(MedrecogError, match="at least one image"):
        reliability_curve(np.zeros(0), np.zeros(0, dtype=bool))


def test_net_benefit_is_that_of_the_published_formula():
    # Vickers and Elkin (2006), Medical Decision Making 26: true positives / n minus false positives
    # / n times the odds of the threshold. By hand: of 5 images two are of the class.
    probabilities = np.array([0.9, 0.4, 0.6, 0.2, 0.1])
    found = decision_curve(probabilities, np.array([True, True, False, False, False]))
    assert found.at(0.5).model == pytest.approx(1 / 5 - 1 / 5)
    assert found.at(0.3).model == pytest.approx(2 / 5 - 1 / 5 * 3 / 7)
    assert found.at(0.8).model == pytest.approx(1 / 5)
    assert found.at(0.3).treat_all == pytest.approx(2 / 5 - 3 / 5 * 3 / 7)
    # Treating all is worth nothing where the threshold is the prevalence.
    assert found.at(0.4).treat_all == pytest.approx(0, abs=1e-12)
    assert (found.n_members, found.n_others) == (2, 3)


def test_net_benefit_of_certainty_is_the_prevalence_and_that_of_no_alarm_is_nothing():
    is_member = np.arange(40) < 10
    certain = decision_curve(is_member.astype(float), is_member)
    assert {point.model for point in certain.points} == {0.25}
    assert certain.useful_range == (0.01, 0.99)
    never = decision_curve(np.zeros(40), is_member)
    assert {point.model for point in never.points} == {0.0}
    assert never.useful_range is None
    with pytest.raises(MedrecogError):
        decision_curve(np.zeros(3), np.zeros(3, bool))
