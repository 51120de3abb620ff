"""Choice of classes after the import of a data set: which are used, excluded or merged."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from medrecog_core import atomic_file
from medrecog_core.datasets.dataset import Dataset, Exclusion, ImageRecord
from medrecog_core.errors import MedrecogError, StorageError, UsageError

CLASSES = "classes.json"
"""File with the choice in the folder of a data set; without it, every class is used."""

CLASS_CHOICE = "class-choice"
"""Kind of exclusions from a choice of classes."""


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
        AttributeError, KeyError, TypeError, ValueError
            If the document is not valid.
        """
        names = {str(old): str(new) for old, new in document["names"].items()}
        return cls(names, frozenset(map(str, document["excluded"])))


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
    except (AttributeError, KeyError, TypeError, ValueError) as error:
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
