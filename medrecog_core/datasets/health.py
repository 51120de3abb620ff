"""The health report of a data set: what in it flatters or spoils results."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.datasets.chest_patients import number_findings
from medrecog_core.datasets.class_balance import balance_findings
from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.duplicates import near_duplicates
from medrecog_core.datasets.file_changes import FileChange, find_changes
from medrecog_core.datasets.finding import SEVERITIES, Finding
from medrecog_core.datasets.image_quality import quality_findings
from medrecog_core.datasets.leaks import (
    duplicate_findings,
    group_findings,
    near_duplicate_findings,
)
from medrecog_core.datasets.library import folder_of
from medrecog_core.datasets.measurements import measure_images
from medrecog_core.datasets.shortcuts import Shortcut, measure_shortcuts, shortcut_findings
from medrecog_core.errors import StorageError
from medrecog_core.mode import check_may_change

VERSION = 1
"""Of the report; one of another version is as good as none."""

StageReport = Callable[[str, int, int], None]


@dataclass(frozen=True)
class HealthReport:
    """What was found in a data set.

    Attributes
    ----------
    fingerprint
        Of the data set as it was checked, exclusions and all.
    n_images, n_excluded
        Images in use, which were checked, and excluded ones, which were not.
    findings
        The severe ones first.
    shortcuts
        How well each feature of the files tells the classes apart; empty where that could not be
        measured.
    n_expected_pairs
        Pairs of near-duplicates within one group, as one expects them.
    near_pairs
        Pairs of paths of images that are nearly the same, those within groups included.
    checked
        When, in seconds since 1970.
    seconds
        How long it took.
    version
        Of the report's form.
    """

    fingerprint: str
    n_images: int
    n_excluded: int
    findings: tuple[Finding, ...]
    shortcuts: tuple[Shortcut, ...]
    n_expected_pairs: int
    near_pairs: tuple[tuple[str, str], ...]
    checked: float
    seconds: float
    version: int = VERSION

    def finding(self, kind: str) -> Finding | None:
        """Return the finding of that kind, None where there is none."""
        return next((finding for finding in self.findings if finding.kind == kind), None)

    def to_document(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return dataclasses.asdict(self)


def _ignore(stage: str, done: int, total: int) -> None:
    """Report progress to nobody."""


def check_health(dataset: Dataset, report: StageReport = _ignore) -> HealthReport:
    """Check a data set and keep the report; what was measured before is not measured again.

    Parameters
    ----------
    dataset
        One that the library keeps.
    report
        Called with a stage in words and how far it is; what it raises ends the check.

    Raises
    ------
    MedrecogError
        If the folder of the images is gone.
    StorageError
        If the report cannot be written.
    """
    check_may_change("check a data set")
    start = time.time()

    def stage(words: str) -> Callable[[int, int], None]:
        return lambda done, total: report(words, done, total)

    changes = find_changes(dataset, stage("comparing files"))
    measurements = measure_images(
        dataset,
        folder_of(dataset.name) / "measurements.json",
        [change.path for change in changes],
        stage("measuring images"),
    )
    pairs = near_duplicates(
        [measurements[image.path] for image in dataset.images], stage("comparing images")
    )
    near_findings, n_expected = near_duplicate_findings(dataset, pairs)
    shortcuts = measure_shortcuts(dataset, measurements, stage("looking for shortcuts"))
    findings = [
        *_change_findings(changes, dataset.name),
        *group_findings(dataset),
        *number_findings(dataset),
        *duplicate_findings(dataset),
        *near_findings,
        *shortcut_findings(shortcuts),
        *quality_findings(measurements),
        *balance_findings(dataset),
    ]
    paths = [image.path for image in dataset.images]
    health = HealthReport(
        dataset.fingerprint,
        len(dataset.images),
        len(dataset.excluded),
        tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))),
        shortcuts,
        n_expected,
        tuple((paths[i], paths[j]) for i, j in pairs),
        start,
        time.time() - start,
    )
    atomic_file.write_json(folder_of(dataset.name) / "health.json", health.to_document())
    return health


def kept_report(name: str) -> HealthReport | None:
    """Return the last report of a data set, whatever has changed since; None where there is none.

    The fingerprint says whether it is about the data set as it is now.
    """
    try:
        document = atomic_file.read_json(folder_of(name) / "health.json")
        report: HealthReport = _REPORT.validate_python(document)
    except (FileNotFoundError, StorageError, ValueError):
        return None
    return report if report.version == VERSION else None


def _change_findings(changes: Sequence[FileChange], name: str) -> list[Finding]:
    if not changes:
        return []
    return [
        Finding(
            "changed",
            "severe",
            f"{counted(len(changes), 'file')} not as when the data set was added",
            f"{counted(len(changes), 'file')} changed, moved or vanished; runs leave them out "
            f"until “datasets refresh {name}” takes in what is there now.",
            images=tuple(change.path for change in changes),
            notes=tuple(change.reason for change in changes),
        )
    ]


_REPORT = TypeAdapter(HealthReport)
