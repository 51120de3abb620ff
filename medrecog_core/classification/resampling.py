"""Measures of a result on thousands of resamples of its test images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medrecog_core.classification import confusion
from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.errors import UsageError

# Cumulative sums are the quicker in a processor's cache.
_RANKED_AT_ONCE = 250_000
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "auc", "sensitivity", "specificity")
"""Names of the measures, as in `Metrics`."""

_NUMBERS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Ranking:
    """Images in the order of their scores, for one class against the rest.

    The area is the chance that an image of the class scores higher than one of the rest, a tie
    counting half (Hanley and McNeil, 1982, Radiology 143:29-36).

    Attributes
    ----------
    order
        int, shape (n,): images from the smallest score to the greatest.
    first, end
        int, shape (n,): where in that order the scores equal to each begin, and where they end.
    is_member
        bool, shape (n,): whether each image is of the class, in that order.
    """

    order: np.ndarray
    first: np.ndarray
    end: np.ndarray
    is_member: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, is_member: np.ndarray) -> "Ranking":
        """Rank n images by their scores of a class, shape (n,)."""
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        first = np.searchsorted(ranked, ranked, side="left")
        end = np.searchsorted(ranked, ranked, side="right")
        return cls(order, first, end, is_member[order])

    def areas(self, multiplicities: np.ndarray, units: np.ndarray) -> np.ndarray:
        """Return the area on each resample.

        Parameters
        ----------
        multiplicities
            Shape (b, n_units): how many times each unit counts.
        units
            int, shape (n,): the unit of each image, from 0.

        Returns
        -------
        numpy.ndarray
            Shape (b,); NaN where the class or the rest does not count.
        """
        size = max(1, _RANKED_AT_ONCE // len(self.order))
        ranked_units = units[self.order]
        parts = [
            self._areas(multiplicities[first : first + size, ranked_units])
            for first in range(0, len(multiplicities), size)
        ]
        return np.concatenate(parts)

    def areas_without_each(self, units: np.ndarray) -> np.ndarray:
        """Return the area when each unit in turn is left out.

        Parameters
        ----------
        units
            int, shape (n,), from 0.

        Returns
        -------
        numpy.ndarray
            Shape (n_units,); NaN where nothing of the class or the rest is left.
        """
        ranked_units = units[self.order]
        n_units = int(units.max()) + 1
        n_members = np.bincount(ranked_units, self.is_member, n_units)
        n_others = np.bincount(ranked_units, ~self.is_member, n_units)
        members, others = (
            np.append(0, np.cumsum(side)) for side in (self.is_member, ~self.is_member)
        )
        below = (others[self.first] + others[self.end]) / 2
        above = members[-1] - (members[self.first] + members[self.end]) / 2
        lost = np.bincount(ranked_units, np.where(self.is_member, below, above), n_units)
        # Pairs within a unit were taken away twice, once from each side.
        mixed = np.flatnonzero(((n_members > 0) & (n_others > 0))[ranked_units])
        mixed = mixed[np.argsort(ranked_units[mixed], kind="stable")]
        starts = np.flatnonzero(np.diff(ranked_units[mixed], prepend=-1))
        for inside in np.split(mixed, starts[1:]) if len(mixed) else ():
            of_class = self.is_member[inside]
            difference = self.first[inside[of_class]][:, None] - self.first[inside[~of_class]]
            within = (difference > 0).sum() + (difference == 0).sum() / 2
            lost[ranked_units[inside[0]]] -= within
        pairs = (n_members.sum() - n_members) * (n_others.sum() - n_others)
        areas: np.ndarray = np.divide(
            below[self.is_member].sum() - lost, pairs, out=np.full(n_units, np.nan), where=pairs > 0
        )
        return areas

    def _areas(self, weights: np.ndarray) -> np.ndarray:
        """Return the area for each row of weights, shape (b, n), in the order of the ranking."""
        places = np.flatnonzero(self.is_member)
        # Sums up to an end of a tie, over all images and over those of the class.
        everything = _running_sums(weights)
        members = weights[:, places]
        of_class = _running_sums(members)
        n_before = np.append(0, np.cumsum(self.is_member))
        first, end = self.first[places], self.end[places]
        below = everything[:, first] + everything[:, end]
        below -= of_class[:, n_before[first]] + of_class[:, n_before[end]]
        won = np.einsum("ij,ij->i", members, below) / 2
        total = of_class[:, -1]
        pairs = total * (everything[:, -1] - total)
        areas: np.ndarray = np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)
        return areas


def _running_sums(weights: np.ndarray) -> np.ndarray:
    """Return the sums of the first 0, 1, ..., n columns, shape (b, n + 1)."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    np.cumsum(weights, axis=1, out=sums[:, 1:])
    return sums


class Resampled(Protocol):
    """A measure of one result that can be taken on resamples of its units."""

    def of(self, multiplicities: np.ndarray) -> np.ndarray:
        """Return the measure of each resample, NaN where it is not available, shape (b,).

        Parameters
        ----------
        multiplicities
            Shape (b, n_units): how many times each unit was drawn.
        """

    def without_each_unit(self) -> np.ndarray:
        """Return the measure when each unit in turn is left out, shape (n_units,)."""


def measures_of(images: ScoredImages) -> tuple[str, ...]:
    """Return the measures that are available: AUC needs every class, the last two two classes."""
    told = [name for name in MEASURES if not np.isnan(value(images, name))]
    return tuple(told)


def value(images: ScoredImages, measure: str) -> float:
    """Return one measure of a result, NaN where it is not available."""
    return float(MeasuredResamples(images, measure).of(np.ones((1, images.n_units)))[0])


def measure_on_resamples(
    measured: Sequence[Resampled], n_units: int, n_resamples: int, seed: int
) -> np.ndarray:
    """Take measures, of one result or of several on the same units, on the same resamples.

    Parameters
    ----------
    measured
        The measures.
    n_units, n_resamples, seed
        As for `resamples`.

    Returns
    -------
    numpy.ndarray
        float64, shape (n_measured, n_resamples); NaN where a measure is not available.
    """
    values = [
        [one.of(multiplicities) for one in measured]
        for multiplicities in resamples(n_units, n_resamples, seed)
    ]
    return np.concatenate(values, axis=1)


def resamples(n_units: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Draw units with replacement, as many as there are (Efron, 1979).

    Parameters
    ----------
    n_units
        What was sampled independently.
    n_resamples
        How many times.
    seed
        The same seed and number give the same resamples, so that results on the same images are
        compared on the same resamples.

    Yields
    ------
    numpy.ndarray
        float64, shape (b, n_units): how many times each unit was drawn. All together have
        `n_resamples` rows.
    """
    rng = np.random.default_rng(seed)
    size = max(1, _NUMBERS_AT_ONCE // n_units)
    for first in range(0, n_resamples, size):
        n = min(size, n_resamples - first)
        drawn = rng.integers(n_units, size=(n, n_units))
        drawn += np.arange(n)[:, None] * n_units
        counts = np.bincount(drawn.ravel(), minlength=n * n_units)
        yield counts.reshape(n, n_units).astype(np.float64)


class MeasuredResamples:
    """One measure of one result, ready to be taken on resamples of its units.

    Raises
    ------
    UsageError
        If there is no such measure.
    """

    def __init__(self, images: ScoredImages, measure: str) -> None:
        if measure not in MEASURES:
            raise UsageError(f"Unknown measure “{measure}”. Available: {', '.join(MEASURES)}.")
        self._images, self._measure = images, measure
        self._rankings: list[Ranking] = []
        n_classes = len(images.classes)
        if measure == "auc":
            columns = range(1, 2) if n_classes == 2 else range(n_classes)
            self._rankings = [Ranking.of(images.scores[:, i], images.truth == i) for i in columns]
        else:
            self._confusions = images.unit_confusions.reshape(images.n_units, -1).astype(float)

    def of(self, multiplicities: np.ndarray) -> np.ndarray:
        """Return the measure of each resample.

        Parameters
        ----------
        multiplicities
            Shape (b, n_units): how many times each unit was drawn.

        Returns
        -------
        numpy.ndarray
            Shape (b,); NaN where the measure is not available.
        """
        if self._measure == "auc":
            units = self._images.units
            return self._mean([ranking.areas(multiplicities, units) for ranking in self._rankings])
        return self._of_confusions(multiplicities @ self._confusions)

    def without_each_unit(self) -> np.ndarray:
        """Return the measure when each unit in turn is left out, shape (n_units,)."""
        if self._measure == "auc":
            units = self._images.units
            return self._mean([r.areas_without_each(units) for r in self._rankings])
        return self._of_confusions(self._confusions.sum(axis=0) - self._confusions)

    def _of_confusions(self, flat: np.ndarray) -> np.ndarray:
        n_classes = len(self._images.classes)
        counts = flat.reshape(-1, n_classes, n_classes)
        positive = self._images.positive_position
        match self._measure:
            case "accuracy":
                return confusion.accuracy(counts)
            case "balanced_accuracy":
                return confusion.balanced_accuracy(counts)
            case "macro_f1":
                return confusion.macro_f1(counts)
        if positive is None:
            return np.full(len(counts), np.nan)
        if self._measure == "sensitivity":
            return confusion.sensitivity(counts, positive)
        return confusion.specificity(counts, positive)

    @staticmethod
    def _mean(areas: Sequence[np.ndarray]) -> np.ndarray:
        mean: np.ndarray = np.mean(areas, axis=0)
        return mean
