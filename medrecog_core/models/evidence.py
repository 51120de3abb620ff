"""Where in an image a model's scores come from."""

import threading
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification import Evidence, explain, linear_score, pool
from medrecog_core.errors import UsageError
from medrecog_core.features import GLOBAL_POOLINGS, FeatureMapNetwork
from medrecog_core.images import decode_image, preprocessing_of_version
from medrecog_core.models.model import Model
from medrecog_core.networks import find_network


@dataclass(frozen=True)
class ExplainedImage:
    """An image as the network read it, and what each position adds to each class's score.

    Attributes
    ----------
    pixels
        uint8, shape (height, width, 3).
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
    """Return whether a model's scores are sums over positions, as with max and average pooling."""
    return model.card.cell.pooling in GLOBAL_POOLINGS


class Explainer:
    """A model's network, kept in memory, that gives the map before pooling.

    Raises
    ------
    UsageError
        If the model's cell is an encoding.
    MedrecogError
        If the model's weights are not installed, or this version lacks its preprocessing.
    """

    def __init__(self, model: Model) -> None:
        card = model.card
        if not can_explain(model):
            raise UsageError(
                f"The model “{card.name}” reads {card.cell.pooling}, whose scores are no sum over "
                "positions: choose a model of max or average pooling."
            )
        self.model = model
        self._preprocessing = preprocessing_of_version(card.source.preprocessing)
        self._network = FeatureMapNetwork(
            find_network(card.network),
            card.cell.layer,
            card.source.precision,
            card.source.weights,
        )
        self._lock = threading.Lock()

    def explain(self, content: bytes) -> ExplainedImage:
        """Return the evidence for an image file.

        Parameters
        ----------
        content
            The bytes of the file.

        Raises
        ------
        UnreadableImageError
            If it is no usable image.
        """
        cell, svm = self.model.card.cell, self.model.svm
        pixels = self._preprocessing.pixels(decode_image(content), cell.scale)
        with self._lock:
            feature_map = self._network.feature_map(pixels)
        score = linear_score(svm, pool(feature_map, cell.pooling))
        return ExplainedImage(pixels, svm.classes, explain(feature_map, cell.pooling, score))
