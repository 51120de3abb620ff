"""Deleted runs, which can be restored for 30 days."""

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs.job import JOB_ID, Job
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.ownership import check_may_change_in

DAYS_KEPT = 30
"""Days after which a deleted run is removed from the disk."""

_DELETED = "deleted.json"
_SECONDS_A_DAY = 24 * 3600


@dataclass(frozen=True)
class DeletedRun:
    """A run in the trash.

    Attributes
    ----------
    id, title
        Its identity, and its title or its identity.
    deleted
        When it was deleted, in seconds since 1970.
    """

    id: str
    title: str
    deleted: float

    @property
    def path(self) -> Path:
        """Its folder in the trash."""
        return cache_folder().trash / self.id

    @property
    def days_left(self) -> int:
        """Days until it is removed, at least 0."""
        return max(0, round(DAYS_KEPT - (time.time() - self.deleted) / _SECONDS_A_DAY))


def move_to_trash(folder: Path) -> None:
    """Move the folder of a run to the trash; an earlier run of that identity there is removed.

    Raises
    ------
    StorageError
        If it cannot be moved.
    """
    remove_expired()
    place = cache_folder().trash / folder.name
    create_folder(place.parent)
    try:
        if place.exists():
            shutil.rmtree(place)
        atomic_file.write_json(folder / _DELETED, time.time())
        folder.rename(place)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error


def deleted_runs() -> list[DeletedRun]:
    """Return the runs in the trash, the last deleted first."""
    found = [
        DeletedRun(folder.name, Job(folder).title, _deleted(folder))
        for folder in _deleted_folders()
    ]
    return sorted(found, key=lambda run: (run.deleted, run.id), reverse=True)


def restore_run(run_id: str) -> None:
    """Move a run from the trash back to the other runs.

    Raises
    ------
    MedrecogError
        If it is not in the trash, or a run of that identity exists.
    """
    check_may_change_in(cache_folder().trash / run_id, "restore a run")
    folder = cache_folder().trash / run_id
    if not JOB_ID.fullmatch(run_id) or not folder.is_dir():
        raise MedrecogError(
            f"Run “{run_id}” is not in the trash. The command “runs --trash” lists deleted runs."
        )
    place = cache_folder().runs / run_id
    if place.exists():
        raise MedrecogError(
            f"Run “{run_id}” exists already. Delete it before you restore this one."
        )
    create_folder(place.parent)
    try:
        folder.rename(place)
        (place / _DELETED).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(unwritable(place, error)) from error


def empty_trash() -> int:
    """Remove every run in the trash from the disk, and return their number."""
    check_may_change("empty the trash")
    folders = _deleted_folders()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def remove_expired() -> None:
    """Remove runs that were deleted more than 30 days ago."""
    for folder in _deleted_folders():
        if time.time() - _deleted(folder) > DAYS_KEPT * _SECONDS_A_DAY:
            shutil.rmtree(folder, ignore_errors=True)


def _deleted_folders() -> list[Path]:
    return [file.parent for file in cache_folder().trash.glob("*/state.json")]


def _deleted(folder: Path) -> float:
    """Return when a run was deleted; a damaged note counts as now, so that nothing is lost."""
    with suppress(FileNotFoundError, StorageError, TypeError, ValueError):
        return float(atomic_file.read_json(folder / _DELETED))
    return time.time()
