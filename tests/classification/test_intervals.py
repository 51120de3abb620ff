import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm
from scipy.stats import bootstrap as scipy_bootstrap
from sklearn.metrics import precision_recall_fscore_support
from statsmodels.stats.proportion import proportion_confint

from medrecog_core.classification import ScoredImages, estimate, estimate_classes, wilson_interval
from medrecog_core.classification.intervals import WILSON, bootstrap
from medrecog_core.errors import UsageError

CLASSES = ("a", "b", "c")


@pytest.mark.parametrize(("n_right", "n"), [(81, 263), (0, 20), (29, 29), (15, 148)])
def test_interval_equals_statsmodels(n_right, n):
    # The four cases of Newcombe (1998), Statistics in Medicine 17, table I.
    expected = proportion_confint(n_right, n, method="wilson")
    assert wilson_interval(n_right, n) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 10_000), st.floats(0, 1), st.floats(0.5, 0.999))
def test_interval_equals_scipy_s(n, share, level):
    n_right = round(share * n)
    expected = binomtest(n_right, n).proportion_ci(level, method="wilson")
    assert wilson_interval(n_right, n, level) == pytest.approx(tuple(expected), abs=1e-12)


def test_a_greater_level_is_wider():
    low, high = wilson_interval(8, 10)
    wider_low, wider_high = wilson_interval(8, 10, level=0.99)
    assert wider_low < low < high < wider_high


def two_classes(seed=0, n=300, separation=2.0, groups=0):
    rng = np.random.default_rng(seed)
    labels = np.append(["a", "b"], rng.choice(["a", "b"], n - 2))
    scores = np.where(labels == "b", 0.5, -0.5) * separation + rng.normal(size=n)
    of = [f"group {i}" for i in rng.integers(groups, size=n)] if groups else ()
    return ScoredImages.of(list(labels), np.column_stack([-scores, scores]), ("a", "b"), of)


def ends(found):
    return found.low, found.high


def test_bca_of_independent_images_equals_scipy_s():
    images = two_classes()
    oracle = scipy_bootstrap((images.right,), np.mean, n_resamples=20_000, rng=1, method="BCa")
    found = bootstrap(images, ["accuracy"], n_resamples=20_000)["accuracy"]
    assert ends(found) == pytest.approx(oracle.confidence_interval, abs=0.005)
    assert found.method == "bca"


def test_percentile_of_independent_images_equals_scipy_s():
    images = two_classes()
    oracle = scipy_bootstrap(
        (images.right,), np.mean, n_resamples=20_000, rng=1, method="percentile"
    )
    found = bootstrap(images, ["accuracy"], "percentile", n_resamples=20_000)["accuracy"]
    assert ends(found) == pytest.approx(oracle.confidence_interval, abs=0.005)


def test_auc_interval_is_as_wide_as_delong_s():
    images = two_classes(n=400)
    scores, is_b = images.scores[:, 1], images.truth == 1
    wins = (scores[is_b][:, None] > scores[~is_b]).astype(float)
    variance = wins.mean(axis=1).var(ddof=1) / is_b.sum()
    variance += wins.mean(axis=0).var(ddof=1) / (~is_b).sum()
    found = estimate(images)["auc"]
    assert found.value == pytest.approx(wins.mean())
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.1)


def test_proportions_of_independent_images_have_wilson_s_interval():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
    scores = np.array([[1.0, 0.0]] * 81 + [[0.0, 1.0]] * 182 + [[0.0, 1.0]] * 5)
    images = ScoredImages.of(["a"] * 263 + ["b"] * 5, scores, ("a", "b"), positive="a")
    found = estimate(images)
    assert ends(found["sensitivity"]) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert found["sensitivity"].method == WILSON
    assert (found["sensitivity"].n_images, found["specificity"].n_images) == (263, 5)


def test_images_of_one_group_are_not_counted_as_independent():
    alone = two_classes(n=300)
    copies = ScoredImages.of(
        [alone.classes[i] for i in alone.truth for _ in range(4)],
        np.repeat(alone.scores, 4, axis=0),
        alone.classes,
        [f"group {i}" for i in range(300) for _ in range(4)],
    )
    for measure, found in bootstrap(alone, ["accuracy", "macro_f1", "auc"]).items():
        of_copies = estimate(copies, [measure])[measure]
        assert ends(of_copies) == pytest.approx(ends(found), abs=1e-9), measure
        assert (of_copies.n_images, of_copies.n_units) == (1200, 300)


@pytest.mark.parametrize("groups", [0, 40])
def test_intervals_hold_their_values_and_stay_between_0_and_1(groups):
    for seed in range(5):
        found = estimate(two_classes(seed, n=80, separation=3, groups=groups), n_resamples=500)
        assert len(found) == 6
        for one in found.values():
            assert 0 <= one.low <= one.value <= one.high <= 1


def test_the_same_seed_gives_the_same_interval_and_another_nearly_the_same():
    images = two_classes(groups=50)
    one, again, other = (estimate(images, ["auc"], seed=seed)["auc"] for seed in (3, 3, 4))
    assert one == again
    assert one != other
    assert ends(one) == pytest.approx(ends(other), abs=0.01)


@pytest.mark.parametrize("groups", [0, 10])
def test_no_mistake_is_no_certainty(groups):
    found = estimate(two_classes(n=60, separation=100, groups=groups))
    for one in found.values():
        assert one.value == 1
        assert one.low < 0.95, one
        assert one.method == WILSON


def test_several_classes_have_no_sensitivity_and_a_missing_class_no_auc():
    scores = np.eye(3)[[0, 1, 1, 0, 1]]
    found = estimate(ScoredImages.of(["a", "b", "b", "a", "a"], scores, ("a", "b", "c")))
    assert list(found) == ["accuracy", "balanced_accuracy", "macro_f1"]


def test_one_group_alone_says_next_to_nothing():
    images = ScoredImages.of(["a", "b"], np.eye(2), ("a", "b"), ["g", "g"])
    assert estimate(images)["accuracy"].low < 0.3


def test_unknown_measure_or_method_is_refused():
    with pytest.raises(UsageError, match="measure"):
        estimate(two_classes(), ["luck"])
    with pytest.raises(UsageError, match="interval"):
        estimate(two_classes(), ["auc"], method="guess")


@pytest.mark.parametrize("groups", [False, True])
def test_95_percent_intervals_cover_the_truth_about_95_times_in_100(groups):
    """The short form of `benchmarks/coverage.py`, for accuracy."""
    held = []
    for seed in range(400):
        rng = np.random.default_rng([seed, groups])
        n, separation = rng.integers(200, 601), rng.uniform(1, 3)
        sizes = rng.integers(1, 7 if groups else 2, size=n)
        unit = np.repeat(np.arange(n), sizes)[:n]
        truth = rng.integers(2, size=n)[unit]
        between = rng.normal(size=n)[unit] * np.sqrt(0.5 * groups)
        noise = between + rng.normal(size=n) * np.sqrt(1 - 0.5 * groups)
        score = (truth - 0.5) * separation + noise
        images = ScoredImages.of(
            [("a", "b")[i] for i in truth],
            np.column_stack([-score, score]),
            ("a", "b"),
            [f"group {i}" for i in unit] if groups else (),
        )
        found = estimate(images, ["accuracy"], n_resamples=600)["accuracy"]
        held.append(found.low <= norm.cdf(separation / 2) <= found.high)
    assert 0.92 <= np.mean(held) <= 0.98


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
