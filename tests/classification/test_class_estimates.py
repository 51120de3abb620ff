import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn.metrics import precision_recall_fscore_support

from medrecog_core.classification import ScoredImages, estimate, estimate_classes, wilson_interval

CLASSES = ("a", "b", "c")


def result(seed=0, n=200, groups=0, separation=1.0):
    rng = np.random.default_rng(seed)
    truth = np.append([0, 1, 2], rng.integers(3, size=n - 3))
    scores = rng.normal(size=(n, 3)) + separation * np.eye(3)[truth]
    of = [f"group {i}" for i in rng.integers(groups, size=n)] if groups else ()
    return ScoredImages.of([CLASSES[i] for i in truth], scores, CLASSES, of)


def test_values_are_scikit_learn_s():
    images = result()
    precision, recall, f1, support = precision_recall_fscore_support(images.truth, images.predicted)
    for i, row in enumerate(estimate_classes(images)):
        assert row.label == CLASSES[i]
        assert row.precision.value == pytest.approx(precision[i])
        assert row.recall.value == pytest.approx(recall[i])
        assert row.f1.value == pytest.approx(f1[i])
        assert row.n_images == row.recall.n_images == support[i]


def test_shares_of_independent_images_have_wilson_s_interval():
    images = result()
    hits = int(((images.truth == 1) & (images.predicted == 1)).sum())
    row = estimate_classes(images)[1]
    assert (row.recall.low, row.recall.high) == pytest.approx(
        wilson_interval(hits, int((images.truth == 1).sum()))
    )
    assert (row.precision.low, row.precision.high) == pytest.approx(
        wilson_interval(hits, int((images.predicted == 1).sum()))
    )


def test_f1_interval_equals_scipy_s_bca():
    images = result(n=300)
    is_true, is_predicted = (images.truth == 0) * 1.0, (images.predicted == 0) * 1.0

    def f1(true, predicted, axis=-1):
        return 2 * (true * predicted).sum(axis) / (true.sum(axis) + predicted.sum(axis))

    oracle = scipy_bootstrap(
        (is_true, is_predicted), f1, paired=True, n_resamples=10_000, rng=1, method="BCa"
    ).confidence_interval
    found = estimate_classes(images, n_resamples=10_000)[0].f1
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=0.01)


def test_recall_of_the_positive_class_is_the_sensitivity_with_groups_too():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=120)
    scores = rng.normal(size=120) + truth
    groups = [f"patient {i}" for i in rng.integers(30, size=120)]
    images = ScoredImages.of(
        [("no", "yes")[i] for i in truth], np.column_stack([-scores, scores]), ("no", "yes"), groups
    )
    sensitivity = estimate(images, ["sensitivity"])["sensitivity"]
    recall = estimate_classes(images)[1].recall
    assert (recall.value, recall.low, recall.high) == pytest.approx(
        (sensitivity.value, sensitivity.low, sensitivity.high)
    )
    assert (recall.n_images, recall.n_units) == (sensitivity.n_images, sensitivity.n_units)


def test_groups_widen_the_interval():
    alone = result(n=90, separation=1.5)
    # The same images three times each: no more is known than from one of each.
    tripled = ScoredImages.of(
        [CLASSES[i] for i in np.tile(alone.truth, 3)],
        np.tile(alone.scores, (3, 1)),
        CLASSES,
        [f"group {i}" for i in range(90)] * 3,
    )
    one, three = estimate_classes(alone)[0].recall, estimate_classes(tripled)[0].recall
    assert three.high - three.low > 0.8 * (one.high - one.low)
    assert (three.n_images, three.n_units) == (3 * one.n_images, one.n_images)


def test_a_class_that_is_never_predicted_or_never_tested_says_so():
    scores = np.array([[1.0, 0, 0], [1, 0, 0], [0, 0, 1]])
    rows = estimate_classes(ScoredImages.of(["a", "b", "a"], scores, CLASSES))
    assert rows[1].precision is None
    assert rows[1].recall.value == 0
    assert rows[2].recall is None
    assert rows[2].precision.value == 0
    assert (rows[2].n_images, rows[2].n_units) == (0, 0)
    nowhere = estimate_classes(ScoredImages.of(["a"], np.array([[1.0, 0, 0]]), CLASSES))[1]
    assert (nowhere.precision, nowhere.recall, nowhere.f1) == (None, None, None)


def test_every_interval_holds_its_value():
    for images in (result(), result(groups=40), result(n=4), result(separation=50)):
        for row in estimate_classes(images):
            for one in (row.precision, row.recall, row.f1):
                assert one is None or 0 <= one.low <= one.value <= one.high <= 1
