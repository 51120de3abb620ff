"""One answer a group (patient, lesion), from the scores of all its images."""

from dataclasses import replace

import numpy as np

from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.errors import UsageError

MEAN, MAXIMUM = "mean", "max"
WAYS = (MEAN, MAXIMUM)
"""Mean score of every class; or, of two classes, the scores of the image with the highest score of
the positive class, and of more classes the highest score of each."""


def pool_scores(scores: np.ndarray, how: str, positive: int | None) -> np.ndarray:
    """Return the scores of one group, shape (n_classes,).

    Parameters
    ----------
    scores
        Of its images, shape (n, n_classes).
    how
        One of `WAYS`.
    positive
        Position of the positive one of two classes; None for more.

    Raises
    ------
    UsageError
        If there is no such way.
    """
    if how not in WAYS:
        raise UsageError(f"Unknown way to combine images “{how}”. Available: {', '.join(WAYS)}.")
    pooled: np.ndarray
    if how == MEAN:
        pooled = scores.mean(axis=0)
    elif positive is None:
        pooled = scores.max(axis=0)
    else:
        pooled = scores[scores[:, positive].argmax()]
    return pooled


def score_units(images: ScoredImages, how: str) -> ScoredImages:
    """Return a result with one row a unit, whose images all have one label.

    Parameters
    ----------
    images
        The result; every image of a unit has the same label.
    how
        One of `WAYS`.

    Raises
    ------
    UsageError
        If there is no such way.
    """
    order = np.argsort(images.units, kind="stable")
    starts = np.flatnonzero(np.diff(images.units[order], prepend=-1))
    groups = np.split(order, starts[1:])
    position = images.positive_position
    return replace(
        images,
        truth=np.array([images.truth[members[0]] for members in groups]),
        scores=np.array([pool_scores(images.scores[members], how, position) for members in groups]),
        units=np.arange(len(groups)),
    )


def mixed_units(images: ScoredImages) -> np.ndarray:
    """Return the units whose images have several labels, ascending."""
    counts = images.unit_confusions.sum(axis=2)
    mixed: np.ndarray = np.flatnonzero((counts > 0).sum(axis=1) > 1)
    return mixed
