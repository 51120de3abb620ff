"""A trained classifier with everything needed to classify a new image."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from medrecog_core.classification import Calibration, TrainedClassifier
from medrecog_core.features import Cell, Codebook
from medrecog_core.models.card import ModelCard
from medrecog_core.models.training_images import TrainingImages


@dataclass(frozen=True)
class Model:
    """A trained classifier and its card.

    Attributes
    ----------
    card
        Its model card.
    classifier
        Classifier of the descriptors of the card's cell.
    codebooks
        One for each encoded cell; for a fusion, for each of its members.
    calibration
        From scores to probabilities; None if missing.
    training_images
        Training images that new images are compared with; None if missing.
    """

    card: ModelCard
    classifier: TrainedClassifier
    codebooks: Mapping[Cell, Codebook] = field(default_factory=dict)
    calibration: Calibration | None = None
    training_images: TrainingImages | None = None
