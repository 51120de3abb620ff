"""What the import of a data set warned about, as findings of the health report."""

from collections import defaultdict

from medrecog_core.datasets.dataset import Dataset, DatasetWarning
from medrecog_core.datasets.finding import Finding

CHECKED_AGAIN = frozenset(
    (
        *("class-missing-from-training", "class-names-differ", "copies-across-labels"),
        *("copies-across-splits", "groups-across-splits", "one-group", "similar-class-names"),
        *("small-class", "unlabelled"),
    )
)
"""Warnings about what the check looks for itself, so that its own finding says what still holds."""

_TITLES = {
    "archive-encoding": "Names in an archive with another encoding",
    "channels": "Images with more than three channels",
    "class-level": "Another folder level could name the classes",
    "companions": "Masks or other companions not imported",
    "grey-window": "One grey window for files of different ranges",
    "group-chosen": "Several kinds of groups",
    "group-per-image": "A group for every image",
    "images-without-row": "Images without a row in the table",
    "label-conflicts": "Rows with different labels for one image",
    "links-followed": "Symbolic links followed",
    "measurement": "Labels that look like a measurement",
    "outside-grey-window": "Grey values outside the grey window",
    "repeated-subtree": "Folders that repeat others",
    "rows-matched-loosely": "Rows matched by similar names",
    "rows-without-image": "Rows without an image",
    "second-copies": "Second copies not imported",
    "several-findings": "Images with several findings not imported",
    "several-frames": "Files with several frames",
    "split-ignored": "Split not used",
    "table-encoding": "Table with another encoding",
    "table-header": "Table without a header",
    "table-in-folder": "Table in the folder not used",
    "uncertain-findings": "Images with uncertain findings",
    "unsupported-files": "Files of unsupported formats not imported",
    "val-left-out": "Validation images not imported",
}
_WARNINGS = frozenset(
    ("class-level", "group-per-image", "label-conflicts", "measurement", "table-in-folder")
)
"""Those that can make all results wrong; the others are notes."""


def import_findings(dataset: Dataset) -> list[Finding]:
    """Return a finding for each kind of warning of the import that still holds.

    One about images that are all excluded by now does not.
    """
    every, used = (
        {image.path for image in images} for images in (dataset.every_image, dataset.images)
    )
    of_kind: dict[str, list[DatasetWarning]] = defaultdict(list)
    for warning in dataset.warnings:
        about = every.intersection(warning.paths)
        if warning.id not in CHECKED_AGAIN and (not about or about & used):
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
