"""Choosing a classifier's hyper-parameter by cross-validation inside the training part."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.classifier import (
    Classifier,
    Fold,
    ScoredPath,
    TrainingOptions,
)
from medrecog_core.errors import UsageError
from medrecog_core.images import stratified_folds

CRITERIA = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True)
class Choice:
    """The value of the hyper-parameter that did best inside a training part.

    Attributes
    ----------
    value
        The smallest of the best.
    values
        What there was to choose from, ascending.
    results
        The criterion for each of `values`, over the images of all inner folds together.
    n_folds
        Inner folds that could be used.
    """

    value: float
    values: tuple[float, ...]
    results: tuple[float, ...]
    n_folds: int


def choose_value(
    classifier: Classifier,
    descriptors: np.ndarray,
    labels: Sequence[str],
    values: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    n_folds: int = 5,
    criterion: str = "accuracy",
    options: TrainingOptions,
) -> Choice:
    """Choose by stratified cross-validation, on nothing but the training part given.

    Parameters
    ----------
    classifier
        What is trained.
    descriptors
        Of the training images, shape (n, channels).
    labels
        The n labels.
    values
        To choose from; of several that do equally well the smallest is taken.
    groups
        A group (patient, lesion) for each image, kept whole; one without a name is an image of its
        own.
    n_folds
        Inner folds; fewer where no class has so many groups.
    criterion
        `accuracy`, or `balanced_accuracy`, the mean recall of the classes.
    options
        Of training, on the training part of each inner fold; the seed is that of the shuffling
        into folds too.

    Raises
    ------
    UsageError
        If the images cannot be divided into folds with two classes to learn from, or an option does
        not exist.
    """
    name = classifier.parameter.name
    inner = _inner_folds(np.arange(len(labels)), labels, groups, n_folds, options.seed, name)
    paths = classifier.score_folds(descriptors, labels, inner, values, options)
    return _best(paths, inner, np.asarray(labels), criterion)


def score_choosing_value(
    classifier: Classifier,
    descriptors: np.ndarray,
    labels: Sequence[str],
    folds: Sequence[Fold],
    values: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    n_folds: int = 5,
    criterion: str = "accuracy",
    options: TrainingOptions,
) -> tuple[tuple[Choice, ScoredPath], ...]:
    """Choose inside the training part of every fold and score its test part.

    The same as `choose_value` on each training part and then `Classifier.score_folds`, but all in
    one call, so that a classifier can share work between folds and inner folds.

    Parameters
    ----------
    classifier, descriptors, labels, folds, values
        As in `Classifier.score_folds`.
    groups, n_folds, criterion, options
        As in `choose_value`.

    Returns
    -------
    tuple
        For each fold the choice and the path; `path.at(choice.value)` are its scores.

    Raises
    ------
    UsageError
        As `choose_value` does.
    """
    name, seed = classifier.parameter.name, options.seed
    inner = [
        _inner_folds(np.asarray(part, int), labels, groups, n_folds, seed, name)
        for part, _ in folds
    ]
    every = [*folds, *(fold for of_part in inner for fold in of_part)]
    paths = classifier.score_folds(descriptors, labels, every, values, options)
    outer, rest = paths[: len(folds)], list(paths[len(folds) :])
    chosen = []
    for path, of_part in zip(outer, inner, strict=True):
        own, rest = rest[: len(of_part)], rest[len(of_part) :]
        chosen.append((_best(own, of_part, np.asarray(labels), criterion), path))
    return tuple(chosen)


def _inner_folds(
    part: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str] | None,
    n_folds: int,
    seed: int,
    name: str,
) -> list[tuple[np.ndarray, np.ndarray]]:
    named = np.asarray(labels)[part]
    of_image = np.array(
        [f"group {groups[i]}" if groups is not None and groups[i] else f"image {i}" for i in part]
    )
    groups_of = [len(np.unique(of_image[named == label])) for label in np.unique(named)]
    n_usable = min(n_folds, max(groups_of, default=0))
    folds: list[tuple[np.ndarray, np.ndarray]] = []
    if n_usable >= 2:
        found = stratified_folds(named, of_image, n_usable, seed, simple_without_groups=True)
        folds = [
            (part[train], part[test])
            for train, test in found
            if len(test) and len(np.unique(named[train])) >= 2
        ]
    if not folds:
        raise UsageError(
            f"{name} cannot be chosen by cross-validation inside the training part, which has too "
            f"few images or groups of a class. Choose a single {name}, or add images."
        )
    return folds


def _best(
    paths: Sequence[ScoredPath], folds: Sequence[Fold], labels: np.ndarray, criterion: str
) -> Choice:
    if criterion not in CRITERIA:
        raise UsageError(f"Unknown criterion “{criterion}”. Available: {', '.join(CRITERIA)}.")
    truth = np.concatenate([labels[np.asarray(test)] for _, test in folds])
    results = []
    for i in range(len(paths[0].values)):
        predicted = np.concatenate(
            [np.array(path.classes)[path.scores[i].argmax(axis=1)] for path in paths]
        )
        right = predicted == truth
        recalls = [right[truth == label].mean() for label in np.unique(truth)]
        results.append(float(right.mean() if criterion == "accuracy" else np.mean(recalls)))
    # Counts that are equal give equal numbers, and the first of them is the smallest value.
    values = paths[0].values
    return Choice(values[int(np.argmax(results))], values, tuple(results), len(folds))
