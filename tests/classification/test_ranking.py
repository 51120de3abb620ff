import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medrecog_core.classification.ranking import Ranking


def case(seed, n=25):
    rng = np.random.default_rng(seed)
    is_member = np.append([True, False], rng.random(n - 2) < 0.4)
    scores = np.round(is_member + rng.normal(size=n), rng.integers(3))
    return rng, scores, is_member


@given(st.integers(0, 10_000))
def test_area_of_each_weighting_equals_scikit_learn_s_with_weights(seed):
    rng, scores, is_member = case(seed)
    weights = rng.integers(0, 4, size=(6, len(scores)))
    weights[:, :2] += 1
    expected = [roc_auc_score(is_member, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(
        Ranking.of(scores, is_member).areas(weights, np.arange(25)), expected
    )


def test_images_of_a_unit_count_alike():
    rng, scores, is_member = case(3)
    units = np.arange(25) // 3
    multiplicities = rng.integers(1, 4, size=(5, 9))
    ranking = Ranking.of(scores, is_member)
    np.testing.assert_array_equal(
        ranking.areas(multiplicities, units),
        ranking.areas(multiplicities[:, units], np.arange(25)),
    )


def test_parts_give_what_the_whole_gives(monkeypatch):
    rng, scores, is_member = case(4)
    weights = rng.integers(1, 4, size=(9, 25))
    whole = Ranking.of(scores, is_member).areas(weights, np.arange(25))
    monkeypatch.setattr("medrecog_core.classification.ranking._NUMBERS_AT_ONCE", 50)
    parts = Ranking.of(scores, is_member).areas(weights, np.arange(25))
    np.testing.assert_array_equal(parts, whole)


@given(st.integers(0, 10_000))
def test_leaving_a_unit_out_equals_computing_without_it(seed):
    rng, scores, is_member = case(seed)
    units = np.unique(rng.integers(6, size=len(scores)), return_inverse=True)[1]
    found = Ranking.of(scores, is_member).areas_without_each(units)
    for unit, area in enumerate(found):
        kept = units != unit
        if len(set(is_member[kept])) < 2:
            assert np.isnan(area)
        else:
            assert area == pytest.approx(roc_auc_score(is_member[kept], scores[kept]))


def test_a_side_without_weight_has_no_area():
    ranking = Ranking.of(np.array([0.0, 1.0]), np.array([False, True]))
    found = ranking.areas(np.array([[1, 1], [0, 1], [1, 0]]), np.arange(2))
    np.testing.assert_array_equal(found, [1, np.nan, np.nan])
