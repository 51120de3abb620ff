import numpy as np
import pytest

from medrecog_core.classification import TrainingOptions, find_classifier
from medrecog_core.classification.learning_curve import (
    DrawnResults,
    _fit,
    _ordered_groups,
    draw_results,
    fit_learning_curve,
)
from medrecog_core.errors import MedrecogError


def data(n_groups=80, size=2, seed=0, separation=2.0):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), size)
    labels = np.array(["a", "b"])[groups % 2]
    features = rng.normal(size=(len(groups), 12))
    features[:, 0] += separation * (groups % 2)
    return features.astype(np.float32), list(labels), [f"g{i}" for i in groups]


def drawn(n_groups=80, n_folds=1, n_draws=4, **options):
    features, labels, groups = data(n_groups, **options)
    n = len(labels)
    if n_folds == 1:
        folds = [(np.arange(n // 2), np.arange(n // 2, n))]
    else:
        part = np.arange(n) // 2 % n_folds
        folds = [(np.flatnonzero(part != f), np.flatnonzero(part == f)) for f in range(n_folds)]
    svm = find_classifier("linear-svm")
    return draw_results(svm, features, labels, groups, folds, 1.0, TrainingOptions(), n_draws)


def law(sizes, ceiling=0.95, scale=0.9, exponent=0.5):
    return ceiling - scale * np.asarray(sizes, float) ** -exponent


def test_every_beginning_of_an_order_is_stratified_and_whole_groups():
    names = np.array(["a"] * 60 + ["b"] * 20)
    units = np.repeat(np.arange(40), 2)
    order = _ordered_groups(names, units, np.arange(80), 0)
    assert sorted(order) == list(range(40))
    for n in (4, 10, 20, 40):
        share = np.mean(order[:n] >= 30)
        assert abs(share - 0.25) <= 2 / n
    assert (order != _ordered_groups(names, units, np.arange(80), 1)).any()


def test_the_last_size_is_what_training_on_everything_gives():
    features, labels, groups = data()
    folds = [(np.arange(80), np.arange(80, 160))]
    svm = find_classifier("linear-svm")
    results = draw_results(svm, features, labels, groups, folds, 1.0, TrainingOptions(), 4)
    (path,) = svm.score_folds(features, labels, folds, (1.0,), TrainingOptions())
    predicted = np.array(path.classes)[path.at(1.0).argmax(axis=1)]
    expected = predicted == np.array(labels)[80:]
    assert results.sizes[-1] == 40
    assert (results.right[:, -1, 80:] == expected).all()
    assert np.isnan(results.right[:, :, :80]).all()


def test_accuracies_are_the_means_over_draws_and_test_images():
    results = drawn(n_folds=4, n_draws=8)
    curve = fit_learning_curve(results)
    assert [p.n_groups for p in curve.points] == results.sizes.tolist()
    for s, point in enumerate(curve.points):
        expected = np.nanmean(np.nanmean(results.right[:, s], axis=0))
        assert point.accuracy == pytest.approx(expected, abs=1e-6)
        assert 0 <= point.low <= point.accuracy <= point.high <= 1
    assert (curve.n_images, curve.n_test_groups, curve.n_draws) == (160, 80, 8)


def test_the_power_law_is_found_from_points_on_it():
    sizes = np.array([8, 16, 32, 64, 128, 256], dtype=float)
    ceiling, scale, exponent = _fit(sizes, law(sizes)[None], np.ones(6))
    found = ceiling - scale * np.append(sizes, 512) ** -exponent
    assert np.allclose(found, law(np.append(sizes, 512)), atol=2e-3)


def test_a_fit_neither_exceeds_one_nor_falls_with_more_groups():
    sizes = np.array([8, 16, 32, 64], dtype=float)
    rows = np.array([[0.9, 0.94, 0.98, 1.0], [0.9, 0.88, 0.86, 0.84], [0.7] * 4])
    ceiling, scale, exponent = _fit(sizes, rows, np.ones(4))
    assert (ceiling <= 1).all()
    assert (scale >= 0).all()
    assert np.allclose(scale[1:], 0, atol=1e-9)
    assert ceiling[2] == pytest.approx(0.7)
    assert (exponent > 0).all()


def test_more_test_groups_make_narrower_intervals_and_shared_groups_wider_ones():
    rng = np.random.default_rng(0)
    sizes = np.array([10, 20, 40, 80])

    def width(n_units, size):
        of_unit = rng.random((1, 1, n_units)) < np.linspace(0.7, 0.85, 4)[None, :, None]
        right = np.repeat(np.repeat(of_unit, size, axis=2), 4, axis=0).astype(np.float32)
        units = np.repeat(np.arange(n_units), size)
        curve = fit_learning_curve(DrawnResults(sizes, right, np.zeros(4, int), units))
        return curve.points[-1].high - curve.points[-1].low

    assert width(400, 1) < 0.7 * width(100, 1)
    assert width(100, 4) > 1.5 * width(400, 1)


def true_accuracy(n_groups):
    """The mean accuracy of SVMs of independent training parts, on many test images."""
    svm = find_classifier("linear-svm")
    tests, test_labels, _ = data(1000, 1, seed=10**6)
    accuracies = []
    for seed in range(20):
        features, labels, _ = data(n_groups, seed=1000 + seed)
        (trained,) = svm.train_path(features, labels, (1.0,), TrainingOptions())
        predicted = np.array(trained.classes)[trained.scores(tests).argmax(axis=1)]
        accuracies.append(np.mean(predicted == np.array(test_labels)))
    return np.mean(accuracies)


def test_intervals_of_simulated_curves_hold_the_truth():
    # benchmarks/coverage.py --curves 1000 measures how often.
    curves = [fit_learning_curve(drawn(n_groups=160, seed=seed, n_draws=6)) for seed in range(15)]
    for s in (0, -1):
        truth = true_accuracy(curves[0].points[s].n_groups)
        held = [curve.points[s].low <= truth <= curve.points[s].high for curve in curves]
        assert sum(held) >= 12


def test_too_few_groups_are_refused():
    with pytest.raises(MedrecogError):
        drawn(n_groups=12)
