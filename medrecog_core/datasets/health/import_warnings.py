"""Warnings of an import as findings of the health report."""

from collections import defaultdict
from collections.abc import Collection

from medrecog_core.datasets.dataset import Dataset, DatasetWarning
from medrecog_core.datasets.health.finding import Finding

CHECKED_AGAIN = frozenset(
    (
        *("class-missing-from-training", "copies-across-labels", "copies-across-splits"),
        *("groups-across-splits", "similar-class-names", "small-class"),
    )
)
"""Warnings on problems that the check looks for itself."""

_TITLES = {
    "archive-encoding": "Names in an archive with another encoding",
    "class-names-differ": "Splits with different class names",
    "channels": "Images with more than three channels",
    "class-without-images": "Folders beside the classes without images",
    "class-level": "Another folder level could name the classes",
    "companions": "Masks or other companions not imported",
    "grey-window": "Files of different grey ranges or depths",
    "group-chosen": "Several kinds of groups",
    "group-per-image": "A group for every image",
    "images-without-group": "Images without a group",
    "images-without-row": "Images without a row in the table",
    "image-versions": "Versions of one image",
    "label-conflicts": "Rows with different labels for one image",
    "links-followed": "Symbolic links followed",
    "localizers": "Scout views among the images",
    "measurement": "Labels that look like a measurement",
    "one-group": "One group for images of several patients",
    "patients-in-names": "File names that look like patients",
    "outside-grey-window": "Grey values outside the grey window",
    "repeated-subtree": "Folders that repeat others",
    "rows-matched-loosely": "Rows matched by similar names",
    "rows-without-image": "Rows without an image",
    "second-copies": "Second copies not imported",
    "several-findings": "Images with several findings not imported",
    "several-frames": "Files with several frames",
    "split-ignored": "Split not used",
    "table-encoding": "Table with another encoding",
    "table-header": "Table without a header, or with rows before it",
    "table-in-folder": "Table in the folder not used",
    "uncertain-findings": "Images with uncertain findings",
    "unsupported-files": "Files of unsupported formats not imported",
    "val-left-out": "Validation images not imported",
}
_WARNINGS = frozenset(
    (
        *("class-level", "class-names-differ", "group-per-image", "label-conflicts"),
        *("image-versions", "measurement", "one-group", "outside-grey-window"),
        *("patients-in-names", "table-in-folder"),
    )
)
"""Warnings that can make all results wrong; the others are notes."""


def import_findings(dataset: Dataset, found: Collection[str] = ()) -> list[Finding]:
    """Return a finding for each kind of warning that still applies.

    A warning no longer applies if all its images are excluded.

    Parameters
    ----------
    dataset
        The data set.
    found
        Kinds of the findings of the check itself, which are not repeated.
    """
    every, used = (
        {image.path for image in images} for images in (dataset.every_image, dataset.images)
    )
    known = {*CHECKED_AGAIN, *found}
    if not _class_names_differ(dataset):
        known.add("class-names-differ")
    of_kind: dict[str, list[DatasetWarning]] = defaultdict(list)
    for warning in dataset.warnings:
        about = every.intersection(warning.paths)
        if warning.id not in known and (not about or about & used):
            of_kind[warning.id].append(warning)
    findings = []
    for kind, warnings in of_kind.items():
        paths = dict.fromkeys(path for warning in warnings for path in warning.paths)
        findings.append(
            Finding(
                kind,
                "warning" if kind in _WARNINGS else "note",
                _TITLES.get(kind, kind.replace("-", " ").capitalize()),
                " ".join(dict.fromkeys(warning.message for warning in warnings)),
                images=tuple(sorted(path for path in paths if path in used)),
                files=tuple(path for path in paths if path not in every),
            )
        )
    return findings


def _class_names_differ(dataset: Dataset) -> bool:
    """Return whether the splits have different classes."""
    classes_of: dict[str, set[str]] = defaultdict(set)
    for image in dataset.images:
        classes_of[image.split].add(image.label)
    return any(classes != set(dataset.classes) for classes in classes_of.values())
