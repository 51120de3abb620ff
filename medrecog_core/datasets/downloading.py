"""Download and import of public data sets, with files that are already there."""

import contextlib
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from medrecog_core.access import Action
from medrecog_core.datasets import library
from medrecog_core.datasets.archive import BOUNDS, DamagedArchiveError
from medrecog_core.datasets.catalogue import CATALOGUE, CatalogueEntry, PublishedFile, find
from medrecog_core.datasets.dataset import Dataset
from medrecog_core.datasets.files import HashReport, link_or_copy
from medrecog_core.datasets.files import ignore as ignore_hashing
from medrecog_core.datasets.importing import HASHING, Report, add_dataset, add_part, ignore
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs.download import Download
from medrecog_core.jobs.job import Job, create_job
from medrecog_core.jobs.kinds import DOWNLOAD_DATASET
from medrecog_core.jobs.locks import locked
from medrecog_core.jobs.progress import Report as ProgressReport
from medrecog_core.jobs.progress import Stage, counting_bytes, counting_files
from medrecog_core.jobs.progress import ignore as ignore_progress
from medrecog_core.jobs.work import Work, carry_out, start
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.ownership import sign
from medrecog_core.quota import check_upload_quota

DOWNLOAD = "download"
"""Folder with the published files of a data set."""
# Publishers state rounded sizes.
_LARGEST = 1.5
_LEAST_BYTES = 10 * 2**20


def larger_set(entry: CatalogueEntry) -> Dataset | None:
    """Return a data set that contains all images of an entry, if there is one.

    Data sets without all published images, or without their folder, do not count.
    """
    if not entry.selects_classes:
        return None
    for other in _of_the_same_files(entry):
        if other.selects_classes or other.name not in library.names():
            continue
        try:
            dataset = library.load(other.name)
        except MedrecogError:
            continue
        is_whole = len(list(dataset.every_image)) == other.n_images
        if is_whole and dataset.root.is_dir():
            return dataset
    return None


def downloaded_for_another(entry: CatalogueEntry, file: PublishedFile) -> Path | None:
    """Return a completely downloaded file of another entry, if there is one."""
    for other in _of_the_same_files(entry):
        whole = download_folder(other) / file.name
        if whole.is_file():
            return whole
    return None


def download_folder(entry: CatalogueEntry) -> Path:
    """Return the folder of the files of an entry until its data set is added."""
    return cache_folder().datasets / entry.name / DOWNLOAD


def _of_the_same_files(entry: CatalogueEntry) -> list[CatalogueEntry]:
    return [
        other
        for other in CATALOGUE.values()
        if other.name != entry.name and other.files == entry.files
    ]


# --- Download ------------------------------------------------------------------------------------


def download_dataset(
    name: str,
    keeps_val: bool = False,
    has_groups: bool = True,
    report: Report = ignore,
    pause: Callable[[float], None] = time.sleep,
    hashed: HashReport = ignore_hashing,
) -> Dataset:
    """Download a data set of the catalogue, extract it and add it under its name.

    Interrupted downloads are resumed. Downloaded archives are deleted once the data set is added.
    Files that another data set already has are not downloaded again.

    Parameters
    ----------
    name
        Name in the catalogue.
    keeps_val
        Whether to use validation images as training images.
    has_groups
        Whether to use groups from the files.
    report
        Called with the progress.
    pause
        Called with the seconds to wait after a dropped connection.
    hashed
        Called with the progress of hashing.

    Raises
    ------
    UsageError
        If it is not in the catalogue, or a data set of that name exists.
    MedrecogError
        If it cannot be downloaded (with instructions to get it manually), or differs from what was
        published.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("download a data set", Action.ADD)
    entry = find(name)
    _check_new(name)
    decisions = Decisions(
        keeps_val=keeps_val,
        has_groups=has_groups,
        entry=entry.name if entry.selects_classes else "",
    )
    larger = larger_set(entry)
    if larger is not None:
        return add_part(name, larger, decisions, report, hashed)
    check_upload_quota(entry.n_bytes - downloaded_bytes(entry))
    folder = create_folder(download_folder(entry))
    sign(folder.parent)
    with _alone(folder, entry):
        files = [_fetched(entry, file, folder, report, pause) for file in entry.files]
        bounds = replace(BOUNDS, n_bytes=max(_LEAST_BYTES, 20 * entry.n_bytes))
        try:
            dataset = add_dataset(entry.name, files, decisions, bounds, report, hashed)
        except DamagedArchiveError:
            _forget(folder, entry)  # otherwise the next attempt would find the same files
            raise
        _forget(folder, entry)
    return dataset


def downloaded_bytes(entry: CatalogueEntry) -> int:
    """Return how many bytes of an entry have been downloaded so far."""
    parts = (_part(download_folder(entry), file) for file in entry.files)
    whole = (download_folder(entry) / file.name for file in entry.files)
    return sum(path.stat().st_size for path in (*parts, *whole) if path.is_file())


def differences(entry: CatalogueEntry, dataset: Dataset) -> list[str]:
    """Describe how a data set differs from what was published."""
    found: list[str] = []
    counts = Counter((image.label, image.split) for image in dataset.images)
    for label in sorted({*entry.counts, *dataset.classes}):
        published = entry.counts.get(label, 0)
        if isinstance(published, tuple):
            expected = dict(zip(("train", "test"), published, strict=True))
            here = {split: counts[label, split] for split in expected}
        elif published is not None:
            expected = {"in all": published}
            here = {"in all": sum(n for (name, _), n in counts.items() if name == label)}
        else:
            continue
        found += [
            f"{label}, {part}: {here[part]:,} images, {n:,} were published"
            for part, n in expected.items()
            if here[part] != n
        ]
    if not found and entry.n_images and len(dataset.images) != entry.n_images:
        found.append(f"{len(dataset.images):,} images, {entry.n_images:,} were published")
    return found


def _fetched(
    entry: CatalogueEntry,
    file: PublishedFile,
    folder: Path,
    report: Report,
    pause: Callable[[float], None],
) -> Path:
    """Return the file, downloading it if needed."""
    whole = folder / file.name
    if whole.is_file():
        return whole
    elsewhere = downloaded_for_another(entry, file)
    if elsewhere is not None:
        link_or_copy(elsewhere, whole)
        return whole
    download = Download(entry.address(file), _part(folder, file))
    largest = max(_LEAST_BYTES, int(_LARGEST * file.n_bytes))
    try:
        download.fetch(
            largest,
            lambda done, total: report(
                Stage("download", f"Downloading {file.name}"), done, total or file.n_bytes
            ),
            pause,
        )
    except (StorageError, UsageError):
        raise
    except MedrecogError as error:
        raise MedrecogError(f"{error} To get it manually, {entry.by_hand}.") from error
    if file.md5 and _md5(download.part) != file.md5:
        download.remove()
        raise MedrecogError(
            f"The file from {download.address} differs from the published one (MD5) and was "
            f"deleted. Try again. To get it manually, {entry.by_hand}."
        )
    try:
        download.part.replace(whole)
    except OSError as error:
        raise StorageError(unwritable(whole, error)) from error
    download.remove()
    return whole


def _part(folder: Path, file: PublishedFile) -> Path:
    return folder / f"{file.name}.part"


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _forget(folder: Path, entry: CatalogueEntry) -> None:
    for file in entry.files:
        (folder / file.name).unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path, entry: CatalogueEntry) -> Iterator[None]:
    busy = f"Another process is downloading {entry.name}. Wait until it has ended."
    try:
        with locked(folder / ".lock", busy):
            yield
    finally:
        with contextlib.suppress(OSError):
            (folder / ".lock").unlink()
            folder.rmdir()  # unless it contains downloaded parts
            folder.parent.rmdir()


def start_download(name: str) -> Job:
    """Start a job that downloads a data set of the catalogue and adds it; return immediately.

    Raises
    ------
    UsageError
        If it is not in the catalogue, or a data set of that name exists.
    MedrecogError
        If another job works on a data set of this name.
    """
    _check_new(name)
    check_upload_quota(find(name).n_bytes)
    return start(*_order(name))


def carry_out_download(
    name: str,
    keeps_val: bool = False,
    has_groups: bool = True,
    report: ProgressReport = ignore_progress,
) -> Dataset:
    """Download and add a data set as a job in this process, which other processes can see and stop.

    Parameters
    ----------
    name, keeps_val, has_groups
        As in `download_dataset`.
    report
        Called with the progress.

    Raises
    ------
    UsageError
        If it is not in the catalogue, or a data set of that name exists.
    StoppedError
        If it was stopped; downloaded parts are kept.
    MedrecogError
        If another job works on a data set of this name, or it cannot be downloaded.
    """
    check_may_change("download a data set", Action.ADD)
    _check_new(name)
    carry_out(create_job(*_order(name, keeps_val, has_groups)), report)
    return library.load(name)


def work(job: Job, work: Work) -> None:
    """Do the work of a job that downloads a data set."""
    order = job.order()
    download_dataset(
        order.subject,
        order.arguments["keeps_val"],
        order.arguments["has_groups"],
        report=counting_bytes(work.checked_report),
        hashed=counting_files(work.checked_report, HASHING),
    )


def _order(
    name: str, keeps_val: bool = False, has_groups: bool = True
) -> tuple[str, str, str, dict[str, Any]]:
    arguments = {"keeps_val": keeps_val, "has_groups": has_groups}
    return DOWNLOAD_DATASET, name, f"Download {name}", arguments


def _check_new(name: str) -> None:
    find(name)
    if name in library.names():
        raise UsageError(
            f"A data set named “{name}” already exists. Delete it first to download it again."
        )
