"""Measures with their intervals: how far the truth may be from what these test images say."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.resampling import (
    MeasuredResamples,
    Resampled,
    measure_on_resamples,
    measures_of,
    value,
)
from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.classification.wilson import wilson_interval
from medrecog_core.errors import UsageError

N_RESAMPLES = 2_000
LEVEL = 0.95
METHODS = ("bca", "percentile")
WILSON = "wilson"

_PROPORTIONS = ("accuracy", "sensitivity", "specificity")


@dataclass(frozen=True)
class Estimate:
    """A measure, its interval and what it was told from.

    Attributes
    ----------
    measure
        Its name, one of `MEASURES`.
    value, low, high
        The measure, and the ends of its interval.
    method
        `bca`, `percentile` or `wilson`.
    n_images, n_units
        Images that the measure is told from (those of the class for sensitivity and specificity),
        and groups among them, images without one counting as one each.
    """

    measure: str
    value: float
    low: float
    high: float
    method: str
    n_images: int
    n_units: int


def estimate(
    images: ScoredImages,
    measures: Iterable[str] | None = None,
    method: str = "bca",
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Estimate]:
    """Return measures with their intervals.

    Proportions of independent images (accuracy, sensitivity and specificity without groups) have
    Wilson's interval. For the rest, units (groups where there are groups) are drawn with
    replacement, and the interval is taken from the resamples' quantiles: `bca`, corrected for bias
    and acceleration (Efron, 1987), or `percentile`. Both are widened to Student's t for the number
    of units (Hesterberg, 2015, The American Statistician 69:371-386, section 4.2), counted in the
    rarest class for measures that need every class. `bca` covers the nearer to 95 % with few
    groups (`benchmarks/coverage.py`).

    Where every resample says the same, as with no mistake at all, the interval is Wilson's for so
    many units, which is on the wide side.

    Parameters
    ----------
    images
        The result.
    measures
        Names; None for all that can be told.
    method
        `bca` or `percentile`.
    n_resamples, seed
        Of the bootstrap.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    dict
        From name to estimate, without the measures that cannot be told.

    Raises
    ------
    UsageError
        If there is no such measure or method.
    """
    told = measures_of(images)
    names = list(told) if measures is None else [name for name in measures if _exists(images, name)]
    proportions = [name for name in names if name in _PROPORTIONS and not images.is_grouped]
    others = [name for name in names if name not in proportions]
    found = {name: _wilson(images, name, level) for name in proportions}
    found |= bootstrap(images, others, method, n_resamples, seed, level)
    return {name: found[name] for name in names}


def bootstrap(
    images: ScoredImages,
    measures: Iterable[str],
    method: str = "bca",
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> dict[str, Estimate]:
    """Return measures with bootstrap intervals, also where `estimate` has Wilson's.

    The parameters are those of `estimate`; every measure must be one that can be told.

    Raises
    ------
    UsageError
        If there is no such measure or method.
    """
    if method not in METHODS:
        raise UsageError(f"There is no interval “{method}”: choose among {', '.join(METHODS)}.")
    measured = {name: MeasuredResamples(images, name) for name in measures}
    if not measured:
        return {}
    resampled = measure_on_resamples(list(measured.values()), images.n_units, n_resamples, seed)
    estimates = {}
    for (name, one), values in zip(measured.items(), resampled, strict=True):
        current = value(images, name)
        n_units = n_deciding_units(images, name)
        interval = resampled_interval(one, values, current, n_units, method, level)
        estimates[name] = Estimate(name, current, *interval, *_counts(images, name))
    return estimates


def resampled_interval(
    measured: Resampled,
    resampled: np.ndarray,
    current: float,
    n_units: int,
    method: str = "bca",
    level: float = LEVEL,
) -> tuple[float, float, str]:
    """Return the ends of a measure's interval and where they come from; see `estimate`.

    Parameters
    ----------
    measured
        The measure.
    resampled
        Its values on resamples, NaN where it cannot be told.
    current
        Its value on the images as they are.
    n_units
        Units that decide it, for which Student's t is taken.
    method, level
        As for `estimate`.
    """
    known = resampled[~np.isnan(resampled)]
    if n_units < 2 or not known.size or np.ptp(known) == 0:
        low, high = wilson_interval(round(current * n_units), n_units, level)
        used = WILSON
    else:
        left_out = measured.without_each_unit() if method == "bca" else None
        low, high = _quantiles(known, current, left_out, n_units, level)
        used = method
    return min(low, current), max(high, current), used


def _exists(images: ScoredImages, name: str) -> bool:
    return not np.isnan(value(images, name))


def _wilson(images: ScoredImages, name: str, level: float) -> Estimate:
    current = value(images, name)
    n_images, n_units = _counts(images, name)
    low, high = wilson_interval(round(current * n_images), n_images, level)
    return Estimate(name, current, low, high, WILSON, n_images, n_units)


def _quantiles(
    resampled: np.ndarray,
    current: float,
    left_out: np.ndarray | None,
    n_units: int,
    level: float,
) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri, stdtrit

    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    normal = np.sqrt(n_units / (n_units - 1)) * stdtrit(n_units - 1, tails)
    if left_out is not None:
        # Equal values count half: measures of counts have many of them.
        below = np.mean(resampled < current) + np.mean(resampled == current) / 2
        bias = ndtri(np.clip(below, 1 / len(resampled), 1 - 1 / len(resampled)))
        shifted = bias + normal
        # A value near an end with few units would turn the correction round.
        normal = bias + shifted / np.maximum(1 - _acceleration(left_out) * shifted, 0.1)
    low, high = np.quantile(resampled, ndtr(normal))
    return float(low), float(high)


def _acceleration(left_out: np.ndarray) -> float:
    known = left_out[~np.isnan(left_out)]
    differences = known.mean() - known if len(known) else np.zeros(1)
    squares = (differences**2).sum()
    return float((differences**3).sum() / (6 * squares**1.5)) if squares > 0 else 0.0


def _counts(images: ScoredImages, name: str) -> tuple[int, int]:
    """Return how many images and units a measure is told from."""
    told_from = _told_from(images, name)
    return int(told_from.sum()), len(np.unique(images.units[told_from]))


def n_deciding_units(images: ScoredImages, name: str) -> int:
    """Return how many units decide a measure: of the rarest class where it needs every class."""
    if name in _PROPORTIONS:
        return _counts(images, name)[1]
    classes = np.unique(images.truth)
    return min(len(np.unique(images.units[images.truth == i])) for i in classes)


def _told_from(images: ScoredImages, name: str) -> np.ndarray:
    everything = np.ones(images.n_images, dtype=bool)
    position = images.positive_position
    if position is None or name not in ("sensitivity", "specificity"):
        return everything
    of_positive: np.ndarray = images.truth == position
    return of_positive if name == "sensitivity" else ~of_positive
