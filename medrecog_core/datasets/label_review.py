"""What people decided about the labels of single images after the import."""

import time
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from medrecog_core import atomic_file
from medrecog_core.datasets.dataset import Dataset, ImageRecord, ReviewedLabel
from medrecog_core.datasets.exclusions import REMOVED, ClassChoice
from medrecog_core.errors import MedrecogError, StorageError, UsageError

LABELS = "labels.json"
"""File with the reviewed labels in the folder of a data set, beside its manifest."""

LABEL_ERROR = "label-error"
"""Kind of exclusions of images whose label is wrong or uncertain."""

RIGHT, RELABEL, EXCLUDE, UNDO = "right", "relabel", "exclude", "undo"
DECISIONS = (RIGHT, RELABEL, EXCLUDE, UNDO)
"""The label is right; the label is another one; the image is excluded; none of them any more."""


@dataclass(frozen=True)
class LabelDecision:
    """One entry of the history.

    Attributes
    ----------
    when
        Seconds since 1970.
    path
        The image.
    decision
        One of `DECISIONS`.
    label
        The new label, by its imported name; empty unless the image is relabelled.
    """

    when: float
    path: str
    decision: str
    label: str = ""


@dataclass(frozen=True)
class LabelReview:
    """The reviewed labels of a data set, and how they came about.

    Attributes
    ----------
    labels
        The right label by path of the image, by its imported name; that of the import where it was
        confirmed.
    history
        Every decision, the oldest first. Undoing one adds another.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    history: tuple[LabelDecision, ...] = ()

    def then(
        self, imported: Dataset, paths: Collection[str], decision: str, label: str = ""
    ) -> "LabelReview":
        """Return this review after a decision on some images.

        Parameters
        ----------
        imported
            The data set with its imported labels.
        paths
            Images of it.
        decision
            One of `DECISIONS`.
        label
            The new label, an imported class; used for `relabel` alone.

        Raises
        ------
        UsageError
            If the decision is unknown.
        """
        if decision not in DECISIONS:
            raise UsageError(f"Unknown decision “{decision}”. Available: {', '.join(DECISIONS)}.")
        label_of = {image.path: image.label for image in imported.every_image}
        labels = {path: name for path, name in self.labels.items() if path not in set(paths)}
        if decision in (RIGHT, RELABEL):
            labels |= {path: label if decision == RELABEL else label_of[path] for path in paths}
        now = time.time()
        new = label if decision == RELABEL else ""
        added = (LabelDecision(now, path, decision, new) for path in sorted(paths))
        return LabelReview(labels, (*self.history, *added))

    def applied(self, imported: Dataset) -> Dataset:
        """Return a data set with the reviewed labels, by their imported names.

        Images that no longer exist are ignored.

        Raises
        ------
        MedrecogError
            If images of fewer than two classes would be left.
        """
        known = {image.path: image.label for image in imported.every_image}
        reviewed = tuple(
            ReviewedLabel(path, known[path], label)
            for path, label in sorted(self.labels.items())
            if path in known
        )
        changed = {each.path: each.label for each in reviewed if each.is_changed}
        images = tuple(_labelled(image, changed) for image in imported.images)
        if len({image.label for image in images}) < 2:
            raise MedrecogError(
                f"“{imported.name}” would have images of fewer than two classes. Relabel fewer "
                "images."
            )
        excluded = tuple(
            replace(each, image=_labelled(each.image, changed)) for each in imported.excluded
        )
        return replace(imported, images=images, excluded=excluded, reviewed=reviewed)

    def to_document(self) -> dict[str, Any]:
        """Return the review as JSON values."""
        return {
            "labels": dict(sorted(self.labels.items())),
            "history": [asdict(each) for each in self.history],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "LabelReview":
        """Return the review in a document of `to_document`.

        Raises
        ------
        AttributeError, KeyError, TypeError, ValueError
            If the document is not valid.
        """
        labels = {str(path): str(label) for path, label in document["labels"].items()}
        if not all(labels.values()):
            raise ValueError("a label is empty")
        history = (
            LabelDecision(float(each["when"]), *(str(each[key]) for key in _WORDS))
            for each in document["history"]
        )
        return cls(labels, tuple(history))


_WORDS = ("path", "decision", "label")


def _labelled(image: ImageRecord, labels: Mapping[str, str]) -> ImageRecord:
    return replace(image, label=labels[image.path]) if image.path in labels else image


def imported_class(label: str, imported: Dataset, choice: ClassChoice) -> str:
    """Return an imported class that a choice of classes gives a name.

    Raises
    ------
    UsageError
        If no class in use has the name.
    """
    name_of = {
        each: choice.names.get(each, each)
        for each in sorted({image.label for image in imported.every_image})
        if each not in choice.excluded
    }
    of_name = [each for each, name in name_of.items() if name == label]
    if not of_name:
        raise UsageError(
            f"Unknown class “{label}”. Available: {', '.join(sorted(set(name_of.values())))}."
        )
    return label if label in of_name else of_name[0]


def unreviewed(dataset: Dataset) -> Dataset:
    """Return a data set with its labels as they were before the review, under the names in use."""
    imported = {each.path: each.imported for each in dataset.relabelled}
    return replace(
        dataset,
        images=tuple(_labelled(image, imported) for image in dataset.images),
        excluded=tuple(
            replace(each, image=_labelled(each.image, imported)) for each in dataset.excluded
        ),
        reviewed=(),
    )


def review_of(dataset: Dataset) -> LabelReview:
    """Return the reviewed labels of a data set under the names in use, without their history."""
    return LabelReview({each.path: each.label for each in dataset.reviewed})


def read_review(folder: Path) -> LabelReview:
    """Return the reviewed labels in the folder of a data set.

    Raises
    ------
    StorageError
        If the file is damaged.
    """
    try:
        document = atomic_file.read_json(folder / LABELS)
    except FileNotFoundError:
        return LabelReview()
    try:
        return LabelReview.from_document(document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"The reviewed labels {folder.name}/{LABELS} are damaged. Delete the file to use the "
            "imported labels."
        ) from error


def write_review(folder: Path, review: LabelReview) -> None:
    """Write the reviewed labels.

    Raises
    ------
    StorageError
        If they cannot be written.
    """
    atomic_file.write_json(folder / LABELS, review.to_document())


# --- Of deleted data sets ------------------------------------------------------------------------

_KEPT = "labels"


def kept_labels(imported: Dataset, review: LabelReview) -> dict[str, Any]:
    """Return the reviewed labels by content, as JSON values for `REMOVED`; empty if there are none.

    Parameters
    ----------
    imported
        The data set with its imported labels.
    review
        The reviewed labels.
    """
    rows = [
        [image.file.sha256, image.path, review.labels[image.path]]
        for image in imported.every_image
        if image.file is not None and image.path in review.labels
    ]
    return {_KEPT: rows} if rows else {}


def kept_review(folder: Path, dataset: Dataset) -> LabelReview:
    """Return the reviewed labels of a deleted data set for one that was added again.

    A label applies to an image with the same content, path and class; none apply if they are
    damaged or missing.
    """
    images = {image.path: image for image in dataset.every_image}
    known = {image.label for image in images.values()}
    try:
        rows = atomic_file.read_json(folder / REMOVED).get(_KEPT, [])
        found = {str(path): (str(sha256), str(label)) for sha256, path, label in rows}
    except (FileNotFoundError, StorageError, AttributeError, TypeError, ValueError):
        return LabelReview()
    labels = {}
    for path, (sha256, label) in found.items():
        state = images[path].file if path in images else None
        if state is not None and state.sha256 == sha256 and label in known:
            labels[path] = label
    return LabelReview(labels)
