"""Which training images are like a new one, and whether it is unlike all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.normalisation import l2_normalise
from medrecog_core.classification.scored_images import number_units
from medrecog_core.errors import MedrecogError

N_NEIGHBOURS = 5
ALARM = 0.05

_ROWS_AT_ONCE = 512
_ROUNDING = 1e-6  # of cosine distances in float32


@dataclass(frozen=True)
class Neighbours:
    """The training images nearest to some images.

    Attributes
    ----------
    positions
        int, shape (n, k): positions among the training images, the nearest first.
    distances
        float64, shape (n, k): cosine distances, from 0 (the same direction) to 2.
    """

    positions: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class Novelty:
    """How unlike the training images some images are.

    Attributes
    ----------
    distances
        float64, shape (n,): mean cosine distance to the nearest training images.
    p_values
        float64, shape (n,): the share of training images that are at least so far from those of
        other groups, the image itself counted among them; small for the unlike.
    is_novel
        bool, shape (n,): whether the p-value is at most the alarm's.
    """

    distances: np.ndarray
    p_values: np.ndarray
    is_novel: np.ndarray


@dataclass(frozen=True)
class NoveltyDetector:
    """Training descriptors with the distances that are usual among them.

    The mean distance to the k nearest training images is held against those of the training images
    themselves, each measured without its own group, as a conformal p-value (Vovk, Gammerman and
    Shafer, 2005, Algorithmic Learning in a Random World, chapter 2). Of images like the training
    images, a share of about `alarm` gives a false alarm.

    Attributes
    ----------
    descriptors
        float32, shape (n_train, channels), each of length 1 or 0.
    k
        How many nearest images count.
    usual
        float64, shape (n_train,), ascending: distances of the training images from each other.
    alarm
        The p-value up to which an image is called novel.
    """

    descriptors: np.ndarray
    k: int
    usual: np.ndarray
    alarm: float = ALARM

    def examine(self, descriptors: np.ndarray) -> Novelty:
        """Say how unlike the training images some images are.

        Parameters
        ----------
        descriptors
            Shape (n, channels), as they come from the network.
        """
        distances = self.nearest(descriptors, self.k).distances.mean(axis=1)
        n_as_far = len(self.usual) - np.searchsorted(self.usual, distances - _ROUNDING, side="left")
        p_values = (n_as_far + 1) / (len(self.usual) + 1)
        return Novelty(distances, p_values, p_values <= self.alarm)

    def nearest(self, descriptors: np.ndarray, k: int = N_NEIGHBOURS) -> Neighbours:
        """Return the training images nearest to some images.

        Parameters
        ----------
        descriptors
            Shape (n, channels), as they come from the network.
        k
            How many; all where there are fewer training images.
        """
        return _nearest(self.descriptors, l2_normalise(descriptors).astype(np.float32), k)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers, to be kept beside an SVM."""
        return {
            "descriptors": self.descriptors,
            "k": np.array(self.k),
            "usual": self.usual,
            "alarm": np.array(self.alarm),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "NoveltyDetector":
        """Return the detector that `to_arrays` gave.

        Raises
        ------
        KeyError, ValueError
            If the arrays are none.
        """
        descriptors, usual = arrays["descriptors"], arrays["usual"]
        k, alarm = int(arrays["k"]), float(arrays["alarm"])
        if descriptors.ndim != 2 or usual.shape != (len(descriptors),):
            raise ValueError("the training descriptors and their distances do not belong together")
        if not (np.isfinite(descriptors).all() and np.isfinite(usual).all()):
            raise ValueError("a number of the training descriptors is not finite")
        if not (0 < k < len(descriptors) and 0 < alarm < 1 and (np.diff(usual) >= 0).all()):
            raise ValueError("the numbers of the novelty detector do not make sense")
        return cls(descriptors, k, usual, alarm)


def fit_novelty_detector(
    descriptors: np.ndarray,
    groups: Sequence[str] = (),
    k: int = N_NEIGHBOURS,
    alarm: float = ALARM,
) -> NoveltyDetector:
    """Learn which distances are usual among training images.

    Parameters
    ----------
    descriptors
        Shape (n_train, channels), as they come from the network.
    groups
        The group of each image, empty where it has none; nothing at all for no groups. An image's
        distance is measured to images of other groups, as a new patient's will be.
    k
        How many nearest images count; fewer where the other groups have fewer.
    alarm
        The p-value up to which an image is called novel.

    Raises
    ------
    MedrecogError
        If all images are of one group.
    """
    rows = l2_normalise(descriptors).astype(np.float32)
    units = number_units(groups or [""] * len(rows))
    n_others = len(rows) - int(np.bincount(units).max()) if len(rows) else 0
    if n_others < 1:
        raise MedrecogError(
            "The novelty detector needs training images from at least two groups. Add images of "
            "another group."
        )
    k = min(k, n_others)
    distances = _nearest(rows, rows, k, units).distances.mean(axis=1)
    return NoveltyDetector(rows, k, np.sort(distances), alarm)


def _nearest(
    train: np.ndarray, rows: np.ndarray, k: int, units: np.ndarray | None = None
) -> Neighbours:
    """Return the k nearest; where `units` are given, rows are `train` and their own left out."""
    k = min(k, len(train))
    positions = np.empty((len(rows), k), dtype=int)
    distances = np.empty((len(rows), k))
    for first in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(first, min(first + _ROWS_AT_ONCE, len(rows)))
        far = 1 - rows[part] @ train.T
        if units is not None:
            far[units[part, None] == units] = np.inf
        near = np.argpartition(far, k - 1, axis=1)[:, :k]
        near = np.take_along_axis(
            near, np.argsort(np.take_along_axis(far, near, axis=1), axis=1, kind="stable"), axis=1
        )
        positions[part] = near
        distances[part] = np.take_along_axis(far, near, axis=1)
    return Neighbours(positions, np.clip(distances, 0, 2))
