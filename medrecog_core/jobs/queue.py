"""Queue of jobs: jobs of a lane start in order, as many at a time as the setting allows.

There is no scheduler process. Every job has a place in the queue in the cache folder, and its own
process checks whether those before it have ended; a job whose process died has ended too.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.job import Job, all_jobs, find_job
from medrecog_core.jobs.locks import locked
from medrecog_core.locations import cache_folder
from medrecog_core.settings import read_settings

_PLACE = re.compile(r"(\d{12})\.(.+)")
_SECONDS_TO_GET_IN = 30


def jobs_at_once() -> int:
    """Return how many jobs of a lane may run concurrently: `MEDRECOG_RUNS_AT_ONCE`, default 1."""
    return read_settings().runs_at_once


def join(job: Job) -> None:
    """Append a job to the queue unless it is in it.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    with _alone():
        places = _places()
        if all(place.job_id != job.id for place in places):
            number = max((place.number for place in places), default=0) + 1
            atomic_file.write_bytes(_folder() / f"{number:012d}.{job.id}", b"")


def leave(job: Job) -> None:
    """Remove a job from the queue."""
    for place in _places():
        if place.job_id == job.id:
            place.file.unlink(missing_ok=True)


def jobs_before(job: Job) -> list[Job]:
    """Return the jobs before a job in the queue, in order."""
    return _before(job, _places())


def working_jobs() -> list[Job]:
    """Return running and queued jobs: those of lanes first, in order.

    Runs are found through the queue, so that not every run has to be read.
    """
    found = []
    for place in _places():
        with suppress(MedrecogError):
            found.append(find_job(place.job_id))
    known = {job.id for job in found}
    found += [job for job in all_jobs() if job.id not in known]
    return [job for job in found if not job.state().has_ended]


def take_turn(job: Job, begin: Callable[[], None]) -> list[Job]:
    """Start a job if it is next in the queue.

    Parameters
    ----------
    job
        A queued job.
    begin
        Called when it is next, before any other job can start; afterwards the state of the job must
        be `running`.

    Returns
    -------
    list
        The jobs it has to wait for, in order; empty if it has started.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    at_once = jobs_at_once()
    join(job)
    with _alone():
        places = _places()
        before = _before(job, places)
        if len(before) >= at_once:
            return before
        begin()
        for place in places:
            if place.job_id != job.id and _has_ended(place):
                place.file.unlink(missing_ok=True)
        return []


@dataclass(frozen=True)
class _Place:
    number: int
    job_id: str
    file: Path


def _before(job: Job, places: list[_Place]) -> list[Job]:
    mine = next((place.number for place in places if place.job_id == job.id), None)
    before = []
    for place in places:
        if place.job_id == job.id:
            continue
        with suppress(MedrecogError):  # its folder was deleted
            other = find_job(place.job_id)
            state = other.state()
            is_first = mine is None or place.number < mine
            # A job that started under another setting keeps running, wherever its place is.
            if not state.has_ended and (is_first or state.status != "queued"):
                before.append(other)
    return before


def _has_ended(place: _Place) -> bool:
    try:
        return find_job(place.job_id).state().has_ended
    except MedrecogError:
        return True


def _places() -> list[_Place]:
    found = []
    for file in _folder().glob("*.*"):
        match = _PLACE.fullmatch(file.name)
        if match:
            found.append(_Place(int(match[1]), match[2], file))
    return sorted(found, key=lambda place: place.number)


def _folder() -> Path:
    return cache_folder().queue


def _alone() -> AbstractContextManager[None]:
    return locked(
        _folder() / "lock",
        "The queue is locked by a process that does not respond. End that process, or restart "
        "the machine.",
        _SECONDS_TO_GET_IN,
    )
