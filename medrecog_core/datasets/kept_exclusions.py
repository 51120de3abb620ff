"""Exclusions of deleted data sets, stored by content in case the images are added again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from medrecog_core import atomic_file
from medrecog_core.datasets.class_choice import ClassChoice
from medrecog_core.datasets.dataset import Dataset, DatasetWarning, Exclusion, ImageRecord
from medrecog_core.errors import StorageError
from medrecog_core.wording import counted

REMOVED = "removed.json"
"""File that is kept in the folder of a deleted data set with exclusions."""


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
        rows = tuple(KeptExclusion(*map(str, row)) for row in document["exclusions"])
        return rows, ClassChoice.from_document(document["classes"])
    except (FileNotFoundError, StorageError, AttributeError, KeyError, TypeError, ValueError):
        return (), ClassChoice()


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
