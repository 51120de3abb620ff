"""Health report of a data set: problems that inflate or degrade results."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.access import Action
from medrecog_core.bounds import KNOWN_ONLY, Count, Seconds, Timestamp
from medrecog_core.datasets import library
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.files import FileChange, find_changes
from medrecog_core.datasets.health.classes import (
    balance_findings,
    small_class_findings,
    spelling_findings,
    training_findings,
    unlabelled_findings,
)
from medrecog_core.datasets.health.finding import (
    SEVERITIES,
    Advice,
    Finding,
    reason_against,
    refresh_command,
)
from medrecog_core.datasets.health.groups import grouping_findings, number_findings
from medrecog_core.datasets.health.images import companion_findings, grey_findings, quality_findings
from medrecog_core.datasets.health.import_warnings import import_findings
from medrecog_core.datasets.health.leaks import (
    duplicate_findings,
    examine_near_duplicates,
    group_findings,
    near_duplicates,
)
from medrecog_core.datasets.health.measurements import measure_images
from medrecog_core.datasets.health.shortcuts import Shortcut, measure_shortcuts, shortcut_findings
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs.job import Job, create_job
from medrecog_core.jobs.kinds import CHECK
from medrecog_core.jobs.progress import Progress, Report, Stage, counting
from medrecog_core.jobs.progress import ignore as ignore_progress
from medrecog_core.jobs.work import Work, carry_out, start_once
from medrecog_core.mode import check_may_change
from medrecog_core.ownership import check_may_change_in
from medrecog_core.wording import counted

VERSION = 2
"""Version of the report's format. Version 1 is read too; others are ignored."""

StageReport = Callable[[Stage, int, int], None]


@dataclass(frozen=True)
class HealthReport:
    """Results of a health check.

    Attributes
    ----------
    fingerprint
        Fingerprint of the checked data set, including exclusions.
    n_images, n_excluded
        Images in use, which were checked, and excluded ones, which were not.
    findings
        The severe ones first.
    shortcuts
        How well each file property predicts the class; empty if it could not be measured.
    n_expected_pairs
        Pairs of near-duplicates within one group, which are expected.
    near_pairs
        Pairs of paths of near-duplicates, including those within groups; of many near-copies some
        pairs of each image.
    checked
        Time of the check, in seconds since 1970.
    seconds
        Duration of the check.
    version
        Version of the report's format.
    n_unlisted
        Number of near-duplicates that `near_pairs` leaves out, by the path of the image.
    """

    __pydantic_config__ = KNOWN_ONLY

    fingerprint: str
    n_images: Count
    n_excluded: Count
    findings: tuple[Finding, ...]
    shortcuts: tuple[Shortcut, ...]
    n_expected_pairs: Count
    near_pairs: tuple[tuple[str, str], ...]
    checked: Timestamp
    seconds: Seconds
    version: int = VERSION
    n_unlisted: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def n_unlisted_pairs(self) -> int:
        """Number of pairs of near-duplicates that are not listed."""
        return sum(self.n_unlisted.values()) // 2  # each pair counts for both of its images

    def finding(self, kind: str) -> Finding | None:
        """Return the finding of a kind, None if there is none."""
        return next((finding for finding in self.findings if finding.kind == kind), None)

    def to_document(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        document = dataclasses.asdict(self)
        for finding, values in zip(self.findings, document["findings"], strict=True):
            values["to_exclude"] = finding.to_exclude
        return document


def _ignore(stage: Stage, done: int, total: int) -> None:
    """Report progress to nobody."""


def check_health(dataset: Dataset, report: StageReport = _ignore) -> HealthReport:
    """Check a data set and store the report; images measured before are not read again.

    Parameters
    ----------
    dataset
        A data set of the library.
    report
        Called with the progress; an error that it raises ends the check.

    Raises
    ------
    MedrecogError
        If the folder of the images is missing.
    StorageError
        If the report cannot be written.
    """
    check_may_change("check a data set", Action.ADD)
    start = time.time()

    def stage(id_: str, label: str, unit: str = "images") -> Callable[[int, int], None]:
        return lambda done, total: report(Stage(id_, label, unit), done, total)

    changes = find_changes(dataset, stage("compare-files", "Comparing files", "files"))
    measurements = measure_images(
        dataset,
        library.folder_of(dataset.name) / "measurements.json",
        [change.path for change in changes],
        stage("measure-images", "Measuring images"),
    )
    near = examine_near_duplicates(
        dataset,
        near_duplicates(
            [measurements[image.path] for image in dataset.images],
            stage("compare-images", "Comparing images"),
        ),
    )
    shortcuts = measure_shortcuts(
        dataset, measurements, stage("find-shortcuts", "Looking for shortcuts", "properties")
    )
    findings = [
        *_change_findings(changes, dataset.name),
        *group_findings(dataset),
        *grouping_findings(dataset),
        *number_findings(dataset),
        *training_findings(dataset),
        *spelling_findings(dataset),
        *duplicate_findings(dataset),
        *near.findings,
        *companion_findings(dataset, measurements),
        *grey_findings(dataset, measurements),
        *shortcut_findings(shortcuts),
        *quality_findings(measurements),
        *small_class_findings(dataset),
        *balance_findings(dataset),
        *unlabelled_findings(dataset),
    ]
    findings += import_findings(dataset, {finding.kind for finding in findings})
    findings = [finding.guarded(dataset) for finding in findings]
    paths = [image.path for image in dataset.images]
    health = HealthReport(
        dataset.fingerprint,
        len(dataset.images),
        len(dataset.excluded),
        tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))),
        shortcuts,
        near.n_expected,
        tuple((paths[i], paths[j]) for i, j in near.listed),
        start,
        time.time() - start,
        n_unlisted={paths[i]: int(near.n_unlisted[i]) for i in near.n_unlisted.nonzero()[0]},
    )
    atomic_file.write_json(library.folder_of(dataset.name) / "health.json", health.to_document())
    return health


def start_health_check(name: str, refresh: bool = False) -> Job:
    """Start a job that checks a data set, unless there is one; return immediately.

    Parameters
    ----------
    name
        The data set.
    refresh
        Whether to update the file index first.

    Raises
    ------
    MedrecogError
        If another job works on the data set.
    """
    if refresh:
        check_may_change_in(library.folder_of(name), "update a data set")
    return start_once(CHECK, name, f"Check {name}", {"refresh": refresh})


def carry_out_health_check(
    name: str, refresh: bool = False, report: Report = ignore_progress
) -> HealthReport:
    """Check a data set as a job in this process, which other processes can see.

    Raises
    ------
    MedrecogError
        If there is no such data set, it cannot be checked, or another job works on it.
    """
    check_may_change("check a data set", Action.ADD)
    library.load(name, counting(report, library.DRAWING))
    carry_out(create_job(CHECK, name, f"Check {name}", {"refresh": refresh}), report)
    found = kept_report(name)
    if found is None:
        raise StorageError(f"The health report of “{name}” cannot be read. Check it again.")
    return found


def work(job: Job, work: Work) -> None:
    """Do the work of a job that checks a data set."""
    name, report = job.order().subject, work.checked_report
    library.load(name, counting(report, library.DRAWING))
    dataset = library.complete(name, counting(report, library.HASHING))
    if job.order().arguments["refresh"]:
        dataset, _ = library.refresh(name, counting(report, library.COMPARING))
    check_health(dataset, lambda stage, done, total: report(Progress(stage, done, total)))


def kept_report(name: str) -> HealthReport | None:
    """Return the last report of a data set, even if outdated; None if there is none.

    The fingerprint shows whether it is up to date.
    """
    try:
        document = atomic_file.read_json(library.folder_of(name) / "health.json")
        if document["version"] == 1:
            document = _in_form_of_version_2(document)
        for values in document["findings"]:
            values.pop("to_exclude", None)  # for earlier versions
        report: HealthReport = _REPORT.validate_python(document)
    except (FileNotFoundError, StorageError, AttributeError, KeyError, TypeError, ValueError):
        return None
    return report if report.version == VERSION else None


def apply_remedy(name: str, finding: Finding) -> Dataset:
    """Apply the remedy of a finding; `library.include` or `library.restore_classes` undo it.

    Parameters
    ----------
    name
        The data set.
    finding
        Finding of a report, possibly on an earlier state of the data set.

    Returns
    -------
    Dataset
        The changed data set, with a new fingerprint.

    Raises
    ------
    MedrecogError
        If the finding has no remedy, or the data set would be left with fewer than two classes, a
        class without images, or a class without training images.
    StorageError
        If the data set is damaged or cannot be written.
    """
    remedy = finding.remedy
    if remedy is None:
        raise MedrecogError(
            finding.refusal or f"The finding “{finding.kind}” has no remedy that can be applied."
        )
    reason = reason_against(library.load(name), remedy)
    if reason:
        raise MedrecogError(f"“{remedy.label}” was not applied, because {reason}.")
    if remedy.merges:
        return library.choose_classes(name, merge=dict(remedy.merges))
    return library.exclude(name, remedy.images, finding.kind, finding.title)


def _in_form_of_version_2(document: dict[str, Any]) -> dict[str, Any]:
    """Return a report of version 1, whose findings had two fields on what to exclude and why."""
    findings = []
    for values in document["findings"]:
        images = values.get("to_exclude")
        words = values.get("rule", "")
        remedy = {"words": f"{words[:1].upper()}{words[1:]}.", "images": images} if images else None
        kept = {name: value for name, value in values.items() if name != "rule"}
        findings.append({**kept, "remedy": remedy})
    return {**document, "findings": findings, "version": VERSION}


def _change_findings(changes: Sequence[FileChange], name: str) -> list[Finding]:
    if not changes:
        return []
    n = len(changes)
    return [
        Finding(
            "changed",
            "severe",
            f"{counted(n, 'file')} changed since the data set was added",
            f"{counted(n, 'file')} changed, moved or disappeared. Runs skip "
            f"{'it' if n == 1 else 'them'} until you update the index.",
            images=tuple(change.path for change in changes),
            notes=tuple(change.reason for change in changes),
            advice=(Advice("Updates the index to the current files.", refresh_command(name)),),
        )
    ]


_REPORT = TypeAdapter(HealthReport)
