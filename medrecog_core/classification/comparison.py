"""Whether two cells differ on the images that both were tested on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.resampling import (
    MeasuredResamples,
    measure_on_resamples,
    value,
)
from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.errors import MedrecogError

N_RESAMPLES = 2_000
LEVEL = 0.95
MCNEMAR = "exact McNemar test"
BOOTSTRAP = "paired bootstrap"

_ROUNDING = 1e-12


@dataclass(frozen=True)
class Comparison:
    """One result against another on the same images.

    Attributes
    ----------
    measure
        Which measure is compared.
    difference, low, high
        The other's measure taken from the one's, and its 95 % interval by paired bootstrap.
    p_value
        Two-sided, of the hypothesis that the two do not differ.
    method
        Where the p-value comes from.
    n_only_one_right, n_only_other_right
        Images that just one of the two got right.
    n_images, n_units
        Test images, and what was sampled independently among them.
    """

    measure: str
    difference: float
    low: float
    high: float
    p_value: float
    method: str
    n_only_one_right: int
    n_only_other_right: int
    n_images: int
    n_units: int


@dataclass(frozen=True)
class Ranked:
    """A cell's place beside the best.

    Attributes
    ----------
    value
        The measure.
    adjusted_p_value
        Of the comparison with the best, after Holm's correction; 1 for the best itself.
    is_best
        Whether it is the best; of equals the first.
    is_indistinguishable
        Whether it cannot be told from the best at the level asked for; true for the best.
    comparison
        With the best, None for the best itself.
    """

    value: float
    adjusted_p_value: float
    is_best: bool
    is_indistinguishable: bool
    comparison: Comparison | None


def mcnemar_p_value(n_only_one_right: int, n_only_other_right: int) -> float:
    """Return the exact two-sided p-value of McNemar's test (McNemar, 1947).

    Of the images that just one got right, each is the one's or the other's with even chance if the
    two do not differ; images of one group are no independent such chances.
    """
    from scipy.stats import binomtest

    n = n_only_one_right + n_only_other_right
    return float(binomtest(n_only_one_right, n).pvalue) if n else 1.0


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Return p-values adjusted for their number (Holm, 1979), in their order."""
    from statsmodels.stats.multitest import multipletests

    if not len(p_values):
        return np.zeros(0)
    adjusted: np.ndarray = multipletests(p_values, method="holm")[1]
    return adjusted


def compare(
    one: ScoredImages,
    other: ScoredImages,
    measure: str = "accuracy",
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two results on the same images.

    The p-value for accuracy without groups is McNemar's exact one. Elsewhere units (groups where
    there are groups) are drawn with replacement, the same for both results, and the difference is
    divided by its standard error over the resamples and held against Student's t with one degree
    of freedom fewer than units; where the results differ in k units only, it is at least 2^(1-k),
    the least that a test on the signs of k differences can give.

    Parameters
    ----------
    one, other
        Of the same images in the same order.
    measure
        One of `MEASURES`.
    n_resamples, seed
        Of the bootstrap.

    Raises
    ------
    MedrecogError
        If the images differ, or the measure cannot be told for both.
    """
    (comparison,) = _compare_first(one, [other], measure, n_resamples, seed)
    return comparison


def compare_with_best(
    results: Sequence[ScoredImages],
    measure: str = "accuracy",
    level: float = 0.05,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[Ranked]:
    """Find the best result and those that cannot be told from it, after Holm's correction.

    The best was chosen by the same numbers that it is compared with, so it looks a little better
    than it is, and the marks err on the side of telling results apart.

    Parameters
    ----------
    results
        Of the same images in the same order, one for each cell.
    measure
        One of `MEASURES`.
    level
        Of the corrected tests.
    n_resamples, seed
        Of the bootstrap.

    Returns
    -------
    list
        One for each result, in the same order.

    Raises
    ------
    MedrecogError
        If the images differ, or the measure cannot be told.
    """
    if not results:
        return []
    values = [value(images, measure) for images in results]
    best = int(np.nanargmax(values)) if not np.isnan(values).all() else 0
    others = [i for i in range(len(results)) if i != best]
    found = _compare_first(results[best], [results[i] for i in others], measure, n_resamples, seed)
    comparisons = dict(zip(others, found, strict=True))
    adjusted = dict(zip(others, holm([c.p_value for c in comparisons.values()]), strict=True))
    return [
        Ranked(
            values[i],
            float(adjusted.get(i, 1.0)),
            i == best,
            float(adjusted.get(i, 1.0)) > level,
            comparisons.get(i),
        )
        for i in range(len(results))
    ]


def _compare_first(
    one: ScoredImages, others: Sequence[ScoredImages], measure: str, n_resamples: int, seed: int
) -> list[Comparison]:
    for other in others:
        _check_same_images(one, other)
    results = [one, *others]
    values = [value(images, measure) for images in results]
    if np.isnan(values).any():
        raise MedrecogError(
            f"The {measure.replace('_', ' ')} of these test images cannot be told: choose "
            "another measure."
        )
    measured = [MeasuredResamples(images, measure) for images in results]
    resampled = measure_on_resamples(measured, one.n_units, n_resamples, seed)
    return [
        _compare_two(measure, one, other, values[0] - values[i], resampled[0] - resampled[i])
        for i, other in enumerate(others, start=1)
    ]


def _compare_two(
    measure: str,
    one: ScoredImages,
    other: ScoredImages,
    difference: float,
    resampled: np.ndarray,
) -> Comparison:
    low, high, p_value = _student(resampled, difference, one.n_units)
    n_one = int((one.right & ~other.right).sum())
    n_other = int((other.right & ~one.right).sum())
    method = BOOTSTRAP
    if measure == "accuracy" and not one.is_grouped:
        method, p_value = MCNEMAR, mcnemar_p_value(n_one, n_other)
    else:
        p_value = max(p_value, min(1.0, 2.0 ** (1 - _n_units_that_differ(measure, one, other))))
    return Comparison(
        *(measure, difference, low, high, p_value, method),
        *(n_one, n_other, one.n_images, one.n_units),
    )


def _student(resampled: np.ndarray, difference: float, n_units: int) -> tuple[float, float, float]:
    """Return the interval's ends and the p-value of a difference."""
    from scipy.stats import t

    told = resampled[~np.isnan(resampled)]
    if n_units < 2 or not len(told):
        return -1.0, 1.0, 1.0
    # Resamples of n units vary by (n - 1) / n of what n new units would.
    error = float(told.std()) * np.sqrt(n_units / (n_units - 1))
    if error < _ROUNDING:
        return difference, difference, float(abs(difference) < _ROUNDING)
    half = t.ppf((1 + LEVEL) / 2, n_units - 1) * error
    p_value = 2 * t.sf(abs(difference) / error, n_units - 1)
    return float(difference - half), float(difference + half), float(p_value)


def _n_units_that_differ(measure: str, one: ScoredImages, other: ScoredImages) -> int:
    if measure == "auc":
        differ = np.unique(one.units[(one.scores != other.scores).any(axis=1)])
        return len(differ)
    return int((one.unit_confusions != other.unit_confusions).any(axis=(1, 2)).sum())


def _check_same_images(one: ScoredImages, other: ScoredImages) -> None:
    if (
        one.classes != other.classes
        or one.positive != other.positive
        or not np.array_equal(one.truth, other.truth)
        or not np.array_equal(one.units, other.units)
    ):
        raise MedrecogError(
            "The two results are not of the same test images: compare cells of one run, or runs "
            "with one split."
        )
