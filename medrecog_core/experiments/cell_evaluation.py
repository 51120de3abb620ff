"""Training and testing the SVMs of a cell, fold by fold."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from medrecog_core.classification import (
    ScoredImages,
    SvmPath,
    estimate,
    measure,
    train_choosing_c,
    train_svms,
)
from medrecog_core.datasets import Fold, ImageRecord, Split, unit_of
from medrecog_core.experiments.cell_result import CellResult, FoldResult
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.features import AnyCell
from medrecog_core.jobs.progress import never, stop_if

INNER_FOLDS = 5
"""Folds of the cross-validation that chooses C within a training part."""


@dataclasses.dataclass(frozen=True)
class CellData:
    """What the SVMs of a cell are trained and tested on.

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

    images: Sequence[ImageRecord]
    split: Split
    descriptors: Callable[[Fold], np.ndarray]
    same_in_all_folds: bool = True


def evaluate_cell(
    cell: AnyCell,
    data: CellData,
    specification: RunSpecification,
    should_stop: Callable[[], bool] = never,
) -> tuple[CellResult, np.ndarray]:
    """Train an SVM a fold and test it.

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
    labels = [image.label for image in data.images]
    folds = data.split.folds
    # Folds that share descriptors are trained together, on products computed once.
    together = [folds] if data.same_in_all_folds else [(fold,) for fold in folds]
    scores, Cs = [], []
    for group in together:
        stop_if(should_stop())
        descriptors = data.descriptors(group[0])
        trained = _train(descriptors, data.images, labels, group, specification, should_stop)
        for C, path in trained:
            scores.append(path.at(C)[1])
            Cs.append(C)
        classes = trained[0][1].classes
    result = _result(cell, data, classes, scores, Cs)
    return dataclasses.replace(result, seconds=time.monotonic() - start), np.concatenate(scores)


def _train(
    descriptors: np.ndarray,
    images: Sequence[ImageRecord],
    labels: Sequence[str],
    folds: Sequence[Fold],
    specification: RunSpecification,
    should_stop: Callable[[], bool],
) -> list[tuple[float, SvmPath]]:
    """Return each fold's C and SVMs; C is chosen where there are several to choose from."""
    parts = [(fold.train, fold.test) for fold in folds]
    options: dict[str, Any] = {
        "class_weight": specification.class_weight,
        "normalisation": specification.normaliser,
        "seed": specification.seed,
        "check": lambda: stop_if(should_stop()),
    }
    Cs = specification.C
    if len(Cs) == 1:
        return [(Cs[0], p) for p in train_svms(descriptors, labels, parts, Cs, **options)]
    groups = [image.group for image in images] if specification.keep_groups else None
    chosen = train_choosing_c(
        descriptors, labels, parts, Cs, groups=groups, n_folds=INNER_FOLDS, **options
    )
    return [(choice.C, path) for choice, path in chosen]


def _result(
    cell: AnyCell,
    data: CellData,
    classes: Sequence[str],
    scores: Sequence[np.ndarray],
    Cs: Sequence[float],
) -> CellResult:
    tested = [data.images[i] for i in data.split.tested]
    labels = [image.label for image in tested]
    every = np.concatenate(scores)
    scored = ScoredImages.of(
        labels, every, classes, groups=[unit_of(image.group, image.path) for image in tested]
    )
    accuracy = estimate(scored, ["accuracy"])["accuracy"]
    metrics = dataclasses.replace(
        measure(labels, every, classes), accuracy_interval=(accuracy.low, accuracy.high)
    )
    folds = []
    for fold, of_fold, C in zip(data.split.folds, scores, Cs, strict=True):
        predicted = np.asarray(classes)[of_fold.argmax(axis=1)]
        right = [
            data.images[i].label == label for i, label in zip(fold.test, predicted, strict=True)
        ]
        folds.append(FoldResult(len(fold.train), len(fold.test), float(np.mean(right)), C))
    return CellResult(
        cell,
        metrics,
        n_train=min(fold.n_train for fold in folds),
        n_test=len(set(data.split.tested)),
        seconds=0.0,
        folds=tuple(folds),
    )
