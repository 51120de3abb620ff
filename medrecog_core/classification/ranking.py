"""The area under the ROC curve for many weightings of the same images at once."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ranking:
    """Images in the order of their scores, for one class against the rest.

    The area is the chance that an image of the class scores higher than one of the rest, a tie
    counting half (Hanley and McNeil, 1982, Radiology 143:29-36).

    Attributes
    ----------
    order
        int, shape (n,): images from the smallest score to the greatest.
    first_of_tie
        int, shape (n_distinct,): where each distinct score begins in that order.
    is_member
        bool, shape (n,): whether each image is of the class, as the images are given.
    """

    order: np.ndarray
    first_of_tie: np.ndarray
    is_member: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray, is_member: np.ndarray) -> "Ranking":
        """Rank n images by their scores of a class, shape (n,)."""
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        is_first = np.append(True, ranked[1:] != ranked[:-1])
        return cls(order, np.flatnonzero(is_first), is_member)

    def areas(self, weights: np.ndarray) -> np.ndarray:
        """Return the area for each weighting.

        Parameters
        ----------
        weights
            Shape (b, n): how many times each image counts.

        Returns
        -------
        numpy.ndarray
            Shape (b,); NaN where the class or the rest has no weight.
        """
        members, others = self._ranked(weights)
        below = np.cumsum(others, axis=1) - others
        pairs = members.sum(axis=1) * others.sum(axis=1)
        won = ((below + others / 2) * members).sum(axis=1)
        areas: np.ndarray = np.divide(won, pairs, out=np.full(len(won), np.nan), where=pairs > 0)
        return areas

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
        members, others = self._ranked(np.ones((1, len(self.order))))
        below = np.cumsum(others, axis=1) - others + others / 2
        above = members.sum() - np.cumsum(members, axis=1) + members / 2
        tie = np.zeros(len(self.order), dtype=int)
        tie[self.first_of_tie[1:]] = 1
        tie = np.cumsum(tie)
        won = np.empty(len(self.order))
        won[self.order] = np.where(self.is_member[self.order], below[0, tie], above[0, tie])
        n_units = int(units.max()) + 1
        lost = np.bincount(units, won, n_units)
        n_members = np.bincount(units, self.is_member, n_units)
        n_others = np.bincount(units, ~self.is_member, n_units)
        rank = np.empty(len(self.order), dtype=int)
        rank[self.order] = tie
        for unit in np.flatnonzero((n_members > 0) & (n_others > 0)):
            # Pairs within the unit were taken away twice, once from each side.
            inside = units == unit
            mine, rest = rank[inside & self.is_member], rank[inside & ~self.is_member]
            difference = mine[:, None] - rest
            lost[unit] -= (difference > 0).sum() + (difference == 0).sum() / 2
        total = won[self.is_member].sum()
        pairs = (n_members.sum() - n_members) * (n_others.sum() - n_others)
        areas: np.ndarray = np.divide(
            total - lost, pairs, out=np.full(n_units, np.nan), where=pairs > 0
        )
        return areas

    def _ranked(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights of members and others, summed over ties, (b, n_distinct) each."""
        ranked = weights[:, self.order]
        is_member = self.is_member[self.order]
        members, others = ranked * is_member, ranked * ~is_member
        if len(self.first_of_tie) == len(self.order):
            return members, others
        return (
            np.add.reduceat(members, self.first_of_tie, axis=1),
            np.add.reduceat(others, self.first_of_tie, axis=1),
        )
