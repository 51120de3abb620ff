"""Test images with what is known of them and the scores they got."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medrecog_core.errors import MedrecogError, UsageError

_NEGATIONS = {"no", "non", "not", "without"}
_WITHOUT_FINDING = {
    *("benign", "control", "controls", "healthy", "negative", "normal"),
    *("naevi", "naevus", "nevi", "nevus", "none", "unaffected", "uninfected"),
}


def choose_positive_class(classes: Sequence[str], chosen: str | None = None) -> str | None:
    """Return the positive one of two classes, None where there are not two.

    Where nothing is chosen, it is the class that is not named as being without a finding
    (“normal”, “healthy”, “negative”, “benign”, “no finding” and the like); where both or neither
    is so named, the second.

    Parameters
    ----------
    classes
        Sorted labels.
    chosen
        The user's choice.

    Raises
    ------
    UsageError
        If the chosen one is not among the classes.
    """
    if chosen is not None and chosen not in classes:
        raise UsageError(f"Unknown positive class “{chosen}”. Available: {', '.join(classes)}.")
    if len(classes) != 2:
        return None
    if chosen is not None:
        return chosen
    first, second = classes
    return first if _is_without_finding(second) and not _is_without_finding(first) else second


def _is_without_finding(label: str) -> bool:
    words = set(re.findall(r"[^\W\d_]+", label.casefold()))
    return bool(words & _NEGATIONS) != bool(words & _WITHOUT_FINDING)


@dataclass(frozen=True)
class ScoredImages:
    """The test images of a cell, as every measure, interval and comparison needs them.

    Attributes
    ----------
    classes
        Sorted labels.
    truth
        int, shape (n,): position of each image's true label among the classes.
    scores
        float64, shape (n, n_classes); the greatest is the prediction.
    units
        int, shape (n,), from 0: what was sampled independently, a group (patient, lesion) or,
        where an image has none, the image itself.
    positive
        The positive one of two classes; None for more than two.
    """

    classes: tuple[str, ...]
    truth: np.ndarray
    scores: np.ndarray
    units: np.ndarray
    positive: str | None

    @classmethod
    def of(
        cls,
        labels: Sequence[str],
        scores: np.ndarray,
        classes: Sequence[str],
        groups: Sequence[str] = (),
        positive: str | None = None,
    ) -> "ScoredImages":
        """Gather n test images.

        Parameters
        ----------
        labels
            True labels, each one of `classes`.
        scores
            Shape (n, n_classes).
        classes
            Sorted labels, one for each column of `scores`.
        groups
            The group of each image, empty where it has none; nothing at all for no groups.
        positive
            The positive one of two classes, None to have it chosen by its name.

        Raises
        ------
        MedrecogError
            If there are no images, the numbers do not match, or a score is not finite.
        UsageError
            If `positive` is not one of the classes.
        """
        values = np.asarray(scores, dtype=np.float64)
        position = {label: i for i, label in enumerate(classes)}
        if unknown := sorted(set(labels) - set(position)):
            raise MedrecogError(
                f"The label “{unknown[0]}” of a test image is not one of the classes. Compute the "
                "result again."
            )
        if not len(labels) or values.shape != (len(labels), len(classes)):
            raise MedrecogError(
                f"There are scores of shape {values.shape} for {len(labels)} test images and "
                f"{len(classes)} classes. Compute the result again."
            )
        if not np.isfinite(values).all():
            raise MedrecogError("A score is not a finite number. Compute the result again.")
        if len(groups) not in (0, len(labels)):
            raise MedrecogError(
                f"There are groups for {len(groups)} of {len(labels)} test images. Compute the "
                "result again."
            )
        return cls(
            tuple(classes),
            np.array([position[label] for label in labels]),
            values,
            number_units(groups or [""] * len(labels)),
            choose_positive_class(classes, positive),
        )

    @property
    def n_images(self) -> int:
        """Number of images."""
        return len(self.truth)

    @property
    def n_units(self) -> int:
        """Number of groups, images without one counting as one each."""
        return int(self.units.max()) + 1

    @property
    def is_grouped(self) -> bool:
        """Whether some images share a group."""
        return self.n_units < self.n_images

    @property
    def predicted(self) -> np.ndarray:
        """Position of the greatest score of each image, int, shape (n,)."""
        greatest: np.ndarray = self.scores.argmax(axis=1)
        return greatest

    @property
    def right(self) -> np.ndarray:
        """Whether each image's prediction is its label, bool, shape (n,)."""
        right: np.ndarray = self.predicted == self.truth
        return right

    @property
    def positive_position(self) -> int | None:
        """Position of the positive class."""
        return None if self.positive is None else self.classes.index(self.positive)

    @property
    def confusion(self) -> np.ndarray:
        """Counts, shape (n_classes, n_classes), a row a true class."""
        counts: np.ndarray = self.unit_confusions.sum(axis=0)
        return counts

    @property
    def unit_confusions(self) -> np.ndarray:
        """Each unit's part of the confusion matrix, shape (n_units, n_classes, n_classes)."""
        n_classes = len(self.classes)
        place = (self.units * n_classes + self.truth) * n_classes + self.predicted
        counts = np.bincount(place, minlength=self.n_units * n_classes**2)
        return counts.reshape(self.n_units, n_classes, n_classes)

    def part(self, chosen: np.ndarray) -> "ScoredImages":
        """Return some of the images, with the same classes.

        Parameters
        ----------
        chosen
            bool, shape (n,); at least one is true.
        """
        units = np.unique(self.units[chosen], return_inverse=True)[1]
        return replace(self, truth=self.truth[chosen], scores=self.scores[chosen], units=units)


def number_units(groups: Sequence[str]) -> np.ndarray:
    """Return a number from 0 for each image, the same for images that share a group.

    Parameters
    ----------
    groups
        The group of each image, empty where it has none.

    Returns
    -------
    numpy.ndarray
        int, shape (n,).
    """
    numbers: dict[tuple[str, int], int] = {}
    keys = [(group, -1) if group else ("", i) for i, group in enumerate(groups)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=int)
