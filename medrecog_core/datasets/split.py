"""Split: training and test images of each fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.wording import counted


@dataclass(frozen=True)
class Fold:
    """Training and test part: ascending positions in the list of images."""

    train: tuple[int, ...]
    test: tuple[int, ...]


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

    kind: str
    folds: tuple[Fold, ...]
    n_leaking_groups: int = 0

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
        KeyError, TypeError, ValueError
            If the document is not valid.
        """
        folds = tuple(
            Fold(tuple(map(int, fold["train"])), tuple(map(int, fold["test"])))
            for fold in document["folds"]
        )
        if not folds:
            raise ValueError("a split has at least one fold")
        return cls(str(document["kind"]), folds, int(document["n_leaking_groups"]))

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
