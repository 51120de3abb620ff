"""The images that a model learnt from, as new ones are held against them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification import NoveltyDetector, fit_novelty_detector, l2_normalise
from medrecog_core.images import PLAIN, Rendering

MOST_BYTES = 64 * 2**20
"""Of the descriptors that a model keeps, two bytes a number."""

_BYTES_PER_NUMBER = 2


@dataclass(frozen=True)
class TrainingImage:
    """An image that a model learnt from.

    Attributes
    ----------
    path
        Where its file was; empty where the model was brought here without paths.
    label
        Its class.
    sha256
        Of its file, in hexadecimal.
    rendering
        How the file's stored values became a picture.
    """

    path: str
    label: str
    sha256: str
    rendering: Rendering = PLAIN


@dataclass(frozen=True)
class SimilarImage:
    """A training image and how far it is from a new one.

    Attributes
    ----------
    path, label, sha256, rendering
        Of the training image; see `TrainingImage`.
    distance
        Cosine distance of the descriptors, from 0 (the same direction) to 2.
    """

    path: str
    label: str
    sha256: str
    distance: float
    rendering: Rendering = PLAIN


@dataclass(frozen=True)
class Resemblance:
    """How like the training images a new image is.

    Attributes
    ----------
    is_unlike
        Whether it is unlike all of them.
    distance
        Mean cosine distance to the nearest training images.
    p_value
        The share of training images that are at least so far from those of other groups.
    nearest
        The most similar training images, the nearest first.
    """

    is_unlike: bool
    distance: float
    p_value: float
    nearest: tuple[SimilarImage, ...]


@dataclass(frozen=True)
class TrainingImages:
    """Training images with their descriptors.

    Attributes
    ----------
    images
        In the order of the detector's descriptors.
    detector
        Says which are nearest, and what is usual among them.
    """

    images: tuple[TrainingImage, ...]
    detector: NoveltyDetector

    def resemblances(self, descriptors: np.ndarray) -> list[Resemblance]:
        """Hold new images against the training images.

        Parameters
        ----------
        descriptors
            Shape (n, channels), as the SVM gets them.
        """
        novelty = self.detector.examine(descriptors)
        near = self.detector.nearest(descriptors)
        return [
            Resemblance(
                bool(novelty.is_novel[i]),
                float(novelty.distances[i]),
                float(novelty.p_values[i]),
                tuple(
                    self._similar(int(position), float(distance))
                    for position, distance in zip(near.positions[i], near.distances[i], strict=True)
                ),
            )
            for i in range(len(descriptors))
        ]

    def _similar(self, position: int, distance: float) -> SimilarImage:
        image = self.images[position]
        return SimilarImage(image.path, image.label, image.sha256, distance, image.rendering)


def index_training_images(
    images: Sequence[TrainingImage],
    descriptors: np.ndarray,
    groups: Sequence[str],
    seed: int = 0,
    most_bytes: int = MOST_BYTES,
) -> TrainingImages:
    """Keep training images, so that new ones can be held against them.

    Parameters
    ----------
    images
        The n images.
    descriptors
        Shape (n, channels), as the SVM got them. They are kept in float16; of more than
        `most_bytes`, those of images drawn at random.
    groups
        The group of each image, empty where it has none.
    seed
        Of the draw.
    most_bytes
        Bound on the descriptors' size.

    Raises
    ------
    MedrecogError
        If all images are of one group.
    """
    most = max(2, most_bytes // (_BYTES_PER_NUMBER * descriptors.shape[1]))
    kept = np.arange(len(images))
    if len(kept) > most:
        kept = np.sort(np.random.default_rng(seed).choice(len(images), most, replace=False))
    rows = l2_normalise(descriptors[kept]).astype(np.float16)
    detector = fit_novelty_detector(rows, [groups[int(i)] for i in kept])
    return TrainingImages(tuple(images[int(i)] for i in kept), detector)
