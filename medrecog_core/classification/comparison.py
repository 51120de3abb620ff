"""Whether two cells differ on the images that both were tested on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.delong import delong_covariances
from medrecog_core.classification.intervals import n_deciding_units
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
DELONG = "DeLong's test"

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
        Whether it is not significantly different from the best; true for the best itself.
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
    return float(_mcnemar(np.array([n_only_one_right]), np.array([n_only_other_right]))[0])


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return p-values adjusted for their number (Holm, 1979), in their order."""
    # Four lines, where statsmodels would bring pandas, SciPy's statistics and 100 MB to the pages.
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(
        1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1, dtype=np.float64))
    )
    return adjusted


def compare(
    one: ScoredImages,
    other: ScoredImages,
    measure: str = "accuracy",
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two results on the same images.

    The p-value for accuracy without groups is McNemar's exact one, and that for the AUC of two
    classes without groups DeLong's, with the normal interval of its standard error. Elsewhere
    units (groups where there are groups) are drawn with replacement, the same for both results, and
    the difference is divided by its standard error over the resamples and held against Student's t
    with one degree of freedom fewer than units, counted as `estimate` counts them: in the rarest
    class for measures that need every class. Where the results differ in k units only (of the class
    that the measure is about), a p-value other than McNemar's is at least 2^(1-k), the least that a
    test on the signs of k differences can give.

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
        If the images differ, or the measure is not available for both.
    """
    pairs = _Pairs([one, other], measure, n_resamples, seed)
    return pairs.comparison(0)


def compare_with_best(
    results: Sequence[ScoredImages],
    measure: str = "accuracy",
    level: float = 0.05,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[Ranked]:
    """Find the best result and those not significantly different from it, after Holm's correction.

    The best is chosen by the same numbers that it is compared with, so the correction is for all
    pairs of results and not only for those with the best, which would tell results that do not
    differ from the best in more than 5 of 100 runs (`benchmarks/coverage.py`).

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
        If the images differ, or the measure is not available.
    """
    if not results:
        return []
    pairs = _Pairs(results, measure, n_resamples, seed)
    best = int(np.argmax(pairs.values))
    adjusted = holm(pairs.p_values)
    ranked = []
    for i, current in enumerate(pairs.values):
        if i == best:
            ranked.append(Ranked(float(current), 1.0, True, True, None))
            continue
        pair = pairs.position(best, i)
        p_value = float(adjusted[pair])
        comparison = pairs.comparison(pair, is_turned=i < best)
        ranked.append(Ranked(float(current), p_value, False, p_value > level, comparison))
    return ranked


def compare_with_reference(
    reference: ScoredImages,
    results: Sequence[ScoredImages],
    measure: str = "accuracy",
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
) -> list[tuple[Comparison, float]]:
    """Compare results with one that was not chosen among them.

    Parameters
    ----------
    reference, results
        Of the same images in the same order.
    measure
        One of `MEASURES`.
    n_resamples, seed
        Of the bootstrap.

    Returns
    -------
    list
        For each result its comparison with the reference, and the p-value after Holm's correction
        for all of them.

    Raises
    ------
    MedrecogError
        If the images differ, or the measure is not available.
    """
    pairs = _Pairs([reference, *results], measure, n_resamples, seed)
    found = [
        pairs.comparison(pairs.position(0, i), is_turned=True) for i, _ in enumerate(results, 1)
    ]
    adjusted = holm([comparison.p_value for comparison in found])
    return list(zip(found, map(float, adjusted), strict=True))


class _Pairs:
    """All pairs of results on the same images, each pair's first before its other."""

    def __init__(
        self, results: Sequence[ScoredImages], measure: str, n_resamples: int, seed: int
    ) -> None:
        for other in results[1:]:
            _check_same_images(results[0], other)
        self.values = np.array([value(images, measure) for images in results])
        if np.isnan(self.values).any():
            raise MedrecogError(
                f"The {measure.replace('_', ' ')} is not available for these test images. "
                "Choose another measure."
            )
        self._measure, self._images = measure, results[0]
        self._first, self._other = np.triu_indices(len(results), k=1)
        right = np.array([images.right for images in results]).astype(int)
        only = right @ (1 - right).T
        self._only_first = only[self._first, self._other]
        self._only_other = only[self._other, self._first]
        self._n_deciding = n_deciding_units(self._images, measure)
        self._differences = self.values[self._first] - self.values[self._other]
        if self._method == DELONG:
            self._errors = self._delong_errors(results)
        else:
            measured = [MeasuredResamples(images, measure) for images in results]
            n_units = self._images.n_units
            self._resampled = measure_on_resamples(measured, n_units, n_resamples, seed)
            self._errors = np.array([self._error(*pair) for pair in self._numbers()])
        self.p_values = self._compute_p_values(results)

    def position(self, one: int, other: int) -> int:
        """Return the position of the pair of two results."""
        least, greatest = sorted((one, other))
        here = np.flatnonzero((self._first == least) & (self._other == greatest))
        return int(here[0])

    def comparison(self, pair: int, is_turned: bool = False) -> Comparison:
        """Return the comparison of a pair, of its other with its first where it is turned."""
        from scipy.special import ndtri, stdtrit

        difference = float(self._differences[pair])
        half = 0.0
        if self._n_deciding > 1:
            end = (1 + LEVEL) / 2
            is_normal = self._method == DELONG
            width = float(ndtri(end) if is_normal else stdtrit(self._n_deciding - 1, end))
            half = width * float(self._errors[pair])
        low, high = max(difference - half, -1.0), min(difference + half, 1.0)
        if self._n_deciding < 2:
            low, high = -1.0, 1.0
        counts = int(self._only_first[pair]), int(self._only_other[pair])
        if is_turned:
            difference, low, high, counts = -difference, -high, -low, counts[::-1]
        return Comparison(
            *(self._measure, difference, low, high, float(self.p_values[pair]), self._method),
            *(*counts, self._images.n_images, self._images.n_units),
        )

    @property
    def _method(self) -> str:
        if self._images.is_grouped:
            return BOOTSTRAP
        if self._measure == "accuracy":
            return MCNEMAR
        has_two_sides = len(self._images.classes) == 2 and self._n_deciding > 1
        return DELONG if self._measure == "auc" and has_two_sides else BOOTSTRAP

    def _numbers(self) -> Iterator[tuple[int, int]]:
        yield from zip(self._first.tolist(), self._other.tolist(), strict=True)

    def _delong_errors(self, results: Sequence[ScoredImages]) -> np.ndarray:
        """Return the standard errors of the differences of all pairs."""
        scores = np.array([images.scores[:, 1] for images in results])
        covariances = delong_covariances(scores, self._images.truth == 1)
        variances = np.diag(covariances)
        of_pairs = variances[self._first] + variances[self._other]
        of_pairs -= 2 * covariances[self._first, self._other]
        # Equal results have a variance of rounding errors.
        errors: np.ndarray = np.sqrt(np.maximum(of_pairs, 0))
        return errors

    def _error(self, first: int, other: int) -> float:
        """Return the standard error of a difference."""
        differences = self._resampled[first] - self._resampled[other]
        told = differences[~np.isnan(differences)]
        n_units = self._n_deciding
        if n_units < 2 or not len(told):
            return 0.0
        # Resamples of n units vary by (n - 1) / n of what n new units would.
        return float(told.std() * np.sqrt(n_units / (n_units - 1)))

    def _compute_p_values(self, results: Sequence[ScoredImages]) -> np.ndarray:
        from scipy.special import ndtr, stdtr

        if self._method == MCNEMAR:
            return _mcnemar(self._only_first, self._only_other)
        n_units, distances = self._n_deciding, np.abs(self._differences)
        if n_units < 2:
            return np.ones(len(distances))
        steps = np.divide(
            distances,
            self._errors,
            out=np.where(distances < _ROUNDING, 0, np.inf),
            where=self._errors > _ROUNDING,
        )
        n_differ = [self._n_units_that_differ(results[i], results[j]) for i, j in self._numbers()]
        least = np.minimum(1, 2.0 ** (1 - np.array(n_differ)))
        tails = ndtr(-steps) if self._method == DELONG else stdtr(n_units - 1, -steps)
        p_values: np.ndarray = np.maximum(2 * tails, least)
        return p_values

    def _n_units_that_differ(self, one: ScoredImages, other: ScoredImages) -> int:
        match self._measure:
            case "auc":
                differ = (one.scores != other.scores).any(axis=1)
            case "macro_f1":
                differ = one.predicted != other.predicted
            case _:  # shares of right images, of all classes or of one
                differ = one.right != other.right
        if self._measure in ("sensitivity", "specificity"):
            is_positive = one.truth == one.positive_position
            differ &= is_positive if self._measure == "sensitivity" else ~is_positive
        return int(np.count_nonzero(np.bincount(one.units, differ)))


def _mcnemar(n_one: np.ndarray, n_other: np.ndarray) -> np.ndarray:
    from scipy.special import bdtr

    n_less = np.minimum(n_one, n_other)
    p_values: np.ndarray = np.minimum(1, 2 * bdtr(n_less, n_one + n_other, 0.5))
    return p_values


def _check_same_images(one: ScoredImages, other: ScoredImages) -> None:
    if (
        one.classes != other.classes
        or one.positive != other.positive
        or not np.array_equal(one.truth, other.truth)
        or not np.array_equal(one.units, other.units)
    ):
        raise MedrecogError(
            "The two results are of different test images. Compare cells of one run, or runs "
            "with the same split."
        )
