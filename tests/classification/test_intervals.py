import numpy as np
import pytest
from scipy.stats import bootstrap as scipy_bootstrap
from scipy.stats import norm

from medrecog_core.classification import ScoredImages, estimate
from medrecog_core.classification.intervals import WILSON, bootstrap
from medrecog_core.errors import UsageError


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
