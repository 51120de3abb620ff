"""Findings of the health check, and the remedies and advice that they come with."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from medrecog_core.bounds import KNOWN_ONLY
from medrecog_core.datasets.dataset import Dataset, ImageRecord
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.wording import counted

_SHOWN_NAMES = 5
_LONGEST_NAME = 62
"""Maximum length of a name to which two characters are added."""
SEVERITIES = ("severe", "warning", "note")
"""From severe problems to notes."""


@dataclass(frozen=True)
class Remedy:
    """A change of a data set that resolves a finding and can be undone.

    Attributes
    ----------
    words
        What it does, as a sentence.
    images
        Paths of the images that it excludes.
    classes
        Classes that it excludes completely; `images` contains all their images.
    merges
        Pairs of old and new class names.

    Raises
    ------
    ValueError
        If it neither excludes images nor merges classes, or does both.
    """

    __pydantic_config__ = KNOWN_ONLY

    words: str
    images: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    merges: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if bool(self.images) == bool(self.merges):
            raise ValueError("a remedy either excludes images or merges classes")
        if self.classes and not self.images:
            raise ValueError("a remedy that excludes classes names their images")
        if any(old == new for old, new in self.merges):
            raise ValueError("a class cannot be merged with itself")

    @property
    def label(self) -> str:
        """What it does in a few words, for a button."""
        if self.merges:
            n_names = len({name for pair in self.merges for name in pair})
            return f"Merge {counted(n_names, 'class name')}"
        if len(self.classes) == 1:
            return f"Exclude class “{self.classes[0]}”"
        if self.classes:
            return f"Exclude {len(self.classes)} classes"
        return f"Exclude {counted(len(self.images), 'image')}"

    def is_done(self, dataset: Dataset) -> bool:
        """Return whether it would not change the data set."""
        if self.merges:
            return not {old for old, _ in self.merges} & set(dataset.classes)
        return not set(self.images) & {image.path for image in dataset.images}


@dataclass(frozen=True)
class Advice:
    """Advice on a finding that users carry out themselves.

    Attributes
    ----------
    words
        What it does, as a sentence.
    command
        Shell command; empty if there is none.
    """

    __pydantic_config__ = KNOWN_ONLY

    words: str
    command: str = ""


def exclude_classes(dataset: Dataset, labels: Iterable[str]) -> Remedy:
    """Return the remedy that excludes all images of classes of a data set."""
    chosen = tuple(sorted(labels))
    images = [image for image in dataset.images if image.label in chosen]
    return Remedy(
        f"Excludes {'class' if len(chosen) == 1 else 'classes'} {quoted(chosen)} with "
        f"{counted(len(images), 'image')}.",
        tuple(image.path for image in images),
        chosen,
    )


def class_command(dataset: Dataset, *options: str) -> str:
    """Return the command that chooses classes of a data set, for a shell."""
    return shell_command("datasets", "classes", dataset.name, *options)


def refresh_command(name: str) -> str:
    """Return the command that updates a data set's index to its files."""
    return shell_command("datasets", "refresh", name)


def import_command(dataset: Dataset, decisions: Decisions) -> str:
    """Return the command that adds the images of a data set again, under another name."""
    return decisions.command(f"{dataset.name[:_LONGEST_NAME]}-2", (dataset.root,))


def reason_against(dataset: Dataset, remedy: Remedy) -> str:
    """Return why a remedy should not be applied; empty if it can be.

    It must leave at least two classes, images of every class that it does not exclude completely,
    and training images of every class that has some.

    Returns
    -------
    str
        The end of a sentence, such as `fewer than two classes would be left`.
    """
    excluded, new_name = set(remedy.images), dict(remedy.merges)
    left = [image for image in dataset.images if image.path not in excluded]
    kept = {new_name.get(image.label, image.label) for image in left}
    emptied = [
        label
        for label in dataset.classes
        if new_name.get(label, label) not in kept and label not in remedy.classes
    ]
    if emptied:
        have = "class {} would have" if len(emptied) == 1 else "classes {} would have"
        return f"{have.format(quoted(emptied))} no images left"
    if len(kept) < 2:
        return "fewer than two classes would be left"
    untrained = sorted(
        (_trained_classes(dataset.images) - _trained_classes(left) - set(remedy.classes))
        - set(new_name)
    )
    if untrained:
        have = "class {} would have" if len(untrained) == 1 else "classes {} would have"
        return f"{have.format(quoted(untrained))} no training images left"
    return ""


def quoted(names: Iterable[str]) -> str:
    """Return class names in quotation marks, at most five of them."""
    every = list(names)
    shown = ", ".join(f"“{name}”" for name in every[:_SHOWN_NAMES])
    return shown if len(every) <= _SHOWN_NAMES else f"{shown} and {len(every) - _SHOWN_NAMES} more"


def shell_command(*words: str) -> str:
    """Return a command of the program, for a shell."""
    return shlex.join(["python", "-m", "medrecog_core", *words])


def _trained_classes(images: Iterable[ImageRecord]) -> set[str]:
    return {image.label for image in images if image.split == "train"}


# --- Findings ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """One kind of problem in a data set.

    Attributes
    ----------
    kind
        Its name on the command line, such as `duplicates-across-splits`.
    severity
        One of `SEVERITIES`.
    title, words
        What was found, and what it means, shown to users.
    images
        Paths of all affected images, sorted.
    notes
        A remark on each image, in the same order; empty if there are none.
    sets
        Sets of images that belong together, such as copies of one file.
    files
        Other affected files and rows of tables.
    remedy
        What makes it disappear; None if nothing can or should.
    refusal
        Why its remedy is not offered; empty if it is, or if there is none.
    advice
        What else users can do.

    Raises
    ------
    ValueError
        If there are notes on some of the images only.
    """

    __pydantic_config__ = KNOWN_ONLY

    kind: str
    severity: Annotated[str, Field(pattern=rf"^({'|'.join(SEVERITIES)})$")]
    title: str
    words: str
    images: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    sets: tuple[tuple[str, ...], ...] = ()
    files: tuple[str, ...] = ()
    remedy: Remedy | None = None
    refusal: str = ""
    advice: tuple[Advice, ...] = ()

    def __post_init__(self) -> None:
        if self.notes and len(self.notes) != len(self.images):
            raise ValueError("a finding has one note on each of its images, or none")

    @property
    def to_exclude(self) -> tuple[str, ...]:
        """Paths of the images that its remedy excludes."""
        return self.remedy.images if self.remedy else ()

    def guarded(self, dataset: Dataset) -> "Finding":
        """Return it without its remedy, but with the reason, if that would damage the data set."""
        reason = self.remedy and reason_against(dataset, self.remedy)
        if not (self.remedy and reason):
            return self
        label = self.remedy.label
        refusal = f"“{label}” is not offered, because {reason}."
        return replace(self, remedy=None, refusal=refusal)
