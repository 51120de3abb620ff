"""Where in an image a model's scores come from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification import Evidence, explain_fusion
from medrecog_core.features import GLOBAL_POOLINGS, POOLINGS, Cell, members
from medrecog_core.models.model import Model


@dataclass(frozen=True)
class ExplainedImage:
    """An image as the network read it, and what each position adds to each class's score.

    Attributes
    ----------
    pixels
        uint8, shape (height, width, 3); of several scales the largest.
    classes
        Sorted labels.
    evidence
        Contributions of shape (rows, columns, n_classes), in the order of `classes`; with the
        biases they sum to the scores.
    """

    pixels: np.ndarray
    classes: tuple[str, ...]
    evidence: Evidence


def can_explain(model: Model) -> bool:
    """Return whether a model's scores are sums over positions, as its poolings say."""
    return all(POOLINGS[member.pooling].has_evidence for member in members(model.card.cell))


def explained_image(
    model: Model, pixels: np.ndarray, feature_maps: Mapping[Cell, np.ndarray]
) -> ExplainedImage:
    """Return the evidence for an image that the network has read.

    Parameters
    ----------
    model
        One that `can_explain`.
    pixels
        What the network read, uint8, shape (height, width, 3).
    feature_maps
        The map of each member of the model's cell, shape (rows, columns, channels).
    """
    cells = members(model.card.cell)
    evidence = explain_fusion(
        model.svm,
        [feature_maps[cell] for cell in cells],
        [GLOBAL_POOLINGS[cell.pooling] for cell in cells],
    )
    return ExplainedImage(pixels, model.svm.classes, evidence)
