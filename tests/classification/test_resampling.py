import numpy as np
import pytest

from medrecog_core.classification import MEASURES, ScoredImages, measure
from medrecog_core.classification.resampling import (
    MeasuredResamples,
    measure_on_resamples,
    measures_of,
    resamples,
    value,
)
from medrecog_core.errors import UsageError


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
