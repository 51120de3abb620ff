"""Classification by the k nearest training images.

Distance is the cosine distance of normalised descriptors. Each neighbour votes for its class with
its cosine similarity, 0 where that is negative, so that nearer ones count more and few votes are
equal; a score is a class's share of the votes. Nothing depends on the order of the training images:
those that are equally far share the votes that are left for them, and of classes with equal shares
the first by name is predicted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.classifier import (
    Classifier,
    HyperParameter,
    TrainedClassifier,
    TrainingOptions,
    check_training_part,
)
from medrecog_core.classification.normalisation import FittedNormalisation, l2_normalise
from medrecog_core.errors import UsageError

_ROWS_AT_ONCE = 256
_BYTES_A_NUMBER = 4
# Of cosine similarities, and of shares: products of matrices round otherwise in another order.
_EQUALLY_FAR = 1e-10
_DECIMALS = 9


@dataclass(frozen=True)
class KeptNeighbours:
    """Training images with their normalised descriptors.

    Attributes
    ----------
    classes
        Sorted labels.
    normalisation
        Of descriptors as they come from the network.
    rows
        float32, shape (n_train, channels): normalised descriptors of length 1, or 0.
    positions
        int, shape (n_train,): the class of each, as its position in `classes`.
    k
        How many neighbours vote, at most n_train.
    vote_weights
        float64, shape (n_classes,): what a vote for each class counts.
    """

    classes: tuple[str, ...]
    normalisation: FittedNormalisation
    rows: np.ndarray
    positions: np.ndarray
    k: int
    vote_weights: np.ndarray

    def scores(self, descriptors: np.ndarray) -> np.ndarray:
        """Return each class's share of the votes, from 0 to 1, shape (n, n_classes)."""
        return self.scores_of_each([self.k], descriptors)[0]

    def scores_of_each(self, ks: Sequence[int], descriptors: np.ndarray) -> list[np.ndarray]:
        """Return the scores for each number of neighbours, distances being computed once."""
        tested = l2_normalise(self.normalisation.apply(descriptors))
        train = self.rows.astype(np.float64).T
        votes = np.eye(len(self.classes))[self.positions] * self.vote_weights
        shares = [np.empty((len(tested), len(self.classes))) for _ in ks]
        for first in range(0, len(tested), _ROWS_AT_ONCE):
            part = slice(first, first + _ROWS_AT_ONCE)
            similarities = tested[part] @ train
            # Ascending: the k-th greatest stands k from the end.
            at = sorted({len(self.rows) - k for k in ks})
            ordered = np.partition(similarities, at, axis=1)
            for k, found in zip(ks, shares, strict=True):
                bound = ordered[:, [len(self.rows) - k]]
                found[part] = _shares(similarities, bound, k, votes)
        return shares

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers, those of the normalisation among them."""
        return {
            "rows": self.rows,
            "positions": self.positions,
            "k": np.array(self.k),
            "vote_weights": self.vote_weights,
            **self.normalisation.to_arrays(),
        }


class NearestNeighbours(Classifier):
    """The k nearest training images vote."""

    name = "knn"
    title = "k-nearest neighbours"
    description = "cosine distance, votes weighted by similarity"
    parameter = HyperParameter(
        "k",
        5,
        (1, 5, 15),
        "How many of the most similar training images vote: the more, the smoother the boundary.",
        is_whole=True,
    )
    is_linear = False
    about_scores = (
        "A score is the share of the votes of the most similar training images, weighted by "
        "similarity, from 0 to 1. It is not a calibrated probability."
    )

    def train_path(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> Sequence[KeptNeighbours]:
        """Keep the training images, once for all k."""
        options.check()
        classes = check_training_part(self.title, descriptors, labels)
        ks = [int(value) for value in values]
        if max(ks) > len(labels):
            raise UsageError(
                f"k = {max(ks)} is more than the {len(labels)} images of a training part. Choose a "
                "smaller k."
            )
        fitted = options.normalisation.fit(descriptors)
        rows = l2_normalise(fitted.apply(descriptors)).astype(np.float32)
        positions = np.searchsorted(np.array(classes), np.asarray(labels)).astype(np.int32)
        weights = np.ones(len(classes))
        if options.class_weight == "balanced":
            weights = len(labels) / (len(classes) * np.bincount(positions))
        return [KeptNeighbours(classes, fitted, rows, positions, k, weights) for k in ks]

    def score_path(
        self, trained: Sequence[TrainedClassifier], descriptors: np.ndarray
    ) -> Sequence[np.ndarray]:
        """Return the scores for each k, distances being computed once."""
        kept = [each for each in trained if isinstance(each, KeptNeighbours)]
        return kept[0].scores_of_each([each.k for each in kept], descriptors)

    def bytes_kept(self, n_images: int, length: int) -> int:
        """Return the bytes of the training images' descriptors."""
        return _BYTES_A_NUMBER * n_images * length

    def read(
        self,
        classes: tuple[str, ...],
        normalisation: FittedNormalisation,
        length: int,
        arrays: Mapping[str, np.ndarray],
    ) -> KeptNeighbours:
        """Return the neighbours whose `to_arrays` gave some arrays."""
        rows, positions, weights = arrays["rows"], arrays["positions"], arrays["vote_weights"]
        k = arrays["k"]
        if rows.ndim != 2 or rows.shape[1] != length or rows.dtype != np.float32:
            raise ValueError("the descriptors have not the shape that the card asks for")
        if positions.shape != rows.shape[:1] or positions.dtype.kind != "i":
            raise ValueError("the descriptors and their classes do not belong together")
        if set(positions.tolist()) != set(range(len(classes))):
            raise ValueError("the training images are of other classes than the model")
        if k.shape != () or k.dtype.kind != "i" or not 1 <= k <= len(rows):
            raise ValueError("the number of neighbours does not suit the training images")
        if weights.shape != (len(classes),) or not (np.isfinite(weights) & (weights > 0)).all():
            raise ValueError("the votes have no weights")
        lengths = np.linalg.norm(rows, axis=1)
        if not (np.isclose(lengths, 1, atol=1e-3) | (lengths == 0)).all():
            raise ValueError("a descriptor has not the length 1")
        return KeptNeighbours(classes, normalisation, rows, positions, int(k), weights)


def _shares(similarities: np.ndarray, bound: np.ndarray, k: int, votes: np.ndarray) -> np.ndarray:
    """Return each class's share of the votes of the k nearest.

    Parameters
    ----------
    similarities
        Cosine similarities, shape (n, n_train).
    bound
        That of the k-th nearest, shape (n, 1).
    k
        How many vote.
    votes
        Shape (n_train, n_classes): what each gives to its class.
    """
    nearer = similarities > bound + _EQUALLY_FAR
    equal = (similarities >= bound - _EQUALLY_FAR) & ~nearer
    left = (k - nearer.sum(axis=1, keepdims=True)) / equal.sum(axis=1, keepdims=True)
    chosen = nearer + left * equal
    weighted = (chosen * np.maximum(similarities, 0)) @ votes
    # Where no neighbour is similar at all, all count alike.
    weighted = np.where(weighted.any(axis=1, keepdims=True), weighted, chosen @ votes)
    shares: np.ndarray = np.round(weighted / weighted.sum(axis=1, keepdims=True), _DECIMALS)
    return shares
