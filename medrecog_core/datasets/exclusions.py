"""Classes and images excluded after the import, also those of deleted data sets."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.bounds import KNOWN_ONLY
from medrecog_core.datasets.dataset import Dataset, DatasetWarning, Exclusion, ImageRecord
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.wording import counted

CLASSES = "classes.json"
"""File with the choice in the folder of a data set; without it, every class is used."""

CLASS_CHOICE = "class-choice"
"""Kind of exclusions from a choice of classes."""
REMOVED = "removed.json"
"""File that is kept in the folder of a deleted data set with exclusions."""


@dataclass(frozen=True)
class ClassChoice:
    """What is done with the imported classes of a data set.

    Attributes
    ----------
    names
        Current names by imported class, except for unchanged ones.
    excluded
        Imported classes whose images are excluded.

    Raises
    ------
    ValueError
        If a new name is empty.
    """

    __pydantic_config__ = KNOWN_ONLY

    names: Mapping[str, str] = field(default_factory=dict)
    excluded: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not all(self.names.values()):
            raise ValueError("a class cannot have an empty name")

    @property
    def is_empty(self) -> bool:
        """Whether every class is used under its own name."""
        return not (self.names or self.excluded)

    def then(
        self,
        imported: Dataset,
        only: Collection[str],
        exclude: Collection[str],
        merge: Mapping[str, str],
    ) -> "ClassChoice":
        """Return this choice combined with a later one.

        Parameters
        ----------
        imported
            The data set without any choice of classes.
        only, exclude
            Classes to use (empty: all), and classes to exclude, by their names after merging.
        merge
            New names by current class name.

        Raises
        ------
        UsageError
            If a class is unknown.
        """
        labels = sorted({image.label for image in imported.every_image})
        now = {
            label: self.names.get(label, label) for label in labels if label not in self.excluded
        }
        _check_known(merge, now.values())
        now = {label: merge.get(name, name) for label, name in now.items()}
        _check_known([*only, *exclude], now.values())
        excluded = {
            label for label, name in now.items() if (only and name not in only) or name in exclude
        }
        return ClassChoice(
            {
                **{old: new for old, new in self.names.items() if old in self.excluded},
                **{label: name for label, name in now.items() if label != name},
            },
            self.excluded | excluded,
        )

    def applied(self, imported: Dataset) -> Dataset:
        """Return the data set with this choice applied.

        Images of excluded classes are excluded, unless they already are for another reason.

        Raises
        ------
        MedrecogError
            If images of fewer than two classes would be left.
        """
        if self.is_empty:
            return imported
        excluded = [
            Exclusion(self._named(image), CLASS_CHOICE, f"the class “{image.label}” is excluded")
            for image in imported.images
            if image.label in self.excluded
        ]
        images = [
            self._named(image) for image in imported.images if image.label not in self.excluded
        ]
        if len({image.label for image in images}) < 2:
            raise MedrecogError(
                f"“{imported.name}” would have images of fewer than two classes. Exclude or merge "
                "fewer classes."
            )
        own = [replace(each, image=self._named(each.image)) for each in imported.excluded]
        return replace(
            imported,
            images=tuple(images),
            excluded=tuple(sorted([*own, *excluded], key=lambda each: each.image.path)),
            reviewed=tuple(
                replace(
                    each,
                    imported=self.names.get(each.imported, each.imported),
                    label=self.names.get(each.label, each.label),
                )
                for each in imported.reviewed
            ),
        )

    def _named(self, image: ImageRecord) -> ImageRecord:
        name = self.names.get(image.label)
        return image if name is None else replace(image, label=name)

    def to_document(self) -> dict[str, Any]:
        """Return the choice as JSON values."""
        return {"names": dict(sorted(self.names.items())), "excluded": sorted(self.excluded)}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "ClassChoice":
        """Return the choice in a document of `to_document`.

        Raises
        ------
        ValueError
            If the document is not valid.
        """
        if not isinstance(document, dict) or len(document) != len(fields(cls)):
            raise ValueError("a choice of classes has names and excluded classes")
        return _CHOICE.validate_python(document)


_CHOICE = TypeAdapter(ClassChoice)


def read_choice(folder: Path) -> ClassChoice:
    """Return the choice of classes in the folder of a data set.

    Raises
    ------
    StorageError
        If the file is damaged.
    """
    try:
        document = atomic_file.read_json(folder / CLASSES)
    except FileNotFoundError:
        return ClassChoice()
    try:
        return ClassChoice.from_document(document)
    except ValueError as error:
        raise StorageError(
            f"The choice of classes {folder / CLASSES} is damaged. Delete it to use every class."
        ) from error


def write_choice(folder: Path, choice: ClassChoice) -> None:
    """Write the choice of classes.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    atomic_file.write_json(folder / CLASSES, choice.to_document())


def _check_known(names: Collection[str], known: Collection[str]) -> None:
    for name in names:
        if name not in set(known):
            raise UsageError(f"Unknown class “{name}”. Available: {', '.join(sorted(set(known)))}.")


# --- Of deleted data sets ------------------------------------------------------------------------


@dataclass(frozen=True)
class KeptExclusion:
    """An exclusion by the content of an image file.

    Attributes
    ----------
    sha256
        SHA-256 of the file, in hexadecimal.
    path
        Path of the image, which decides between copies.
    finding, reason
        Finding and reason of the exclusion.
    """

    sha256: str
    path: str
    finding: str
    reason: str


class _Kept(BaseModel):
    model_config = KNOWN_ONLY

    exclusions: tuple[tuple[str, str, str, str], ...]
    classes: ClassChoice


def kept_document(imported: Dataset, choice: ClassChoice) -> dict[str, Any]:
    """Return what is stored for a deleted data set, as JSON values; empty if nothing."""
    rows = [
        [each.image.file.sha256, each.image.path, each.finding, each.reason]
        for each in imported.excluded
        if each.image.file is not None
    ]
    if not rows and choice.is_empty:
        return {}
    return {"exclusions": rows, "classes": choice.to_document()}


def read_kept(folder: Path) -> tuple[tuple[KeptExclusion, ...], ClassChoice]:
    """Return what is stored for a deleted data set; nothing if it is damaged or missing."""
    try:
        document = atomic_file.read_json(folder / REMOVED)
        kept = _Kept.model_validate(document)
    except (FileNotFoundError, StorageError, ValueError):
        return (), ClassChoice()
    return tuple(KeptExclusion(*row) for row in kept.exclusions), kept.classes


def with_kept(
    dataset: Dataset, kept: Sequence[KeptExclusion], choice: ClassChoice
) -> tuple[Dataset, ClassChoice]:
    """Return a data set added again with its former exclusions and a warning about them.

    An exclusion applies to the image with the same bytes; with several copies, to the one whose
    path has the longest common ending. The choice of classes applies if all its classes exist.
    """
    by_content: dict[str, list[ImageRecord]] = defaultdict(list)
    for image in dataset.images:
        if image.file is not None:
            by_content[image.file.sha256].append(image)
    added = []
    for each in kept:
        candidates = by_content.get(each.sha256, [])
        if candidates:
            image = max(candidates, key=lambda image: _n_common(image.path, each.path))
            candidates.remove(image)
            added.append(Exclusion(image, each.finding, each.reason))
    known = {image.label for image in dataset.every_image}
    if not {*choice.names, *choice.excluded} <= known:
        choice = ClassChoice()
    left = {image.label for image in dataset.images} - choice.excluded
    paths = {each.image.path for each in added}
    in_use = {
        choice.names.get(image.label, image.label)
        for image in dataset.images
        if image.label in left and image.path not in paths
    }
    if (not added and choice.is_empty) or len(in_use) < 2:
        return dataset, ClassChoice()
    by_class = [image.path for image in dataset.images if image.label in choice.excluded]
    what = [counted(len(added), "exclusion")] if added else []
    what += [] if choice.is_empty else ["the choice of classes"]
    name = dataset.name
    undo = [f"“datasets restore {name} --image PATH”"] if added else []
    undo += [] if choice.is_empty else [f"“datasets classes {name} --restore”"]
    warning = DatasetWarning(
        "exclusions-restored",
        f"{' and '.join(what)} of the deleted data set “{name}” apply again, because the images "
        f"have the same content. Use {' and '.join(undo)} to undo it.",
        tuple(sorted({*paths, *by_class})),
    )
    excluded = dataset.excluding((*dataset.excluded, *added))
    return replace(excluded, warnings=(*dataset.warnings, warning)), choice


def _n_common(one: str, other: str) -> int:
    """Return how many parts two paths have in common at their ends."""
    n = 0
    for a, b in zip(
        reversed(PurePosixPath(one).parts), reversed(PurePosixPath(other).parts), strict=False
    ):
        if a != b:
            break
        n += 1
    return n
