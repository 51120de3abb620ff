"""Training and testing the classifiers of a cell, fold by fold, and its result."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from medrecog_core.bounds import Count, Finite, Seconds, Share
from medrecog_core.classification import (
    Metrics,
    ScoredImages,
    ScoredPath,
    estimate,
    measure,
    score_choosing_value,
)
from medrecog_core.datasets import Fold, Split, unit_of
from medrecog_core.features import (
    AnyCell,
    Cell,
    DescriptorReader,
    Fusion,
    concatenate,
    members,
)
from medrecog_core.images import Image
from medrecog_core.jobs.progress import Progress, ignore, never, stop_if
from medrecog_core.runs.specification import RunSpecification


@dataclass(frozen=True)
class FoldResult:
    """What came of one fold.

    Attributes
    ----------
    n_train, n_test
        Images.
    accuracy
        On the fold's test images.
    value
        Of its classifier's hyper-parameter: as given, or chosen on its training part.
    parameter
        Name of the hyper-parameter.
    """

    n_train: Count
    n_test: Count
    accuracy: Share
    value: Finite
    parameter: str = "C"

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values, the hyper-parameter by its own name."""
        return {
            "n_train": self.n_train,
            "n_test": self.n_test,
            "accuracy": self.accuracy,
            self.parameter: self.value,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "FoldResult":
        """Return the result that `to_document` gave."""
        (parameter,) = set(document) - {"n_train", "n_test", "accuracy"}
        value = document[parameter]
        return _FOLD.validate_python({**document, "value": value, "parameter": parameter})


@dataclass(frozen=True)
class CellResult:
    """A cell with its result.

    Attributes
    ----------
    cell
        The cell or fusion.
    metrics
        Of the test images of all folds together.
    n_train
        Images that the classifier of a fold learns from, where folds differ the smallest number.
    n_test
        Different images that are tested.
    seconds
        Time of training and testing.
    folds
        In the order of the split.
    """

    cell: AnyCell
    metrics: Metrics
    n_train: int
    n_test: int
    seconds: float
    folds: tuple[FoldResult, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values, flat as the command line prints it."""
        return {
            "layer": self.cell.layer,
            "scale": self.cell.scale,
            "pooling": self.cell.pooling,
            **self.metrics.to_document(),
            "n_train": self.n_train,
            "n_test": self.n_test,
            "seconds": self.seconds,
            "folds": [fold.to_document() for fold in self.folds],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "CellResult":
        """Return the result that `to_document` gave."""
        return cls(
            _cell(document["layer"], document["scale"], document["pooling"]),
            Metrics.from_document(document),
            _COUNT.validate_python(document["n_train"]),
            _COUNT.validate_python(document["n_test"]),
            _SECONDS.validate_python(document["seconds"]),
            tuple(FoldResult.from_document(fold) for fold in document["folds"]),
        )


def _cell(layer: str, scale: int | str, pooling: str) -> AnyCell:
    layers, scales, poolings = (str(side).split("+") for side in (layer, scale, pooling))
    fusion = Fusion(tuple(layers), tuple(map(int, scales)), tuple(poolings))
    return fusion if len(fusion.members) > 1 else Cell(layer, int(scale), pooling)


_FOLD = TypeAdapter(FoldResult)
_COUNT: TypeAdapter[int] = TypeAdapter(Count)
_SECONDS: TypeAdapter[float] = TypeAdapter(Seconds)


INNER_FOLDS = 5
"""Folds of the cross-validation that chooses the hyper-parameter within a training part."""


@dataclasses.dataclass(frozen=True)
class CellData:
    """What the classifiers of a cell are trained and tested on.

    Attributes
    ----------
    images
        The images that some fold uses.
    split
        Positions in `images`.
    descriptors
        From a fold to its descriptors, shape (len(images), channels).
    same_in_all_folds
        Whether descriptors do not depend on the fold; they do where a codebook is learned.
    """

    images: Sequence[Image]
    split: Split
    descriptors: Callable[[Fold], np.ndarray]
    same_in_all_folds: bool = True


def evaluate_cell(
    cell: AnyCell,
    data: CellData,
    specification: RunSpecification,
    should_stop: Callable[[], bool] = never,
) -> tuple[CellResult, np.ndarray]:
    """Train a classifier a fold and test it.

    Returns
    -------
    result
        With measures over the test images of all folds. Images of one group count as one in the
        accuracy's interval, and so does an image that is tested several times.
    scores
        float64, shape (len(split.tested), n_classes).

    Raises
    ------
    StoppedError
        If `should_stop` says so, which is asked in the midst of training too.
    """
    start = time.monotonic()
    scored = score_folds(data, specification, should_stop)
    result = _result(cell, data, scored, specification)
    return dataclasses.replace(result, seconds=time.monotonic() - start), scored.tested


@dataclass(frozen=True)
class ScoredFolds:
    """What the classifiers of all folds say of their test images.

    Attributes
    ----------
    classes
        Sorted labels.
    scores
        Of each fold, float64, shape (n_test, n_classes).
    values
        Of each fold's hyper-parameter.
    """

    classes: Sequence[str]
    scores: Sequence[np.ndarray]
    values: Sequence[float]

    @property
    def tested(self) -> np.ndarray:
        """The scores of all folds, float64, shape (len(split.tested), n_classes)."""
        return np.concatenate(self.scores)


def score_folds(
    data: CellData, specification: RunSpecification, should_stop: Callable[[], bool] = never
) -> ScoredFolds:
    """Train a classifier a fold and score its test images.

    Raises
    ------
    StoppedError
        If `should_stop` says so, which is asked in the midst of training too.
    """
    labels = [image.label for image in data.images]
    folds = data.split.folds
    # Folds that share descriptors are trained together, on products computed once.
    together = [folds] if data.same_in_all_folds else [(fold,) for fold in folds]
    scores, values = [], []
    for group in together:
        stop_if(should_stop())
        descriptors = data.descriptors(group[0])
        trained = _train(descriptors, data.images, labels, group, specification, should_stop)
        for value, path in trained:
            scores.append(path.at(value))
            values.append(value)
        classes = trained[0][1].classes
    return ScoredFolds(classes, scores, values)


def _train(
    descriptors: np.ndarray,
    images: Sequence[Image],
    labels: Sequence[str],
    folds: Sequence[Fold],
    specification: RunSpecification,
    should_stop: Callable[[], bool],
) -> list[tuple[float, ScoredPath]]:
    """Return each fold's hyper-parameter, chosen where there are several values, and scores."""
    parts = [(fold.train, fold.test) for fold in folds]
    classifier, values = specification.trained_classifier, specification.parameter_values
    options = specification.training_options(lambda: stop_if(should_stop()))
    if len(values) == 1:
        paths = classifier.score_folds(descriptors, labels, parts, values, options)
        return [(values[0], path) for path in paths]
    groups = [image.group for image in images] if specification.keep_groups else None
    chosen = score_choosing_value(
        classifier,
        descriptors,
        labels,
        parts,
        values,
        groups=groups,
        n_folds=INNER_FOLDS,
        options=options,
    )
    return [(choice.value, path) for choice, path in chosen]


def _result(
    cell: AnyCell,
    data: CellData,
    found: ScoredFolds,
    specification: RunSpecification,
) -> CellResult:
    classes, every = found.classes, found.tested
    tested = [data.images[i] for i in data.split.tested]
    labels = [image.label for image in tested]
    scored = ScoredImages.of(
        labels, every, classes, groups=[unit_of(image.group, image.path) for image in tested]
    )
    accuracy = estimate(scored, ["accuracy"])["accuracy"]
    metrics = dataclasses.replace(
        measure(labels, every, classes), accuracy_interval=(accuracy.low, accuracy.high)
    )
    folds = []
    parameter = specification.trained_classifier.parameter.name
    for fold, of_fold, value in zip(data.split.folds, found.scores, found.values, strict=True):
        predicted = np.asarray(classes)[of_fold.argmax(axis=1)]
        right = [
            data.images[i].label == label for i, label in zip(fold.test, predicted, strict=True)
        ]
        counts = (len(fold.train), len(fold.test), float(np.mean(right)))
        folds.append(FoldResult(*counts, value, parameter))
    return CellResult(
        cell,
        metrics,
        n_train=min(fold.n_train for fold in folds),
        n_test=len(set(data.split.tested)),
        seconds=0.0,
        folds=tuple(folds),
    )


@dataclass(frozen=True)
class StoredImages:
    """Images, and where their descriptors are.

    Attributes
    ----------
    images
        The images.
    reader
        Reads their descriptors.
    """

    images: Sequence[Image]
    reader: DescriptorReader

    def cell_data(
        self,
        cell: AnyCell,
        split: Split,
        specification: RunSpecification,
        report: Callable[[Progress], None] = ignore,
        should_stop: Callable[[], bool] = never,
    ) -> CellData:
        """Return what the SVMs of a cell are trained and tested on.

        A codebook is learned from the training images of its fold alone.

        Parameters
        ----------
        cell
            The cell or fusion.
        split
            Positions in `images`.
        specification
            Says how many words a codebook has, and its seed.
        report, should_stop
            Called with the progress of encodings, and asked between their steps.
        """
        words = (specification.n_words, specification.seed)
        heard = (report, should_stop)

        def descriptors(fold: Fold) -> np.ndarray:
            train = [self.images[i] for i in fold.train]
            described = []
            for member in members(cell):
                codebook = self.reader.learn_codebook(train, member, *words, *heard)
                described.append(self.reader.describe(self.images, member, codebook, *heard))
            return concatenate(described)

        learns = any(member.is_encoded for member in members(cell))
        return CellData(self.images, split, descriptors, same_in_all_folds=not learns)
