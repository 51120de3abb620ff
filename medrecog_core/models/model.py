"""A trained classifier with everything needed to classify a new image."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from medrecog_core.classification import Calibration, TrainedClassifier
from medrecog_core.features import Cell, Codebook
from medrecog_core.models.card import ModelCard
from medrecog_core.models.known_images import KnownCopy, KnownImages
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
    known_images
        Training and test images that are recognised; None in models of earlier versions.
    """

    card: ModelCard
    classifier: TrainedClassifier
    codebooks: Mapping[Cell, Codebook] = field(default_factory=dict)
    calibration: Calibration | None = None
    training_images: TrainingImages | None = None
    known_images: KnownImages | None = None

    def copies_of(self, content: bytes) -> tuple[KnownCopy, ...] | None:
        """Return the training and test images that an image is a copy or a near-copy of.

        Parameters
        ----------
        content
            The bytes of its file.

        Returns
        -------
        tuple of KnownCopy or None
            The exact copies first. A model of an earlier version knows exact copies of training
            images only; None if it knows none.

        Raises
        ------
        UnreadableImageError
            If it is not a usable image.
        """
        if self.known_images is not None:
            return self.known_images.copies_of(content, self.card.rendering)
        if self.training_images is None:
            return None
        sha256 = hashlib.sha256(content).hexdigest()
        return tuple(
            KnownCopy(image.sha256, image.label, is_test=False, is_exact=True)
            for image in self.training_images.images
            if image.sha256 == sha256
        )
