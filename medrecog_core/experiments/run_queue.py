"""Whose turn it is: runs work first come, first served, so many at once as the setting allows.

There is no process that hands out turns. Every run has a place in the cache folder's queue, and
its own process looks whether those before it have ended; a run whose process died has ended too.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.experiments.run_folder import RunFolder
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.settings import read_settings

_PLACE = re.compile(r"(\d{12})\.(.+)")
_SECONDS_TO_GET_IN = 30


def runs_at_once() -> int:
    """Return how many runs may work at once: `MEDRECOG_RUNS_AT_ONCE`, else 1.

    Raises
    ------
    UsageError
        If the setting is not a whole number greater than 0.
    """
    return read_settings().runs_at_once


def join(run: RunFolder) -> None:
    """Give a run the last place, where it has none.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    with _alone():
        places = _places()
        if all(place.run_id != run.id for place in places):
            number = max((place.number for place in places), default=0) + 1
            atomic_file.write_bytes(_folder() / f"{number:012d}.{run.id}", b"")


def leave(run: RunFolder) -> None:
    """Give up a run's place; the others move up."""
    for place in _places():
        if place.run_id == run.id:
            place.file.unlink(missing_ok=True)


def runs_before(run: RunFolder) -> list[RunFolder]:
    """Return the runs that work or wait before a run, the first first."""
    return _before(run, _places())


def take_turn(run: RunFolder, begin: Callable[[], None]) -> list[RunFolder]:
    """Begin a run if it is its turn.

    Parameters
    ----------
    run
        A run that waits.
    begin
        Called when it is its turn, before any other run can ask; from then on the run's state
        must be `running`.

    Returns
    -------
    list
        The runs it has to wait for, the first first; none where it has begun.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    at_once = runs_at_once()
    join(run)
    with _alone():
        places = _places()
        before = _before(run, places)
        if len(before) >= at_once:
            return before
        begin()
        for place in places:
            if place.run_id != run.id and RunFolder(place.run_id).state().has_ended:
                place.file.unlink(missing_ok=True)
        return []


@dataclass(frozen=True)
class _Place:
    number: int
    run_id: str
    file: Path


def _before(run: RunFolder, places: list[_Place]) -> list[RunFolder]:
    mine = next((place.number for place in places if place.run_id == run.id), None)
    others = [place for place in places if place.run_id != run.id]
    before = []
    for place in others:
        state = RunFolder(place.run_id).state()
        is_first = mine is None or place.number < mine
        # One that took its turn under another setting works, wherever it stands.
        if not state.has_ended and (is_first or state.status != "queued"):
            before.append(RunFolder(place.run_id))
    return before


def _places() -> list[_Place]:
    found = []
    for file in _folder().glob("*.*"):
        match = _PLACE.fullmatch(file.name)
        if match:
            found.append(_Place(int(match[1]), match[2], file))
    return sorted(found, key=lambda place: place.number)


def _folder() -> Path:
    return cache_folder().queue


@contextmanager
def _alone() -> Iterator[None]:
    lock = FileLock(create_folder(_folder()) / "lock")
    try:
        lock.acquire(timeout=_SECONDS_TO_GET_IN)
    except Timeout:
        raise MedrecogError(
            "The queue of runs is held by a process that does not answer: end that process, or "
            "start the machine again."
        ) from None
    except OSError as error:
        raise StorageError(unwritable(_folder(), error)) from error
    try:
        yield
    finally:
        lock.release()
