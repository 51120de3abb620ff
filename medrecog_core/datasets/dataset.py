"""A data set: images with one label each, and optionally a split and a group."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import PLAIN, Rendering
from medrecog_core.wording import counted, is_text

SPLITS = ("train", "test", "val")

CHOSEN = "chosen"
"""Kind of exclusions of single images that a user chose."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OF_ANOTHER = ("a companion of", "an exact copy of")
_WARNING_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class FileState:
    """State of an image file at its import.

    Attributes
    ----------
    sha256
        SHA-256 of its bytes, in hexadecimal.
    n_bytes
        Its size.
    modified
        Time of its last modification, in nanoseconds since 1970. It only shows which files need not
        be hashed again, and is not part of any identity.
    width, height
        In pixels, as stored; 0 if the file has no valid image header.
    mode
        Pillow's mode of the stored pixels, such as `L`, `RGB` or `I;16`; empty in the same case.
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
        Relative to the root of the data set, with forward slashes; also its identity. For one frame
        of a file with several, `FILE#FRAME`.
    label
        Its class.
    split
        `train`, `test`, `val`, or empty if the data set has none.
    group
        Patient, lesion or other unit that must stay on one side of a split; empty if unknown.
        Frames of a file without a group form a group named after the file.
    file
        State of its file at the import; None if the file was missing or has not been scanned yet.
    fold
        Name of the given fold of a cross-validation that tests the image; empty if there is none.
    frame
        Number of the frame, from 0, if each frame of a file is a separate image; otherwise None.

    Raises
    ------
    MedrecogError
        If a text is not Unicode, the label empty, the split unknown, the path outside the data
        set's folder, or does not match the frame.
    """

    path: str
    label: str
    split: str = ""
    group: str = ""
    file: FileState | None = None
    fold: str = ""
    frame: int | None = None

    def __post_init__(self) -> None:
        if not all(map(is_text, (self.path, self.label, self.group, self.fold))):
            raise MedrecogError(
                f"The path, label or group of the image {self.path!a} is not Unicode text. "
                "Write it in UTF-8."
            )
        if not self.label:
            raise MedrecogError(f"The image {self.path} has an empty label. Add a label.")
        if self.split not in ("", *SPLITS):
            raise MedrecogError(
                f"Unknown split “{self.split}” of {self.path}. Available: train, test, val."
            )
        if self.path.startswith("/") or ".." in self.path.split("/"):
            raise MedrecogError(
                f"The image {self.path} is outside the folder of the data set. Move it there."
            )
        if self.frame is not None and (
            self.frame < 0 or not self.path.endswith(f"#{self.frame}") or not self.file_path
        ):
            raise MedrecogError(f"The path {self.path} does not match frame {self.frame}.")
        if self.frame is not None and not self.group:
            object.__setattr__(self, "group", self.file_path)

    @property
    def file_path(self) -> str:
        """Path of its file, relative to the data set's root."""
        return self.path if self.frame is None else self.path.removesuffix(f"#{self.frame}")

    @property
    def content(self) -> tuple[str, int | None] | None:
        """The SHA-256 of the file and the frame; None if the file has no state."""
        return None if self.file is None else (self.file.sha256, self.frame)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or table row that was not imported, and why."""

    path: str
    reason: str

    @property
    def kind(self) -> str:
        """The reason without the name of another file, for counting."""
        kind = next((kind for kind in _OF_ANOTHER if self.reason.startswith(f"{kind} ")), "")
        return f"{kind} another file" if kind else self.reason


@dataclass(frozen=True)
class DatasetWarning:
    """A decision of an import that users should know.

    Attributes
    ----------
    id
        Kind of the warning, in kebab-case.
    message
        What was decided, and how to decide otherwise.
    paths
        Affected files, relative to the root of the data set.

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
    """An image of the data set that runs skip, and why.

    Attributes
    ----------
    image
        The image.
    finding
        Kind of the finding that it was excluded for, or `chosen` if a user chose it.
    reason
        Reason shown to users.
    """

    image: ImageRecord
    finding: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReviewedLabel:
    """A label that a person confirmed or replaced after the import.

    Attributes
    ----------
    path
        The image.
    imported
        Its label in the import.
    label
        Its right label, the same if it was confirmed.
    """

    path: str
    imported: str
    label: str

    @property
    def is_changed(self) -> bool:
        """Whether the label was replaced."""
        return self.imported != self.label


@dataclass(frozen=True)
class Dataset:
    """Images of at least two classes under one root folder: an immutable manifest.

    Attributes
    ----------
    name
        Lower-case letters, digits, `-` and `_`.
    root
        Absolute path of the folder of the images.
    images
        The images in use, sorted by path.
    layout
        Description of how the labels were found.
    synthetic
        Whether the images were generated by the program; shown with the images.
    left_out
        What was found and not imported.
    excluded
        Imported images that are excluded, sorted by path; `images` does not contain them.
    rendering
        How stored values become images; fixed at the import.
    warnings
        Decisions of the import.
    unlabelled
        Paths of images without a label, relative to the root, sorted; they are kept apart, for
        classification by models.
    metadata
        Other columns of a table, such as sex or age: from column and path of a file to the value.
        They do not affect runs.
    reviewed
        Labels of images that people confirmed or replaced, sorted by path; the images have the
        replaced ones.

    Raises
    ------
    UsageError
        If the name contains other characters.
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
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    reviewed: tuple[ReviewedLabel, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.classes) < 2:
            n_classes = counted(len(self.classes), "class", "classes")
            found = f"{counted(len(self.images), 'image')} of {n_classes}"
            raise MedrecogError(
                f"{self.root} contains {found}. A data set needs images of at least two classes."
            )
        repeated = [p for p, n in Counter(i.path for i in self.every_image).items() if n > 1]
        if repeated:
            raise MedrecogError(
                f"The image {repeated[0]} is in the data set more than once. Keep one of them."
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
        """The SHA-256, in hexadecimal, of everything that affects runs.

        This is the path, label, split, group, fold, frame and content of every image, the
        exclusions, and the rendering, but not the folder or the name of the data set.
        """
        digest = hashlib.sha256()
        for image in self.every_image:
            sha256 = image.file.sha256 if image.file else ""
            row: list[Any] = [image.path, image.label, image.split, image.group, sha256]
            # Default values add nothing, so that data sets of version 0.1.0 keep their
            # fingerprints.
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
        """The splits of the data set, train first; empty if it has none."""
        given = {image.split for image in self.images}
        return tuple(split for split in SPLITS if split in given)

    @property
    def relabelled(self) -> tuple[ReviewedLabel, ...]:
        """The labels that people replaced."""
        return tuple(each for each in self.reviewed if each.is_changed)

    @cached_property
    def groups(self) -> frozenset[str]:
        """The known groups."""
        return frozenset(image.group for image in self.images if image.group)

    def value_of(self, column: str, image: ImageRecord) -> str:
        """Return the value of an image in a column of `metadata`; empty if it has none."""
        values = self.metadata.get(column, {})
        return values.get(image.path) or values.get(image.file_path, "")

    def absolute_path(self, image: ImageRecord) -> Path:
        """Return the path of the image file on this machine."""
        return self.root / image.file_path

    def rendering_of(self, image: ImageRecord) -> Rendering:
        """Return the rendering of an image.

        Plain images keep the plain rendering, whatever that of the data set.
        """
        if image.frame is not None:
            return self.rendering.of_frame(image.frame)
        if image.file is None:
            return self.rendering
        return self.rendering.for_file(image.file.mode, image.file.n_frames)

    def excluding(self, exclusions: Iterable[Exclusion]) -> "Dataset":
        """Return the data set with these exclusions instead of its own.

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
                "images of fewer than two classes. Exclude fewer images."
            )
        return replace(self, images=left, excluded=excluded)


def unit_of(group: str, path: str) -> str:
    """Return the name of the independent unit of an image: its group, or otherwise itself."""
    return group or f"/{path}"


def check_name(name: str) -> str:
    """Return the name if it is valid for a data set, model or run.

    Raises
    ------
    UsageError
        If it is not valid.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"“{name}” is not a valid name. Use up to 64 lower-case letters, digits, - and _, "
            "beginning with a letter or digit."
        )
    return name
