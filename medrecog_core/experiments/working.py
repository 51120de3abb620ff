"""One process works on a run at a time, and its last word finds room on a full disk."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from filelock import FileLock, Timeout

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.experiments.run_folder import RunFolder
from medrecog_core.locations import unwritable

_RESERVED_BYTES = 64 * 1024
# A process that was killed takes a moment to give back its memory, and only then its locks.
_SECONDS_TO_LET_GO = 5
_WRITTEN_BY_THE_WORK = ("state", "record", "images", "split", "files")


@contextmanager
def working_on(run: RunFolder) -> Iterator[None]:
    """Keep every other process from working on a run while the block lasts.

    However this process ends, the operating system then lets the next one in.

    Raises
    ------
    MedrecogError
        If another process is working on it.
    """
    lock = FileLock(run.path / "lock")
    try:
        lock.acquire(timeout=_SECONDS_TO_LET_GO)
    except Timeout:
        raise MedrecogError(f"The run {run.id} is at work already.") from None
    except OSError as error:
        raise StorageError(unwritable(run.path, error)) from error
    try:
        _remove_leftovers(run)
        yield
    finally:
        lock.release()


@contextmanager
def room_for_the_last_word(run: RunFolder) -> Iterator[Callable[[], None]]:
    """Keep some disk space, and give a function that frees it.

    On a full disk, a run can then still say that it failed, and why.
    """
    reserve = run.path / "reserve"

    def free() -> None:
        with suppress(OSError):
            reserve.unlink(missing_ok=True)

    # Of random bytes: a file system may keep others in no space at all.
    with suppress(StorageError):
        atomic_file.write_bytes(reserve, os.urandom(_RESERVED_BYTES))
    try:
        yield free
    finally:
        free()


def _remove_leftovers(run: RunFolder) -> None:
    """Delete the unfinished files of a process that was killed while writing."""
    for pattern in ("cells/.*", *(f".{name}.json-*" for name in _WRITTEN_BY_THE_WORK)):
        for file in run.path.glob(pattern):
            with suppress(OSError):
                file.unlink()
