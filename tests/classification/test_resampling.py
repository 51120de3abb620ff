import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from medrecog_core.classification import MEASURES, ScoredImages, measure
from medrecog_core.classification.resampling import (
    MeasuredResamples,
    Ranking,
    measure_on_resamples,
    measures_of,
    resamples,
    value,
)
from medrecog_core.errors import UsageError


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
    monkeypatch.setattr("medrecog_core.classification.resampling._RANKED_AT_ONCE", 50)
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


def scored(seed=0, n=60, classes=("a", "b"), n_groups=15):
    rng = np.random.default_rng(seed)
    labels = [*classes, *rng.choice(classes, n - len(classes))]
    scores = rng.normal(size=(n, len(classes)))
    scores[np.arange(n), [classes.index(label) for label in labels]] += 1
    if len(classes) == 2:
        scores[:, 0] = -scores[:, 1]
    groups = [f"g{i}" for i in rng.integers(n_groups, size=n)]
    return labels, scores, groups, ScoredImages.of(labels, scores, classes, groups)


@pytest.mark.parametrize("classes", [("a", "b"), ("a", "b", "c")])
def test_value_of_the_images_is_the_metric(classes):
    labels, scores, _, images = scored(classes=classes)
    found = measure(labels, scores, classes)
    for name in measures_of(images):
        assert value(images, name) == pytest.approx(getattr(found, name)), name
    assert len(measures_of(images)) == (6 if len(classes) == 2 else 4)


@pytest.mark.parametrize("name", MEASURES)
def test_measure_of_a_resample_is_that_of_its_images_written_out(name):
    labels, scores, _, images = scored()
    for multiplicities in resamples(images.n_units, 20, seed=1):
        found = MeasuredResamples(images, name).of(multiplicities)
        for row, one in zip(multiplicities, found, strict=True):
            drawn = np.repeat(np.arange(60), row[images.units].astype(int))
            again = measure([labels[i] for i in drawn], scores[drawn], ("a", "b"))
            assert one == pytest.approx(getattr(again, name))


@pytest.mark.parametrize("name", MEASURES)
def test_leaving_a_unit_out_is_measuring_the_rest(name):
    labels, scores, _, images = scored()
    found = MeasuredResamples(images, name).without_each_unit()
    for unit, one in enumerate(found):
        kept = np.flatnonzero(images.units != unit)
        again = measure([labels[i] for i in kept], scores[kept], ("a", "b"))
        assert one == pytest.approx(getattr(again, name))


def test_each_resample_draws_as_many_units_as_there_are_whatever_the_chunks(monkeypatch):
    whole = np.concatenate(list(resamples(30, 50, seed=2)))
    assert whole.shape == (50, 30)
    np.testing.assert_array_equal(whole.sum(axis=1), 30)
    np.testing.assert_array_equal(whole, np.concatenate(list(resamples(30, 50, seed=2))))
    monkeypatch.setattr("medrecog_core.classification.resampling._NUMBERS_AT_ONCE", 100)
    np.testing.assert_array_equal(whole, np.concatenate(list(resamples(30, 50, seed=2))))


def test_two_results_are_measured_on_the_same_resamples():
    *_, images = scored()
    measured = MeasuredResamples(images, "accuracy")
    one, other = measure_on_resamples([measured, measured], images.n_units, 40, seed=0)
    np.testing.assert_array_equal(one, other)
    assert one.std() > 0


def test_unknown_measure_is_refused():
    with pytest.raises(UsageError, match="luck"):
        value(scored()[-1], "luck")
