"""Seeded, stratified hold-out."""

from collections import Counter
from collections.abc import Sequence
from shlex import quote

import numpy as np

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.datasets.split import Fold
from medrecog_core.errors import MedrecogError
from medrecog_core.images import stratified_folds

HOLD_OUT_FOLDS = 4
"""A hold-out tests on one of this many stratified folds, that is on a quarter of the images."""

PART_OF_FOLDS = {2: "half", 3: "a third", HOLD_OUT_FOLDS: "a quarter"}


def hold_out(images: Sequence[ImageRecord], groups: np.ndarray, seed: int) -> tuple[Fold, int]:
    """Return the training and test positions, and the number of folds.

    Parameters
    ----------
    images
        The images.
    groups
        Group of each image; images of one group stay on one side.
    seed
        Random seed of the order of groups.

    Raises
    ------
    MedrecogError
        If a class has a single group.
    """
    labels = np.array([image.label for image in images])
    groups_of = n_groups_by_label(labels, groups)
    n_folds = min(HOLD_OUT_FOLDS, max(groups_of.values()))
    parts = stratified_folds(labels, groups, n_folds, seed)
    train, test = min(parts, key=lambda part: _distance_from_whole(labels, *part))
    return _with_every_class_in_training(labels, groups, train, test), n_folds


def n_groups_by_label(labels: np.ndarray, groups: np.ndarray) -> Counter[str]:
    """Return how many groups each class has.

    Raises
    ------
    MedrecogError
        If a class has only one, which cannot be both trained on and tested.
    """
    groups_of = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    for label, n_groups in sorted(groups_of.items()):
        if n_groups < 2:
            n_images = int((labels == label).sum())
            held = "1 image" if n_images == 1 else f"{n_images} images of a single group"
            raise MedrecogError(
                f"The class “{label}” has only {held}, which cannot be both trained on and "
                "tested. Add images to it, or exclude it (“datasets classes NAME --exclude-class "
                f"{quote(label)}”)."
            )
    return groups_of


def _with_every_class_in_training(
    labels: np.ndarray, groups: np.ndarray, train: np.ndarray, test: np.ndarray
) -> Fold:
    """Move small groups from the test to the training part if a class has none there.

    If groups have images of several classes, every fold may lack a class. Every class has two
    groups, so one group stays in the test part.
    """
    tested = np.zeros(len(labels), dtype=bool)
    tested[test] = True
    for label in np.unique(labels):
        if tested[labels == label].all():
            candidates = np.unique(groups[labels == label])
            smallest = min(candidates, key=lambda name: int((groups == name).sum()))
            tested[groups == smallest] = False
    return Fold(tuple(np.flatnonzero(~tested).tolist()), tuple(np.flatnonzero(tested).tolist()))


def _distance_from_whole(
    labels: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[int, int, float]:
    """Classes missing from training, classes missing from the test, difference in proportions."""
    classes = np.unique(labels)
    whole, tested = (
        np.array([(part == label).mean() for label in classes]) for part in (labels, labels[test])
    )
    return (
        len(classes) - len(np.unique(labels[train])),
        len(classes) - len(np.unique(labels[test])),
        float(np.abs(tested - whole).sum()),
    )
