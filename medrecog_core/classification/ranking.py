"""The area under the ROC curve on many resamples of the same images at once."""

from dataclasses import dataclass

import numpy as np

# Cumulative sums are the quicker in a processor's cache.
_NUMBERS_AT_ONCE = 250_000


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
        size = max(1, _NUMBERS_AT_ONCE // len(self.order))
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
