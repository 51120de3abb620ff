"""What every classifier offers: one hyper-parameter, training along a path of it, and scores."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from medrecog_core.classification.normalisation import L2, FittedNormalisation, Normalisation
from medrecog_core.classification.solver import check_class_weight, no_check
from medrecog_core.errors import UsageError

Positions = Sequence[int] | np.ndarray
Fold = tuple[Positions, Positions]
"""Positions of the training and of the test images."""


@dataclass(frozen=True)
class HyperParameter:
    """The one number that a classifier is trained with.

    Attributes
    ----------
    name
        As specifications, records and the command line name it, such as `C`.
    default
        Where nothing else is asked for.
    usual
        Values that are worth choosing among, ascending.
    help
        What it does, as one or two sentences.
    is_whole
        Whether it is a whole number from 1 on; otherwise any finite number above 0.
    """

    name: str
    default: float
    usual: tuple[float, ...]
    help: str
    is_whole: bool = False

    def check(self, values: Any) -> tuple[float, ...]:
        """Return one value or several, ascending and each once.

        Parameters
        ----------
        values
            A number, its digits, or a sequence of them.

        Raises
        ------
        UsageError
            If there is none, or one is not possible.
        """
        several = isinstance(values, list | tuple)
        given = list(values) if several else [values]
        if not given:
            raise UsageError(f"No {self.name} was given in “{self.name}”. Choose at least one.")
        return tuple(sorted({self._checked(value) for value in given}))

    def word(self, value: float) -> str:
        """Return a value as people write it, such as 0.1."""
        short = f"{value:g}"
        return short if float(short) == value else repr(value)

    def words(self, values: Sequence[float]) -> str:
        """Return values as people write them, such as 0.1, 1, 10."""
        return ", ".join(map(self.word, values))

    def _checked(self, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if self.is_whole and number >= 1 and number.is_integer():
            return int(number)
        if not self.is_whole and 0 < number < math.inf:
            return number
        kind = "whole number from 1 on" if self.is_whole else "finite number greater than 0"
        raise UsageError(
            f"The specification is wrong at “{self.name}”: {self.name} must be a {kind}, not "
            f"{value}."
        )


@dataclass(frozen=True)
class TrainingOptions:
    """What training depends on besides descriptors, labels and the hyper-parameter.

    Attributes
    ----------
    class_weight
        `none`; or `balanced`: images of a class weigh n / (n_classes * n_class).
    normalisation
        Fitted on the training part.
    seed
        Of whatever is random.
    check
        Called often meanwhile, perhaps from several threads; what it raises ends the training.

    Raises
    ------
    UsageError
        If there is no such class weight.
    """

    class_weight: str = "none"
    normalisation: Normalisation = L2
    seed: int = 0
    check: Callable[[], None] = no_check

    def __post_init__(self) -> None:
        check_class_weight(self.class_weight)


class TrainedClassifier(Protocol):
    """A classifier that has learned from a training part, with the normalisation before it."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Sorted labels."""

    @property
    def normalisation(self) -> FittedNormalisation:
        """Of descriptors as they come from the network."""

    def scores(self, descriptors: np.ndarray) -> np.ndarray:
        """Return a score for each class; the largest is the prediction.

        Parameters
        ----------
        descriptors
            float32 or float64, shape (n, channels), as they come from the network.

        Returns
        -------
        numpy.ndarray
            float64, shape (n, n_classes).
        """

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers, those of the normalisation among them."""


@dataclass(frozen=True)
class ScoredPath:
    """Scores of a fold's test images, from the smallest value of the hyper-parameter on.

    Attributes
    ----------
    classes
        Sorted labels of the data set.
    values
        Of the hyper-parameter, ascending.
    scores
        One array for each value: float64, shape (n_test, n_classes), a column for each of
        `classes`. One that the training part lacks has a constant below all other scores, so that
        it is never predicted.
    """

    classes: tuple[str, ...]
    values: tuple[float, ...]
    scores: tuple[np.ndarray, ...]

    def at(self, value: float) -> np.ndarray:
        """Return the scores at one value of the hyper-parameter."""
        return self.scores[self.values.index(value)]


class Classifier(Protocol):
    """A kind of classifier.

    Attributes
    ----------
    name
        As specifications and the command line name it.
    title
        As people call it.
    description
        What exactly is trained, for reports.
    parameter
        The one hyper-parameter.
    is_linear
        Whether what it trains is a `LinearClassifier`, whose scores can be shared out among
        positions of an image.
    about_scores
        What a score means, as sentences.
    """

    name: str
    title: str
    description: str
    parameter: HyperParameter
    is_linear: bool
    about_scores: str

    def train_path(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> Sequence[TrainedClassifier]:
        """Train on one training part.

        Parameters
        ----------
        descriptors
            Shape (n, channels), as they come from the network.
        labels
            The n labels, of at least two classes.
        values
            Of the hyper-parameter, ascending.
        options
            Whatever else it depends on.

        Returns
        -------
        sequence of TrainedClassifier
            One for each value.

        Raises
        ------
        UsageError
            If there are fewer than two classes, or a value does not suit the training part.
        MedrecogError
            If the training does not come to its end.
        """

    def read(
        self,
        classes: tuple[str, ...],
        normalisation: FittedNormalisation,
        length: int,
        arrays: Mapping[str, np.ndarray],
    ) -> TrainedClassifier:
        """Return the trained classifier whose `to_arrays` gave some arrays.

        Parameters
        ----------
        classes
            Sorted labels.
        normalisation
            That was among the arrays.
        length
            Of normalised descriptors.
        arrays
            By name; they are checked.

        Raises
        ------
        KeyError, ValueError
            If the arrays are not those of such a classifier.
        """

    def bytes_kept(self, n_images: int, length: int) -> int:
        """Return the bytes of training images' features that a model holds.

        Parameters
        ----------
        n_images
            Training images.
        length
            Of normalised descriptors.
        """
        return 0

    def score_path(
        self, trained: Sequence[TrainedClassifier], descriptors: np.ndarray
    ) -> Sequence[np.ndarray]:
        """Return the scores by each classifier of a path; one that shares work overrides this."""
        return [each.scores(descriptors) for each in trained]

    def score_folds(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        folds: Sequence[Fold],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> tuple[ScoredPath, ...]:
        """Train on the training part of every fold and score its test part.

        Parameters
        ----------
        descriptors
            Shape (n, channels), as they come from the network.
        labels
            The n labels.
        folds
            Training and test positions; the training parts may overlap.
        values
            Of the hyper-parameter.
        options
            Whatever else it depends on.

        Raises
        ------
        UsageError, MedrecogError
            As `train_path` does.
        """
        names, path = np.asarray(labels), self.parameter.check(list(values))
        classes = tuple(map(str, np.unique(names)))
        scored = []
        for train, test in folds:
            options.check()
            learned, tested = np.asarray(train, int), np.asarray(test, int)
            trained = self.train_path(descriptors[learned], names[learned], path, options)
            scores = self.score_path(trained, descriptors[tested])
            own = trained[0].classes
            scored.append(
                ScoredPath(
                    classes, path, tuple(in_all_classes(each, own, classes) for each in scores)
                )
            )
        return tuple(scored)


def in_all_classes(scores: np.ndarray, own: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Return scores with a column for every class; those that are lacking are below all others.

    Parameters
    ----------
    scores
        Shape (n, len(own)).
    own
        The classes that were learned.
    classes
        All classes, those among them.
    """
    whole = np.full((len(scores), len(classes)), scores.min(initial=0) - 1)
    whole[:, [classes.index(label) for label in own]] = scores
    return whole


def check_finite(descriptors: np.ndarray) -> None:
    """Raise UsageError if a number of the descriptors is not finite."""
    if not np.isfinite(descriptors).all():
        raise UsageError("Some features are not finite numbers. Extract them again.")


def check_training_part(
    name: str, descriptors: np.ndarray, labels: Sequence[str]
) -> tuple[str, ...]:
    """Return the sorted classes of a training part.

    Parameters
    ----------
    name
        What the classifier is called in sentences.
    descriptors, labels
        Of the training part.

    Raises
    ------
    UsageError
        If there are fewer than two classes, or a number is not finite.
    """
    check_finite(descriptors)
    classes = tuple(map(str, np.unique(np.asarray(labels))))
    if len(classes) < 2:
        raise UsageError(
            f"{name[0].upper()}{name[1:]} needs training images of at least two classes, and has "
            f"those of {', '.join(classes) or 'none'}."
        )
    return classes
