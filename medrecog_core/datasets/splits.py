"""Which images are used, and which of them train and test: sample, protocol and folds."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Annotated, Any

import numpy as np
from pydantic import Field, TypeAdapter

from medrecog_core.bounds import KNOWN_ONLY, Count
from medrecog_core.datasets.dataset import ImageRecord, unit_of
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import stratified_folds
from medrecog_core.wording import counted

PROTOCOLS = ("auto", "given", "given-folds", "hold-out", "k-fold", "leave-one-group-out")
MAX_FOLDS = 100
MAX_REPEATS = 100
_MOST_FOLDS = MAX_FOLDS * MAX_REPEATS
HOLD_OUT_FOLDS = 4
"""A hold-out tests on one of this many stratified folds, that is on a quarter of the images."""
PART_OF_FOLDS = {2: "half", 3: "a third", HOLD_OUT_FOLDS: "a quarter"}
MAX_LEFT_OUT_GROUPS = 500
"""Leave-one-group-out trains a classifier per group; above this limit, k-fold is as informative."""


@dataclass(frozen=True)
class Protocol:
    """A protocol for choosing training and test images.

    Attributes
    ----------
    kind
        `given`: the data set's own split; `given-folds`: each of the data set's own folds is tested
        by a classifier trained on the others; `hold-out`: a stratified quarter is tested; `k-fold`:
        every image is tested once; `leave-one-group-out`: every group is tested by a classifier
        trained on all others; `auto`: given if the data set has a split, otherwise given-folds if
        it has folds, otherwise hold-out.
    n_folds
        Number of folds of k-fold.
    n_repeats
        Number of repeats of k-fold, each with different folds.
    keep_groups
        Whether images of one group (patient, lesion) stay on one side of hold-out and k-fold.
        Otherwise the results are too optimistic; such splits are for measuring leakage.
    seed
        Random seed of hold-out and k-fold.

    Raises
    ------
    UsageError
        If the protocol is unknown, or a number is out of range.
    """

    kind: str = "auto"
    n_folds: int = 5
    n_repeats: int = 1
    keep_groups: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in PROTOCOLS:
            raise UsageError(f"Unknown protocol “{self.kind}”. Available: {', '.join(PROTOCOLS)}.")
        if not 2 <= self.n_folds <= MAX_FOLDS:
            raise UsageError(
                f"{self.n_folds} is not a valid number of folds. Choose 2 to {MAX_FOLDS}."
            )
        if not 1 <= self.n_repeats <= MAX_REPEATS:
            raise UsageError(
                f"{self.n_repeats} is not a valid number of repeats. Choose 1 to {MAX_REPEATS}."
            )


# --- Sample --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """Images drawn from a data set.

    Attributes
    ----------
    images
        The sampled images, in the order of the data set.
    n_all
        Number of images to sample from.
    """

    images: tuple[ImageRecord, ...]
    n_all: int

    @property
    def is_part(self) -> bool:
        """Whether some images were not sampled."""
        return len(self.images) < self.n_all

    @property
    def words(self) -> str:
        """Description of the sample; empty if it contains all images."""
        if not self.is_part:
            return ""
        return f"a sample of {len(self.images):,} of {self.n_all:,} images"


def draw_sample(images: Sequence[ImageRecord], n: int, seed: int) -> Sample:
    """Draw images at random, stratified by class and split.

    Each part of a class (its training and its test images, if there is a given split) keeps its
    share, rounded by largest remainders, and no part is empty. With a given split, images of `val`
    are not sampled, because no run uses them. With given folds instead, each fold of a class keeps
    its share. Groups are not sampled as a whole: a group has a random number of images in the
    sample, which a split keeps on one side.

    Parameters
    ----------
    images
        All images.
    n
        Size of the sample; all images are returned if there are not more.
    seed
        Random seed.

    Raises
    ------
    MedrecogError
        If n is too small to contain every part.
    """
    splits = {image.split for image in images}
    is_given = {"train", "test"} <= splits
    strata: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        if not is_given:
            strata[image.label, image.fold].append(i)
        elif image.split in ("train", "test"):
            strata[image.label, image.split].append(i)
    n_all = sum(map(len, strata.values()))
    if n >= n_all:
        return Sample(tuple(images), len(images))
    # A hold-out needs two images of a class, one for training and one for the test.
    n_parts = Counter(label for label, _ in strata)
    least = [
        min(len(stratum), 1 if is_given or n_parts[label] > 1 else 2)
        for (label, _), stratum in strata.items()
    ]
    if n < sum(least):
        raise MedrecogError(
            f"A sample of {counted(n, 'image')} is too small to train and test every class. Use "
            f"at least {sum(least)} images."
        )
    rng = np.random.default_rng(seed)
    sizes = _share(n, [len(stratum) for stratum in strata.values()], least)
    drawn: list[int] = []
    for stratum, size in zip(strata.values(), sizes, strict=True):
        shuffled = [int(i) for i in rng.permutation(stratum)]
        drawn += _two_groups_first(shuffled, images)[:size]
    return Sample(tuple(images[i] for i in sorted(drawn)), n_all)


def _share(n: int, sizes: list[int], least: list[int]) -> list[int]:
    """Divide n in proportion to sizes by largest remainders, with a minimum for each."""
    exact = np.array(sizes) * n / sum(sizes)
    shares = np.maximum(np.floor(exact).astype(int), least)
    while shares.sum() < n:
        lacking = np.where(shares < sizes, exact - shares, -np.inf)
        shares[lacking.argmax()] += 1
    while shares.sum() > n:
        spare = np.where(shares > least, shares - exact, -np.inf)
        shares[spare.argmax()] -= 1
    return [int(share) for share in shares]


def _two_groups_first(stratum: list[int], images: Sequence[ImageRecord]) -> list[int]:
    """Move an image of another group to the second place if the first two share a group.

    A hold-out keeps groups whole, so a class with two sampled images needs two groups.
    """
    group = images[stratum[0]].group
    if group and len(stratum) > 1:
        other = next((i for i in stratum[1:] if images[i].group != group), stratum[1])
        stratum.remove(other)
        stratum.insert(1, other)
    return stratum


# --- Folds ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fold:
    """Training and test part: ascending positions in the list of images."""

    __pydantic_config__ = KNOWN_ONLY

    train: tuple[Count, ...]
    test: tuple[Count, ...]


@dataclass(frozen=True)
class Split:
    """The folds of a data set.

    Attributes
    ----------
    kind
        Description of how they were chosen.
    folds
        At least one. In k-fold, every image is in one test part of each repeat.
    n_leaking_groups
        Groups (patients, lesions) with images in both parts of a fold, each counted once.
    """

    __pydantic_config__ = KNOWN_ONLY

    kind: str
    folds: Annotated[tuple[Fold, ...], Field(min_length=1, max_length=_MOST_FOLDS)]
    n_leaking_groups: Count = 0

    @property
    def leaks(self) -> bool:
        """Whether a classifier is tested on groups that it was trained on."""
        return self.n_leaking_groups > 0

    @property
    def trained(self) -> tuple[int, ...]:
        """Positions of the images that some classifier is trained on, ascending."""
        return tuple(sorted({i for fold in self.folds for i in fold.train}))

    @property
    def tested(self) -> tuple[int, ...]:
        """Positions of the test images, fold after fold: one per row of the scores of a cell."""
        return tuple(i for fold in self.folds for i in fold.test)

    def without_unused(self) -> "tuple[tuple[int, ...], Split]":
        """Return the positions of the images in any fold, and the split of these images."""
        used = tuple(sorted({*self.trained, *self.tested}))
        new = {old: position for position, old in enumerate(used)}
        folds = tuple(
            Fold(tuple(new[i] for i in fold.train), tuple(new[i] for i in fold.test))
            for fold in self.folds
        )
        return used, Split(self.kind, folds, self.n_leaking_groups)

    def to_document(self) -> dict[str, Any]:
        """Return the split as JSON values."""
        return {
            "kind": self.kind,
            "folds": [{"train": list(f.train), "test": list(f.test)} for f in self.folds],
            "n_leaking_groups": self.n_leaking_groups,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Split":
        """Return the split in a document of `to_document`.

        Raises
        ------
        ValueError
            If the document is not valid.
        """
        return _SPLIT.validate_python(document)

    def rows(self, images: Sequence[ImageRecord]) -> list[dict[str, str]]:
        """Return the split as a table, with one row per image and one column per fold.

        Parameters
        ----------
        images
            The images that were split.

        Returns
        -------
        list of dict
            `path`, `label`, `group`, and `fold 1` and so on, or `split` if there is one fold:
            `train`, `test` or empty. With one fold, the table can be used as a label file.
        """
        names = [f"fold {k}" for k in range(1, len(self.folds) + 1)]
        if len(self.folds) == 1:
            names = ["split"]
        rows = [
            {"path": i.path, "label": i.label, "group": i.group} | dict.fromkeys(names, "")
            for i in images
        ]
        for name, fold in zip(names, self.folds, strict=True):
            for part, positions in (("train", fold.train), ("test", fold.test)):
                for position in positions:
                    rows[position][name] = part
        return rows


_SPLIT = TypeAdapter(Split)


def describe_leak(n_groups: int) -> str:
    """Return a sentence on results whose split has leaking groups."""
    return (
        f"Leakage: {counted(n_groups, 'group')} {'has' if n_groups == 1 else 'have'} images in "
        "both training and test sets, so the results are too optimistic."
    )


def n_leaking_groups(images: Sequence[ImageRecord], folds: Sequence[Fold]) -> int:
    """Return how many groups have images in both parts of a fold."""
    leaking: set[str] = set()
    for fold in folds:
        trained, tested = ({images[i].group for i in part} for part in (fold.train, fold.test))
        leaking |= trained & tested
    return len(leaking - {""})


# --- Hold-out ------------------------------------------------------------------------------------


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


# --- By a protocol -------------------------------------------------------------------------------


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
