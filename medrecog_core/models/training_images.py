"""Training images of a model, which new images are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification import NoveltyDetector, fit_novelty_detector, l2_normalise
from medrecog_core.images import Image
from medrecog_core.runs.neighbours import SimilarImage

MOST_BYTES = 64 * 2**20
"""Maximum size of the descriptors in a model, with two bytes per number."""

_BYTES_PER_NUMBER = 2


@dataclass(frozen=True)
class Resemblance:
    """Similarity of a new image to the training images.

    Attributes
    ----------
    is_unlike
        Whether it is unlike the training images.
    distance
        Mean cosine distance to the nearest training images.
    p_value
        Share of training images that are at least as far from those of other groups.
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
        Images in the order of the detector's descriptors.
    detector
        Finds the nearest ones, and knows the usual distances.
    """

    images: tuple[Image, ...]
    detector: NoveltyDetector

    def resemblances(self, descriptors: np.ndarray) -> list[Resemblance]:
        """Compare new images with the training images.

        Parameters
        ----------
        descriptors
            Shape (n, channels), as passed to the classifier.
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
        return SimilarImage(**vars(self.images[position]), distance=distance)


def index_training_images(
    images: Sequence[Image],
    descriptors: np.ndarray,
    groups: Sequence[str],
    seed: int = 0,
    most_bytes: int = MOST_BYTES,
) -> TrainingImages:
    """Store training images, so that new ones can be compared with them.

    Parameters
    ----------
    images
        The n images.
    descriptors
        Shape (n, channels), as passed to the classifier. They are stored in float16; above
        `most_bytes`, only those of a random sample of images.
    groups
        The group of each image, empty if it has none.
    seed
        Random seed of the sample.
    most_bytes
        Maximum size of the descriptors.

    Raises
    ------
    MedrecogError
        If all images are in one group.
    """
    most = max(2, most_bytes // (_BYTES_PER_NUMBER * descriptors.shape[1]))
    kept = np.arange(len(images))
    if len(kept) > most:
        kept = np.sort(np.random.default_rng(seed).choice(len(images), most, replace=False))
    rows = l2_normalise(descriptors[kept]).astype(np.float16)
    detector = fit_novelty_detector(rows, [groups[int(i)] for i in kept])
    return TrainingImages(tuple(images[int(i)] for i in kept), detector)
