"""Which images an SVM learns from and which it is tested on."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.errors import MedrecogError

HOLD_OUT_FOLDS = 4
"""A hold-out tests on one of so many stratified folds: a quarter of the images."""

_PART_OF_FOLDS = {2: "half", 3: "a third", HOLD_OUT_FOLDS: "a quarter"}


@dataclass(frozen=True)
class Partition:
    """Training and test images of a data set.

    Attributes
    ----------
    train, test
        Positions in the list of images, ascending.
    kind
        In words, how the two parts were chosen.
    n_leaking_groups
        Groups with images in both parts.
    """

    train: tuple[int, ...]
    test: tuple[int, ...]
    kind: str
    n_leaking_groups: int


def split_images(images: Sequence[ImageRecord], seed: int) -> Partition:
    """Return the data set's own split where it has train and test, else a seeded hold-out.

    The hold-out is stratified by class and keeps groups whole (scikit-learn's
    `StratifiedGroupKFold`; an image without a group is a group of its own); it tests on about a
    quarter of the images, on more where no class has so many groups. Beside a given train and test,
    images of `val` are left out, as the report did (section 2.2).

    Raises
    ------
    MedrecogError
        If a class would have no image to learn from or the test part would be empty.
    """
    given = {image.split for image in images}
    if {"train", "test"} <= given:
        train = [i for i, image in enumerate(images) if image.split == "train"]
        test = [i for i, image in enumerate(images) if image.split == "test"]
        unused = len(images) - len(train) - len(test)
        kind = "given split" + (f", {unused} images of neither part unused" if unused else "")
    else:
        train, test, n_folds = _hold_out(images, seed)
        kind = f"stratified hold-out of {_PART_OF_FOLDS[n_folds]}, seed {seed}"
        if any(image.group for image in images):
            kind += ", groups kept whole"
    _check_classes(images, train, test)
    leaking = {images[i].group for i in train} & {images[i].group for i in test} - {""}
    return Partition(tuple(train), tuple(test), kind, len(leaking))


def _hold_out(images: Sequence[ImageRecord], seed: int) -> tuple[list[int], list[int], int]:
    """Return the training and test positions, and of how many folds the test is one."""
    from sklearn.model_selection import StratifiedGroupKFold

    labels = np.array([image.label for image in images])
    groups = np.array([image.group or f"/{image.path}" for image in images])
    groups_of = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    for label, n_groups in sorted(groups_of.items()):
        if n_groups < 2:
            n_images = int((labels == label).sum())
            held = "1 image" if n_images == 1 else f"{n_images} images of a single group"
            raise MedrecogError(
                f"The class “{label}” has {held}, too few to learn from and to test on: "
                "add images to it or leave the class out."
            )
    n_folds = min(HOLD_OUT_FOLDS, max(groups_of.values()))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # A class with fewer groups than folds is no mistake here: one fold is enough.
        warnings.simplefilter("ignore", UserWarning)
        parts = list(folds.split(labels, labels, groups))
    train, test = min(parts, key=lambda part: _distance_from_whole(labels, *part))
    return *_with_every_class_in_training(labels, groups, train, test), n_folds


def _with_every_class_in_training(
    labels: np.ndarray, groups: np.ndarray, train: np.ndarray, test: np.ndarray
) -> tuple[list[int], list[int]]:
    """Move small groups from the test to training, where a class has none there.

    Groups with images of several classes can leave no fold without a class of its own. Every class
    has two groups, so the last one moved leaves another in the test.
    """
    tested = np.zeros(len(labels), dtype=bool)
    tested[test] = True
    for label in np.unique(labels):
        if tested[labels == label].all():
            candidates = np.unique(groups[labels == label])
            smallest = min(candidates, key=lambda name: int((groups == name).sum()))
            tested[groups == smallest] = False
    return np.flatnonzero(~tested).tolist(), np.flatnonzero(tested).tolist()


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


def _check_classes(images: Sequence[ImageRecord], train: list[int], test: list[int]) -> None:
    learnt = {images[i].label for i in train}
    unlearnt = sorted({images[i].label for i in test} - learnt)
    if unlearnt:
        raise MedrecogError(
            f"The class “{unlearnt[0]}” has test images but none to train on: "
            "mend the split or leave the class out."
        )
    if len(learnt) < 2 or not test:
        raise MedrecogError(
            "The split leaves fewer than two classes to train on, or nothing to test on: mend it."
        )
