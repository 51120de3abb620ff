"""Description of the images of a run, from the run's folder and its data set if available."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from medrecog_core.datasets import kept_report
from medrecog_core.images import Image
from medrecog_core.runs import Run
from medrecog_core.runs.extracted_dataset import dataset_of_run


@dataclass(frozen=True)
class ClassCount:
    """Number of images of a class, or of all; with folds, an image can be in both parts."""

    label: str
    n_train: int
    n_test: int
    n_images: int


@dataclass(frozen=True)
class DataDescription:
    """The images of a run.

    Attributes
    ----------
    counts
        One row per class.
    total
        All classes together.
    n_train_groups, n_test_groups
        Groups (patients, lesions) in each part; 0 if unknown.
    excluded
        Number of excluded images by reason; if the data set has changed since the run, only their
        total is known, under an empty reason.
    unreadable
        Paths of unreadable images, with the reasons.
    findings
        Titles of the findings of the health check for the data set of the run, the severe ones
        first; None if it was not checked.
    """

    counts: tuple[ClassCount, ...]
    total: ClassCount
    n_train_groups: int
    n_test_groups: int
    excluded: tuple[tuple[str, int], ...]
    unreadable: tuple[tuple[str, str], ...]
    findings: tuple[str, ...] | None

    @property
    def n_excluded(self) -> int:
        """Number of excluded images."""
        return sum(n for _, n in self.excluded)


def describe_data(run: Run) -> DataDescription:
    """Describe the images of a run.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    images, split, record = run.images(), run.split(), run.needed_record()
    trained, tested = (
        [images[i] for i in sorted(set(part))] for part in (split.trained, split.tested)
    )
    of_train, of_test, of_all = (
        Counter(image.label for image in part) for part in (trained, tested, images)
    )
    kept = dataset_of_run(run)
    n_excluded = record.dataset.n_excluded
    excluded = [("", n_excluded)] if n_excluded else []
    findings = None
    if kept is not None:
        excluded = Counter(each.reason or each.finding for each in kept.excluded).most_common()
        health = kept_report(kept.name)
        if health is not None and health.fingerprint == kept.fingerprint:
            findings = tuple(finding.title for finding in health.findings)
    return DataDescription(
        tuple(ClassCount(k, of_train[k], of_test[k], of_all[k]) for k in sorted(of_all)),
        ClassCount("all", len(trained), len(tested), len(images)),
        _n_groups(trained),
        _n_groups(tested),
        tuple(excluded),
        tuple((entry.path, entry.reason) for entry in record.skipped),
        findings,
    )


def _n_groups(images: Iterable[Image]) -> int:
    return len({image.group for image in images if image.group})
