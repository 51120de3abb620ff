"""A data set: named images with a label each, perhaps a split and a group."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from medrecog_core.errors import MedrecogError, UsageError

SPLITS = ("train", "test", "val")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class ImageRecord:
    """One image of a data set.

    Attributes
    ----------
    path
        Relative to the data set's root, with forward slashes; also its identity.
    label
        Its class.
    split
        `train`, `test`, `val`, or empty where the data set gives none.
    group
        Patient, lesion or whatever must stay on one side of a split; empty where unknown.
    """

    path: str
    label: str
    split: str = ""
    group: str = ""

    def __post_init__(self) -> None:
        if not self.label:
            raise MedrecogError(f"The image {self.path} has an empty label: give it one.")
        if self.split not in ("", *SPLITS):
            raise MedrecogError(
                f"The split “{self.split}” of {self.path} is unknown: use train, test or val."
            )
        if PurePosixPath(self.path).is_absolute() or ".." in PurePosixPath(self.path).parts:
            raise MedrecogError(f"The image {self.path} lies outside the data set's folder.")


@dataclass(frozen=True)
class LeftOut:
    """A file or table row that did not become an image of the data set, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Images of at least two classes under one root folder.

    Attributes
    ----------
    name
        Lower-case letters, digits, `-` and `_`.
    root
        Absolute path of the folder the images lie under.
    images
        The images, sorted by path.
    layout
        In words, how the labels were found.
    synthetic
        Whether the pictures were drawn by the program; said wherever they are shown.
    left_out
        What was found and not taken in.

    Raises
    ------
    UsageError
        If the name has other characters.
    MedrecogError
        If there are fewer than two classes, or two images share a path.
    """

    name: str
    root: Path
    images: tuple[ImageRecord, ...]
    layout: str
    synthetic: bool = False
    left_out: tuple[LeftOut, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.classes) < 2:
            found = f"{_count(len(self.images), 'image')} of {_count(len(self.classes), 'class')}"
            raise MedrecogError(
                f"{self.root} holds {found}: a data set needs images of at least two classes."
            )
        repeated = [p for p, n in Counter(i.path for i in self.images).items() if n > 1]
        if repeated:
            raise MedrecogError(
                f"The image {repeated[0]} stands more than once in the data set: keep one of them."
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({image.label for image in self.images}))

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that the data set gives, train first; empty where it gives none."""
        given = {image.split for image in self.images}
        return tuple(split for split in SPLITS if split in given)

    @property
    def groups(self) -> frozenset[str]:
        """The groups that are known."""
        return frozenset(image.group for image in self.images if image.group)

    def absolute_path(self, image: ImageRecord) -> Path:
        """Return where the image file lies on this machine."""
        return self.root / image.path


def check_name(name: str) -> str:
    """Return the name if a data set, model or run may bear it.

    Raises
    ------
    UsageError
        If it may not.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"“{name}” cannot be a name: use up to 64 lower-case letters, digits, - and _, "
            "beginning with a letter or digit."
        )
    return name


def _count(n: int, noun: str) -> str:
    plural = {"class": "classes"}.get(noun, f"{noun}s")
    return f"{n} {noun if n == 1 else plural}"
