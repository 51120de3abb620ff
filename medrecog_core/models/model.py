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
        What people must know of it.
    classifier
        Acts on the descriptors of the card's cell.
    codebooks
        One for each encoded cell: of a fusion, of its members.
    calibration
        From scores to probabilities; None where it has none.
    training_images
        What new images are held against; None where it has none.
    """

    card: ModelCard
    classifier: TrainedClassifier
    codebooks: Mapping[Cell, Codebook] = field(default_factory=dict)
    calibration: Calibration | None = None
    training_images: TrainingImages | None = None
