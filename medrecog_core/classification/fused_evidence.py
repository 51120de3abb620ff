"""What each position of several maps adds to the scores of an image that is read from all of them.

The pooled descriptor of each map is divided by its Euclidean length, and all are concatenated. The
score is linear in each of them, so that it is a sum over the positions of all maps. The length of
each descriptor is a factor that all positions of its map share, as in `evidence`.
"""

from collections.abc import Sequence

import numpy as np

from medrecog_core.classification.evidence import (
    Evidence,
    LinearScore,
    SharedPooling,
    explain,
    linear_score,
)
from medrecog_core.classification.linear_classifier import LinearClassifier


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
