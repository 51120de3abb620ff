"""Evidence maps: contributions of image positions to the scores of a model."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification import Evidence, LinearClassifier, explain_fusion
from medrecog_core.errors import UsageError
from medrecog_core.features import GLOBAL_POOLINGS, POOLINGS, Cell, members, titles, with_evidence
from medrecog_core.models.model import Model, ModelCard


@dataclass(frozen=True)
class ExplainedImage:
    """The input of a network, and the contribution of each position to the class scores.

    Attributes
    ----------
    pixels
        uint8, shape (height, width, 3); for several input sizes, the largest.
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
    """Return whether a model's scores are sums over positions of the image."""
    return not why_unexplained(model.card)


def why_unexplained(card: ModelCard) -> str:
    """Return why the scores of a model are not sums over positions; empty if they are."""
    classifier = card.trained_classifier
    if not classifier.is_linear:
        return (
            f"Scores of {classifier.title} cannot be attributed to image regions. Choose a model "
            "with a linear classifier, or look at the most similar training images."
        )
    if not all(POOLINGS[member.pooling].has_evidence for member in members(card.cell)):
        return (
            f"Scores of {card.cell.pooling} features cannot be attributed to image regions. Choose "
            f"a model with {titles(with_evidence(), 'or')} pooling."
        )
    if card.n_views > 1:
        return (
            f"Scores of features averaged over {card.n_views} views cannot be attributed to image "
            "regions. Choose a model with 1 view."
        )
    return ""


def explained_image(
    model: Model, pixels: np.ndarray, feature_maps: Mapping[Cell, np.ndarray]
) -> ExplainedImage:
    """Return the evidence for an image.

    Parameters
    ----------
    model
        One that `can_explain`.
    pixels
        Input of the network, uint8, shape (height, width, 3).
    feature_maps
        The map of each member of the model's cell, shape (rows, columns, channels).

    Raises
    ------
    UsageError
        If the classifier is not linear.
    """
    classifier, cells = model.classifier, members(model.card.cell)
    if not isinstance(classifier, LinearClassifier):
        raise UsageError(why_unexplained(model.card))
    evidence = explain_fusion(
        classifier,
        [feature_maps[cell] for cell in cells],
        [GLOBAL_POOLINGS[cell.pooling] for cell in cells],
    )
    return ExplainedImage(pixels, classifier.classes, evidence)
