"""Choosing C by cross-validation inside the training part."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.normalisation import L2, Normalisation
from medrecog_core.classification.squared_hinge import no_check
from medrecog_core.classification.training import Fold, SvmPath, train_svms
from medrecog_core.errors import UsageError

CRITERIA = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True)
class ChosenC:
    """The C that did best inside a training part.

    Attributes
    ----------
    C
        The smallest of the best.
    Cs
        What there was to choose from, ascending.
    values
        The criterion for each of `Cs`, over the images of all inner folds together.
    n_folds
        Inner folds that could be used.
    """

    C: float
    Cs: tuple[float, ...]
    values: tuple[float, ...]
    n_folds: int


def choose_c(
    descriptors: np.ndarray,
    labels: Sequence[str],
    Cs: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    n_folds: int = 5,
    seed: int = 0,
    class_weight: str = "none",
    normalisation: Normalisation = L2,
    criterion: str = "accuracy",
    check: Callable[[], None] = no_check,
) -> ChosenC:
    """Choose C by stratified cross-validation, on nothing but the training part given.

    Parameters
    ----------
    descriptors
        Of the training images, shape (n, channels).
    labels
        The n labels.
    Cs
        To choose from; of several that do equally well the smallest is taken.
    groups
        A group (patient, lesion) for each image, kept whole; one without a name is an image of its
        own.
    n_folds
        Inner folds; fewer where no class has so many groups.
    seed
        Of the shuffling into folds.
    class_weight, normalisation
        As in `train_svms`; fitted on the training part of each inner fold.
    criterion
        `accuracy`, or `balanced_accuracy`, the mean recall of the classes.
    check
        As in `train_svms`.

    Raises
    ------
    UsageError
        If the images cannot be divided into folds with two classes to learn from, or an option does
        not exist.
    """
    inner = _inner_folds(np.arange(len(labels)), labels, groups, n_folds, seed)
    paths = train_svms(
        descriptors,
        labels,
        inner,
        Cs,
        class_weight=class_weight,
        normalisation=normalisation,
        seed=seed,
        check=check,
    )
    return _best(paths, inner, np.asarray(labels), criterion)


def train_choosing_c(
    descriptors: np.ndarray,
    labels: Sequence[str],
    folds: Sequence[Fold],
    Cs: Sequence[float],
    *,
    groups: Sequence[str] | None = None,
    n_folds: int = 5,
    seed: int = 0,
    class_weight: str = "none",
    normalisation: Normalisation = L2,
    criterion: str = "accuracy",
    check: Callable[[], None] = no_check,
) -> tuple[tuple[ChosenC, SvmPath], ...]:
    """Choose C inside the training part of every fold and train all SVMs of that part.

    The same as `choose_c` on each training part and then `train_svms`, but with one Gram matrix for
    all folds and inner folds where the normalisation allows it.

    Parameters
    ----------
    descriptors, labels, folds, Cs
        As in `train_svms`.
    groups, n_folds, seed, class_weight, normalisation, criterion, check
        As in `choose_c`.

    Returns
    -------
    tuple
        For each fold the choice and the path; `path.at(choice.C)` is the SVM and its scores.

    Raises
    ------
    UsageError
        As `choose_c` does.
    """
    inner = [
        _inner_folds(np.asarray(part, int), labels, groups, n_folds, seed) for part, _ in folds
    ]
    paths = train_svms(
        descriptors,
        labels,
        [*folds, *(fold for of_part in inner for fold in of_part)],
        Cs,
        class_weight=class_weight,
        normalisation=normalisation,
        seed=seed,
        check=check,
    )
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
) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    named = np.asarray(labels)[part]
    of_image = np.array(
        [f"group {groups[i]}" if groups is not None and groups[i] else f"image {i}" for i in part]
    )
    groups_of = [len(np.unique(of_image[named == label])) for label in np.unique(named)]
    n_usable = min(n_folds, max(groups_of, default=0))
    folds: list[tuple[np.ndarray, np.ndarray]] = []
    if n_usable >= 2:
        grouped = len(np.unique(of_image)) < len(part)
        kind = StratifiedGroupKFold if grouped else StratifiedKFold
        splitter = kind(n_usable, shuffle=True, random_state=seed)
        with warnings.catch_warnings():
            # A class with fewer groups than folds is then missing from some tests, no more.
            warnings.simplefilter("ignore", UserWarning)
            found = list(splitter.split(named, named, of_image))
        folds = [
            (part[train], part[test])
            for train, test in found
            if len(test) and len(np.unique(named[train])) >= 2
        ]
    if not folds:
        raise UsageError(
            "C cannot be chosen by cross-validation inside the training part, which has too few "
            "images or groups of a class: choose one C, or add images."
        )
    return folds


def _best(
    paths: Sequence[SvmPath], folds: Sequence[Fold], labels: np.ndarray, criterion: str
) -> ChosenC:
    if criterion not in CRITERIA:
        raise UsageError(
            f"There is no criterion “{criterion}”: choose among {', '.join(CRITERIA)}."
        )
    truth = np.concatenate([labels[np.asarray(test)] for _, test in folds])
    values = []
    for i in range(len(paths[0].Cs)):
        predicted = np.concatenate(
            [np.array(path.classes)[path.scores[i].argmax(axis=1)] for path in paths]
        )
        right = predicted == truth
        recalls = [right[truth == label].mean() for label in np.unique(truth)]
        values.append(float(right.mean() if criterion == "accuracy" else np.mean(recalls)))
    # Counts that are equal give equal numbers, and the first of them is the smallest C.
    return ChosenC(paths[0].Cs[int(np.argmax(values))], paths[0].Cs, tuple(values), len(folds))
