import numpy as np
import pytest

from medrecog_core.classification import ScoredImages, estimate
from medrecog_core.classification.differences import subtract
from medrecog_core.classification.intervals import Estimate, wilson_interval


def share(n_right: int, n: int) -> Estimate:
    low, high = wilson_interval(n_right, n)
    return Estimate("accuracy", n_right / n, low, high, "wilson", n, n)


# Newcombe (1998), Statistics in Medicine 17:873-890, Table II, method 10.
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_of_two_proportions_it_is_the_published_interval(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found = subtract(share(*one), share(*other))
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-5)


def test_the_p_value_is_below_5_percent_where_the_interval_excludes_0() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        n_one, n_other = rng.integers(5, 60, 2)
        found = subtract(
            share(int(rng.integers(n_one + 1)), int(n_one)),
            share(int(rng.integers(n_other + 1)), int(n_other)),
        )
        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_turned_round_it_has_the_other_sign() -> None:
    one, other = share(9, 10), share(12, 40)
    there, back = subtract(one, other), subtract(other, one)
    assert (back.value, back.low, back.high) == pytest.approx(
        (-there.value, -there.high, -there.low)
    )
    assert back.p_value == pytest.approx(there.p_value)


@pytest.mark.slow
def test_intervals_of_grouped_results_cover_the_true_difference() -> None:
    rng = np.random.default_rng(1)
    n_covering, n_trials = 0, 200
    for _ in range(n_trials):
        one, other = (_grouped(rng, separation) for separation in (1.0, 1.0))
        found = subtract(
            estimate(one, ["auc"], n_resamples=300)["auc"],
            estimate(other, ["auc"], n_resamples=300)["auc"],
        )
        n_covering += found.low <= 0 <= found.high
    # 95 % of 200, within four standard errors.
    assert 0.88 <= n_covering / n_trials <= 1.0


def _grouped(rng: np.random.Generator, separation: float) -> ScoredImages:
    n_groups, per_group = 40, 3
    truth = np.repeat(np.arange(n_groups) % 2, per_group)
    groups = np.repeat(np.arange(n_groups), per_group)
    score = separation * truth + np.repeat(rng.normal(size=n_groups), per_group)
    score = score + 0.5 * rng.normal(size=len(truth))
    return ScoredImages.of(
        [("a", "b")[i] for i in truth],
        np.column_stack([-score, score]),
        ("a", "b"),
        groups=[f"g{i}" for i in groups],
    )
