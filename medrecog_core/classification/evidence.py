"""What each position of a layer's map adds to the scores of an image's classes.

A score is linear in the normalised descriptor, and a pooling shares its descriptor out among the
map's positions, so the score is a sum over positions, without any approximation. With weights w,
bias b, the image's descriptor m and its normalisation written as z = factors * (m - centre), where
the factors are numbers of this image (for L2 normalisation all are 1 / |m|: the length belongs to
the whole image and is shared out as a factor that all positions have in common),

    score = sum over positions p of w . (factors * share_p) + b

The shares, which sum to m - centre, are the pooling's: (x_p - centre) / P with average pooling of
P positions x_p. What a normalisation takes away from every image (the centre of a standardisation
or PCA) is shared out too, so that a position counts by how it differs from the training images'
mean; the SVM's bias alone is no position's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medrecog_core.classification.linear_classifier import LinearClassifier


class SharedPooling(Protocol):
    """A pooling whose descriptor is a sum over positions; see `features.pooling`."""

    def pool(self, feature_map: np.ndarray) -> np.ndarray:
        """Return the descriptor of a map, shape (length,)."""

    def share_out(self, feature_map: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Return what each position adds to it minus a centre, shape (positions, length)."""


@dataclass(frozen=True)
class LinearScore:
    """An image's scores as linear functions of its own descriptor: weights . (m - centre) + biases.

    Attributes
    ----------
    weights
        float64, shape (n_classes, channels), the normalisation's factors included.
    centre
        float64, shape (channels,).
    biases
        float64, shape (n_classes,).
    """

    weights: np.ndarray
    centre: np.ndarray
    biases: np.ndarray

    def scores(self, descriptor: np.ndarray) -> np.ndarray:
        """Return the scores of the descriptor it was made for, shape (n_classes,)."""
        centred = np.asarray(descriptor, dtype=np.float64) - self.centre
        scores: np.ndarray = self.weights @ centred + self.biases
        return scores


@dataclass(frozen=True)
class Evidence:
    """The parts of an image's scores.

    Attributes
    ----------
    contributions
        float64, shape (rows, columns, n_classes): what each position adds.
    biases
        float64, shape (n_classes,): what is added whatever the image.
    """

    contributions: np.ndarray
    biases: np.ndarray

    @property
    def scores(self) -> np.ndarray:
        """The sum of all parts: the classes' scores, shape (n_classes,)."""
        scores: np.ndarray = self.contributions.sum(axis=(0, 1)) + self.biases
        return scores


def linear_score(svm: LinearClassifier, descriptor: np.ndarray) -> LinearScore:
    """Return an image's scores by an SVM as linear functions of its descriptor.

    Parameters
    ----------
    svm
        The SVM, with whatever normalisation it has.
    descriptor
        Shape (channels,), as it comes from the network.
    """
    normalisation = svm.normalisation
    if normalisation.mean is not None and normalisation.projection is not None:
        return affine_score(svm, normalisation.mean, normalisation.projection)
    if normalisation.kind == "none":
        return plain_score(svm, len(descriptor))
    if normalisation.kind == "l2":
        return l2_score(svm, descriptor)
    return channelwise_score(svm, descriptor, normalisation.apply(descriptor[None])[0])


def l2_score(svm: LinearClassifier, descriptor: np.ndarray) -> LinearScore:
    """Return the scores of an image whose descriptor is L2-normalised before the SVM.

    Parameters
    ----------
    svm
        The SVM.
    descriptor
        Shape (channels,), as it comes from the network.
    """
    length = float(np.linalg.norm(np.asarray(descriptor, dtype=np.float64)))
    return LinearScore(svm.weights / (length or 1.0), np.zeros(len(descriptor)), svm.biases)


def plain_score(svm: LinearClassifier, channels: int) -> LinearScore:
    """Return the scores of an image whose descriptor goes to the SVM as it is."""
    return LinearScore(svm.weights, np.zeros(channels), svm.biases)


def affine_score(svm: LinearClassifier, mean: np.ndarray, projection: np.ndarray) -> LinearScore:
    """Return the scores of an image normalised by (m - mean) @ projection.

    Parameters
    ----------
    svm
        The SVM, on the normalised descriptors.
    mean
        Shape (channels,): the training images' mean.
    projection
        Shape (channels,), a factor for each channel: the inverse standard deviations of a
        standardisation; or shape (channels, n_components): the components of a PCA.
    """
    weights = svm.weights * projection if projection.ndim == 1 else svm.weights @ projection.T
    return LinearScore(weights, np.asarray(mean, dtype=np.float64), svm.biases)


def channelwise_score(
    svm: LinearClassifier, descriptor: np.ndarray, normalised: np.ndarray
) -> LinearScore:
    """Return the scores of an image whose channels are normalised one by one, as by a square root.

    A channel's normalised value is shared out in proportion to what the positions bring to the
    channel: its factor is normalised / m, and 0 where m is 0.

    Parameters
    ----------
    svm
        The SVM.
    descriptor, normalised
        Shape (channels,): as it comes from the network, and as it goes to the SVM, 0 where the
        first is 0.
    """
    plain = np.asarray(descriptor, dtype=np.float64)
    factors = np.divide(normalised, plain, out=np.zeros(len(plain)), where=plain != 0)
    return LinearScore(svm.weights * factors, np.zeros(len(plain)), svm.biases)


def explain(feature_map: np.ndarray, pooling: SharedPooling, score: LinearScore) -> Evidence:
    """Share an image's scores out among the positions of its map.

    Parameters
    ----------
    feature_map
        Shape (rows, columns, channels), as it comes from the network.
    pooling
        That the SVM was trained with.
    score
        The image's scores as linear functions of its pooled descriptor.

    Returns
    -------
    Evidence
        Whose `scores` are those of the image, up to rounding.

    Raises
    ------
    UsageError
        If the pooling's descriptor cannot be shared out.
    """
    rows, columns, _ = feature_map.shape
    contributions = pooling.share_out(feature_map, score.centre) @ score.weights.T
    return Evidence(contributions.reshape(rows, columns, -1), score.biases)


def explain_fusion(
    svm: LinearClassifier, feature_maps: Sequence[np.ndarray], poolings: Sequence[SharedPooling]
) -> Evidence:
    """Share an image's scores out among the positions of its maps, laid over each other.

    Parameters
    ----------
    svm
        Trained on the maps' pooled descriptors, each of length 1, one behind the other; with a
        single map, on its pooled descriptor as it is.
    feature_maps
        Shape (rows, columns, channels) each.
    poolings
        One for each map.

    Returns
    -------
    Evidence
        On the positions of the finest map. A position of a coarser one is shared out by area among
        those that lie over it, so that the sum stays the same.

    Raises
    ------
    UsageError
        If a pooling's descriptor cannot be shared out.
    """
    pooled = [pooling.pool(m) for m, pooling in zip(feature_maps, poolings, strict=True)]
    if len(feature_maps) == 1:
        return explain(feature_maps[0], poolings[0], linear_score(svm, pooled[0]))
    lengths = [float(np.linalg.norm(descriptor)) or 1.0 for descriptor in pooled]
    whole = linear_score(
        svm, np.concatenate([d / length for d, length in zip(pooled, lengths, strict=True)])
    )
    rows = max(feature_map.shape[0] for feature_map in feature_maps)
    columns = max(feature_map.shape[1] for feature_map in feature_maps)
    contributions = np.zeros((rows, columns, len(svm.classes)))
    first = 0
    for feature_map, pooling, length in zip(feature_maps, poolings, lengths, strict=True):
        part = slice(first, first := first + feature_map.shape[2])
        score = LinearScore(
            whole.weights[:, part] / length,
            whole.centre[part] * length,
            np.zeros(len(svm.classes)),
        )
        contributions += spread(explain(feature_map, pooling, score).contributions, rows, columns)
    return Evidence(contributions, whole.biases)


def spread(contributions: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Share contributions out by area among the positions of a finer grid; the sum stays the same.

    Parameters
    ----------
    contributions
        Shape (r, c, n_classes).
    rows, columns
        Of the finer grid.

    Returns
    -------
    numpy.ndarray
        float64, shape (rows, columns, n_classes).
    """
    down, across = (
        _shares(n, finer) for n, finer in zip(contributions.shape[:2], (rows, columns), strict=True)
    )
    spread_out: np.ndarray = np.einsum("fr,rck,gc->fgk", down, contributions, across, optimize=True)
    return spread_out


def _shares(n: int, finer: int) -> np.ndarray:
    """Return which part of each of n intervals lies in each of finer ones, shape (finer, n)."""
    edges, fine_edges = np.arange(n + 1) / n, np.arange(finer + 1) / finer
    overlap = np.minimum(fine_edges[1:, None], edges[1:]) - np.maximum(
        fine_edges[:-1, None], edges[:-1]
    )
    overlap = np.maximum(overlap, 0)
    shares: np.ndarray = overlap / overlap.sum(axis=0)
    return shares
