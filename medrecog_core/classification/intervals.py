"""Measures with their intervals: how far the truth may be from what these test images say."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medrecog_core.bounds import KNOWN_ONLY, Count, Finite
from medrecog_core.classification.resampling import (
    MeasuredResamples,
    Resampled,
    measure_on_resamples,
    measures_of,
    value,
)
from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.errors import UsageError

N_RESAMPLES = 2_000
LEVEL = 0.95
METHODS = ("bca", "percentile")
WILSON = "wilson"

_PROPORTIONS = ("accuracy", "sensitivity", "specificity")
PRECISION, RECALL, F1 = "precision", "recall", "f1"


def wilson_interval(n_right: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a proportion (Wilson, 1927), as if the n were independent.

    Parameters
    ----------
    n_right
        How many of them succeeded.
    n
        How many there are, at least one.
    level
        Share of such intervals that hold the truth.
    """
    # Not SciPy's `binomtest`: scipy.stats takes 50 MB and a second, and the pages need this.
    from scipy.special import ndtri

    z = float(ndtri((1 + level) / 2))
    share = n_right / n
    middle = share + z**2 / (2 * n)
    half = z * math.sqrt((share * (1 - share) + z**2 / (4 * n)) / n)
    low, high = (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
    return (low if n_right else 0.0), (high if n_right < n else 1.0)


@dataclass(frozen=True)
class Estimate:
    """A measure, its interval and what it was computed from.

    Attributes
    ----------
    measure
        Its name, one of `MEASURES`.
    value, low, high
        The measure, and the ends of its interval.
    method
        `bca`, `percentile` or `wilson`.
    n_images, n_units
        Images that the measure is computed from (those of the class for sensitivity and
        specificity), and groups among them, images without one counting as one each.
    """

    __pydantic_config__ = KNOWN_ONLY

    measure: str
    value: Finite
    low: Finite
    high: Finite
    method: str
    n_images: Count
    n_units: Count


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
        Names; None for all that are available.
    method
        `bca` or `percentile`.
    n_resamples, seed
        Of the bootstrap.
    level
        Share of such intervals that hold the truth.

    Returns
    -------
    dict
        From name to estimate, without the measures that are not available.

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

    The parameters are those of `estimate`; every measure must be available.

    Raises
    ------
    UsageError
        If there is no such measure or method.
    """
    if method not in METHODS:
        raise UsageError(f"Unknown interval “{method}”. Available: {', '.join(METHODS)}.")
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
        Its values on resamples, NaN where it is not available.
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
    """Return how many images and units a measure is computed from."""
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


@dataclass(frozen=True)
class ClassEstimates:
    """One class's part of a result.

    Attributes
    ----------
    label
        The class.
    precision
        Share of the images predicted as the class that are of it; None where there is none.
    recall
        Share of the class's images that were found; None where it has no image.
    f1
        Harmonic mean of the two; None where the class is neither true nor predicted of any image.
    n_images, n_units
        Test images of the class, and groups among them, images without one counting as one each.
    """

    label: str
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    n_images: int
    n_units: int


def estimate_classes(
    images: ScoredImages, n_resamples: int = N_RESAMPLES, seed: int = 0, level: float = LEVEL
) -> list[ClassEstimates]:
    """Return every class's precision, recall and F1 with their intervals.

    Precision and recall of independent images have Wilson's interval, given how many were
    predicted as the class or are of it; the rest have BCa intervals over groups, as in `estimate`.

    Parameters
    ----------
    images
        The result.
    n_resamples, seed
        Of the bootstrap.
    level
        Share of such intervals that hold the truth.
    """
    shares = [
        _ClassShare(images, position, name)
        for position in range(len(images.classes))
        for name in (PRECISION, RECALL, F1)
    ]
    told = [share for share in shares if share.n_images]
    drawn = [share for share in told if share.name == F1 or images.is_grouped]
    resampled = measure_on_resamples(drawn, images.n_units, n_resamples, seed)
    found = {(share.position, share.name): share.wilson(level) for share in told}
    for share, values in zip(drawn, resampled, strict=True):
        found[share.position, share.name] = share.bootstrap(values, level)
    estimates = []
    for position, label in enumerate(images.classes):
        is_member = images.truth == position
        estimates.append(
            ClassEstimates(
                label,
                precision=found.get((position, PRECISION)),
                recall=found.get((position, RECALL)),
                f1=found.get((position, F1)),
                n_images=int(is_member.sum()),
                n_units=len(np.unique(images.units[is_member])),
            )
        )
    return estimates


class _ClassShare:
    """One of the three measures of one class, as a share that can be taken on resamples."""

    def __init__(self, images: ScoredImages, position: int, name: str) -> None:
        self.position, self.name = position, name
        is_true, is_predicted = images.truth == position, images.predicted == position
        hits = (is_true & is_predicted).astype(float)
        part, whole = {
            PRECISION: (hits, is_predicted.astype(float)),
            RECALL: (hits, is_true.astype(float)),
            F1: (2 * hits, is_true.astype(float) + is_predicted),
        }[name]
        self.n_images = int(np.count_nonzero(whole))
        self._units = images.units[whole > 0]
        self._sums = np.column_stack(
            [np.bincount(images.units, side, images.n_units) for side in (part, whole)]
        )
        self._total = self._sums.sum(axis=0)

    @property
    def value(self) -> float:
        return float(_share(self._total))

    @property
    def n_units(self) -> int:
        return len(np.unique(self._units))

    def of(self, multiplicities: np.ndarray) -> np.ndarray:
        return _share(multiplicities @ self._sums)

    def without_each_unit(self) -> np.ndarray:
        return _share(self._total - self._sums)

    def wilson(self, level: float) -> Estimate:
        low, high = wilson_interval(round(self.value * self.n_images), self.n_images, level)
        return Estimate(self.name, self.value, low, high, WILSON, self.n_images, self.n_units)

    def bootstrap(self, resampled: np.ndarray, level: float) -> Estimate:
        interval = resampled_interval(self, resampled, self.value, self.n_units, level=level)
        return Estimate(self.name, self.value, *interval, self.n_images, self.n_units)


def _share(sums: np.ndarray) -> np.ndarray:
    nothing = np.full(sums.shape[:-1], np.nan)
    shares: np.ndarray = np.divide(sums[..., 0], sums[..., 1], out=nothing, where=sums[..., 1] > 0)
    return shares
