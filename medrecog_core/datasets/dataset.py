"""A data set: named images with a label each, perhaps a split and a group."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from medrecog_core.datasets.counting import counted
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import PLAIN, Rendering

SPLITS = ("train", "test", "val")

CHOSEN = "chosen"
"""Kind of the exclusions that someone made of single images, not for a finding."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OF_ANOTHER = ("a companion of", "an exact copy of")
_WARNING_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class FileState:
    """What an image file was when the data set took it in.

    Attributes
    ----------
    sha256
        Of its bytes, in hexadecimal.
    n_bytes
        Its size.
    modified
        When it was last written to, in nanoseconds since 1970. It only tells which files need not
        be hashed again, and is no part of any identity.
    width, height
        In pixels, as stored; 0 where the file has no header of an image.
    mode
        Pillow's mode of the stored pixels, such as `L`, `RGB` or `I;16`; empty likewise.
    n_frames
        Frames or slices of the file.
    """

    sha256: str
    n_bytes: int
    modified: int
    width: int = 0
    height: int = 0
    mode: str = ""
    n_frames: int = 1


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of a data set.

    Attributes
    ----------
    path
        Relative to the data set's root, with forward slashes; also its identity. Of one frame of a
        file with several, `FILE#FRAME`.
    label
        Its class.
    split
        `train`, `test`, `val`, or empty where the data set gives none.
    group
        Patient, lesion or whatever must stay on one side of a split; empty where unknown. Frames
        of a file for which it is not given are a group, named after the file.
    file
        What its file was when the data set took it in; None where the file was not there, or has
        not been looked at yet.
    fold
        Name of the given fold of a cross-validation that tests the image; empty where none is
        given.
    frame
        Number of the frame, from 0, where each frame of a file is an image of its own; else None.

    Raises
    ------
    MedrecogError
        If the label is empty, the split unknown, the path outside the data set's folder, or not
        that of the frame.
    """

    path: str
    label: str
    split: str = ""
    group: str = ""
    file: FileState | None = None
    fold: str = ""
    frame: int | None = None

    def __post_init__(self) -> None:
        if not self.label:
            raise MedrecogError(f"The image {self.path} has an empty label: give it one.")
        if self.split not in ("", *SPLITS):
            raise MedrecogError(
                f"The split “{self.split}” of {self.path} is unknown: use train, test or val."
            )
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise MedrecogError(f"The image {self.path} lies outside the data set's folder.")
        if self.frame is not None and (
            self.frame < 0 or not self.path.endswith(f"#{self.frame}") or not self.file_path
        ):
            raise MedrecogError(
                f"The path {self.path} is not that of frame {self.frame} of a file."
            )
        if self.frame is not None and not self.group:
            object.__setattr__(self, "group", self.file_path)

    @property
    def file_path(self) -> str:
        """Path of its file, relative to the data set's root."""
        return self.path if self.frame is None else self.path.removesuffix(f"#{self.frame}")

    @property
    def content(self) -> tuple[str, int | None] | None:
        """What it shows: the file's SHA-256 and the frame; None where the file has no state."""
        return None if self.file is None else (self.file.sha256, self.frame)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or table row that did not become an image of the data set, and why."""

    path: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without the name of another file, to count entries by."""
        kind = next((kind for kind in _OF_ANOTHER if self.reason.startswith(f"{kind} ")), "")
        return f"{kind} another file" if kind else self.reason


@dataclass(frozen=True)
class DatasetWarning:
    """What an import decided that people should know.

    Attributes
    ----------
    id
        Kind of the warning, in kebab-case.
    message
        In words: what was decided, and how to decide otherwise.
    paths
        What it is about, relative to the data set's root.

    Raises
    ------
    ValueError
        If the id is not in kebab-case.
    """

    id: str
    message: str
    paths: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _WARNING_ID.fullmatch(self.id):
            raise ValueError(f"“{self.id}” is not the id of a warning")


@dataclass(frozen=True)
class Exclusion:
    """An image of the data set that runs leave out, and why.

    Attributes
    ----------
    image
        The image.
    finding
        Kind of the health report's finding it was excluded for, or `chosen` where someone chose
        it.
    reason
        In words.
    """

    image: ImageRecord
    finding: str
    reason: str


@dataclass(frozen=True)
class Dataset:
    """Images of at least two classes under one root folder: an immutable manifest.

    Attributes
    ----------
    name
        Lower-case letters, digits, `-` and `_`.
    root
        Absolute path of the folder the images lie under.
    images
        The images in use, sorted by path.
    layout
        In words, how the labels were found.
    synthetic
        Whether the pictures were drawn by the program; said wherever they are shown.
    left_out
        What was found and not taken in.
    excluded
        Images that were taken in and are excluded, sorted by path; they are not among `images`.
    rendering
        How stored values become pictures; fixed when the data set is imported.
    warnings
        What the import decided.
    unlabelled
        Paths of images without a label, relative to the root, sorted; they are kept apart, for
        models to classify.

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
    excluded: tuple[Exclusion, ...] = ()
    rendering: Rendering = PLAIN
    warnings: tuple[DatasetWarning, ...] = ()
    unlabelled: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.classes) < 2:
            n_classes = counted(len(self.classes), "class", "classes")
            found = f"{counted(len(self.images), 'image')} of {n_classes}"
            raise MedrecogError(
                f"{self.root} holds {found}: a data set needs images of at least two classes."
            )
        repeated = [p for p, n in Counter(i.path for i in self.every_image).items() if n > 1]
        if repeated:
            raise MedrecogError(
                f"The image {repeated[0]} stands more than once in the data set: keep one of them."
            )

    @cached_property
    def every_image(self) -> tuple[ImageRecord, ...]:
        """The images in use and the excluded ones, sorted by path."""
        if not self.excluded:
            return self.images
        both = (*self.images, *(exclusion.image for exclusion in self.excluded))
        return tuple(sorted(both, key=lambda image: image.path))

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256, in hexadecimal, of everything that decides what a run sees.

        That is every image's path, label, split, group, fold, frame and content, which are
        excluded, and the rendering; not where the folder lies, nor what the data set is called.
        """
        digest = hashlib.sha256()
        for image in self.every_image:
            sha256 = image.file.sha256 if image.file else ""
            row: list[Any] = [image.path, image.label, image.split, image.group, sha256]
            # What is as usual adds nothing, so that data sets of version 0.1.0 keep theirs.
            if image.fold or image.frame is not None:
                row += [image.fold, image.frame]
            digest.update(json.dumps(row).encode() + b"\n")
        excluded = [exclusion.image.path for exclusion in self.excluded]
        digest.update(json.dumps({"excluded": excluded}).encode())
        if self.rendering.identity:
            digest.update(json.dumps({"rendering": self.rendering.identity}).encode())
        return digest.hexdigest()

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The labels, sorted."""
        return tuple(sorted({image.label for image in self.images}))

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """The splits that the data set gives, train first; empty where it gives none."""
        given = {image.split for image in self.images}
        return tuple(split for split in SPLITS if split in given)

    @cached_property
    def groups(self) -> frozenset[str]:
        """The groups that are known."""
        return frozenset(image.group for image in self.images if image.group)

    def absolute_path(self, image: ImageRecord) -> Path:
        """Return where the image file lies on this machine."""
        return self.root / image.file_path

    def rendering_of(self, image: ImageRecord) -> Rendering:
        """Return how an image's stored values become a picture.

        Plain images keep the plain rendering, whatever the data set's, and one of a single frame
        never has it.
        """
        if image.frame is not None:
            return self.rendering.of_frame(image.frame)
        if image.file is None:
            return self.rendering
        return self.rendering.for_file(image.file.mode, image.file.n_frames)

    def excluding(self, exclusions: Iterable[Exclusion]) -> "Dataset":
        """Return the data set with these exclusions in place of those it has.

        Raises
        ------
        MedrecogError
            If images of fewer than two classes would be left.
        """
        excluded = tuple(sorted(exclusions, key=lambda exclusion: exclusion.image.path))
        paths = {exclusion.image.path for exclusion in excluded}
        left = tuple(image for image in self.every_image if image.path not in paths)
        if len({image.label for image in left}) < 2:
            raise MedrecogError(
                f"Without {counted(len(excluded), 'excluded image')}, “{self.name}” would have "
                "images of fewer than two classes: exclude fewer."
            )
        return replace(self, images=left, excluded=excluded)


def unit_of(group: str, path: str) -> str:
    """Return a name for what was sampled independently: an image's group, or else itself."""
    return group or f"/{path}"


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
