"""Splitting of images into training and test folds by a protocol."""

from collections.abc import Sequence
from shlex import quote

import numpy as np

from medrecog_core.datasets.dataset import ImageRecord, unit_of
from medrecog_core.datasets.hold_out import PART_OF_FOLDS, hold_out, n_groups_by_label
from medrecog_core.datasets.protocol import Protocol
from medrecog_core.datasets.split import Fold, Split, n_leaking_groups
from medrecog_core.errors import MedrecogError
from medrecog_core.images import stratified_folds
from medrecog_core.wording import counted

MAX_LEFT_OUT_GROUPS = 500
"""Leave-one-group-out trains a classifier per group; above this limit, k-fold is as informative."""


def split_images(images: Sequence[ImageRecord], protocol: Protocol | None = None) -> Split:
    """Return the folds of a data set's images according to a protocol.

    Hold-out and k-fold are stratified by class and, unless the protocol says otherwise, keep groups
    whole (scikit-learn's `StratifiedGroupKFold`; an image without a group is its own group). The
    hold-out tests on about a quarter of the images, or more if no class has enough groups. With a
    given split, images of `val` are ignored, as in the 2018 report (section 2.2); with given folds,
    those in no fold. A given split is not changed even if groups are in both parts; these are
    counted.

    Parameters
    ----------
    images
        The images, of at least two classes.
    protocol
        Default: `auto` with seed 0.

    Raises
    ------
    MedrecogError
        If the images cannot be split this way: a class would have no training images, the test part
        would be empty, or a given split, given folds or groups are missing.
    """
    protocol = protocol or Protocol()
    kind = resolved_kind(images, protocol)
    words, folds = {
        "given": _given,
        "given-folds": _given_folds,
        "hold-out": _hold_out,
        "k-fold": _k_fold,
        "leave-one-group-out": _leave_one_group_out,
    }[kind](images, protocol)
    is_given = kind in ("given", "given-folds")
    mend = "fix the split" if is_given else "choose fewer folds or another seed"
    for fold in folds:
        _check_classes(images, fold, mend)
    return Split(words, folds, n_leaking_groups(images, folds))


def resolved_kind(images: Sequence[ImageRecord], protocol: Protocol) -> str:
    """Return the kind of a protocol; for `auto`, the one chosen for the images."""
    if protocol.kind != "auto":
        return protocol.kind
    if {"train", "test"} <= {image.split for image in images}:
        return "given"
    return "given-folds" if len(given_folds(images)) > 1 else "hold-out"


def given_folds(images: Sequence[ImageRecord]) -> tuple[str, ...]:
    """Return the names of the given folds, numbers by their value."""
    names = {image.fold for image in images if image.fold}
    return tuple(sorted(names, key=lambda name: (not name.isdecimal(), len(name), name)))


def _given_folds(images: Sequence[ImageRecord], _: Protocol) -> tuple[str, tuple[Fold, ...]]:
    names = given_folds(images)
    if len(names) < 2:
        raise MedrecogError(
            "The data set has no folds. Choose another protocol, or add the data set with a "
            "column of fold numbers (--split-column)."
            if not names
            else f"The data set has only the fold “{names[0]}”. Choose another protocol."
        )
    used = [i for i, image in enumerate(images) if image.fold]
    folds = tuple(
        Fold(
            tuple(i for i in used if images[i].fold != name),
            tuple(i for i in used if images[i].fold == name),
        )
        for name in names
    )
    words = f"cross-validation over the {len(names)} given folds"
    unused = len(images) - len(used)
    return words + (f", {counted(unused, 'image')} of no fold unused" if unused else ""), folds


def _given(images: Sequence[ImageRecord], _: Protocol) -> tuple[str, tuple[Fold, ...]]:
    train, test = (
        tuple(i for i, image in enumerate(images) if image.split == part)
        for part in ("train", "test")
    )
    if not (train and test):
        raise MedrecogError(
            "The data set has no split into train and test. Choose another protocol."
        )
    unused = len(images) - len(train) - len(test)
    words = "given split" + (f", {unused} images of neither part unused" if unused else "")
    return words, (Fold(train, test),)


def _hold_out(images: Sequence[ImageRecord], protocol: Protocol) -> tuple[str, tuple[Fold, ...]]:
    fold, n_folds = hold_out(images, _groups(images, protocol.keep_groups), protocol.seed)
    words = f"stratified hold-out of {PART_OF_FOLDS[n_folds]}, seed {protocol.seed}"
    return words + _about_groups(images, protocol.keep_groups), (fold,)


def _k_fold(images: Sequence[ImageRecord], protocol: Protocol) -> tuple[str, tuple[Fold, ...]]:
    labels = np.array([image.label for image in images])
    groups = _groups(images, protocol.keep_groups)
    most = max(n_groups_by_label(labels, groups).values())
    if most < protocol.n_folds:
        raise MedrecogError(
            f"No class has enough images for {protocol.n_folds} folds. Choose {most} or fewer."
        )
    folds = []
    for repeat in range(protocol.n_repeats):
        parts = stratified_folds(labels, groups, protocol.n_folds, protocol.seed + repeat)
        folds += [Fold(tuple(train.tolist()), tuple(test.tolist())) for train, test in parts]
    words = f"stratified {protocol.n_folds}-fold cross-validation, seed {protocol.seed}"
    if protocol.n_repeats > 1:
        words += f", {protocol.n_repeats} times"
    return words + _about_groups(images, protocol.keep_groups), tuple(folds)


def _leave_one_group_out(
    images: Sequence[ImageRecord], _: Protocol
) -> tuple[str, tuple[Fold, ...]]:
    if not any(image.group for image in images):
        raise MedrecogError(
            "The data set has no groups (patients, lesions). Choose another protocol, or add the "
            "data set with a group column."
        )
    groups = _groups(images, keep=True)
    names = np.unique(groups)
    if len(names) > MAX_LEFT_OUT_GROUPS:
        raise MedrecogError(
            f"Leave-one-group-out would train {len(names):,} classifiers per cell, more than the "
            f"{MAX_LEFT_OUT_GROUPS} allowed. Choose k-fold, which also keeps groups whole."
        )
    folds = tuple(
        Fold(
            tuple(np.flatnonzero(groups != name).tolist()),
            tuple(np.flatnonzero(groups == name).tolist()),
        )
        for name in names
    )
    return f"leave-one-group-out of {len(names)} groups", folds


def _groups(images: Sequence[ImageRecord], keep: bool) -> np.ndarray:
    return np.array([unit_of(image.group if keep else "", image.path) for image in images])


def _about_groups(images: Sequence[ImageRecord], kept: bool) -> str:
    if not any(image.group for image in images):
        return ""
    return ", groups kept whole" if kept else ", groups NOT kept whole"


def _check_classes(images: Sequence[ImageRecord], fold: Fold, mend: str) -> None:
    learnt = {images[i].label for i in fold.train}
    unlearnt = sorted({images[i].label for i in fold.test} - learnt)
    if unlearnt:
        raise MedrecogError(
            f"The class “{unlearnt[0]}” has test images but no training images. Exclude it "
            f"(“datasets classes NAME --exclude-class {quote(unlearnt[0])}”), or {mend}."
        )
    if len(learnt) < 2 or not fold.test:
        raise MedrecogError(
            "The split leaves fewer than two training classes, or no test images. To continue, "
            f"{mend}."
        )
