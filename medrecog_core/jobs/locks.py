"""Locks between processes, released by the operating system however a process ends."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.jobs.progress import never
from medrecog_core.locations import create_folder, unwritable

_SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def locked(file: Path, busy: str, seconds: float = 0) -> Iterator[None]:
    """Hold a lock within the block.

    Parameters
    ----------
    file
        The lock's file. Its folder is created.
    busy
        Error message if another process holds it.
    seconds
        Maximum time to wait for it.

    Raises
    ------
    MedrecogError
        If another process holds it.
    StorageError
        If the file cannot be created.
    """
    lock = _lock(file)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise MedrecogError(busy) from None
    except OSError as error:
        raise StorageError(unwritable(file, error)) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def waited_for(
    file: Path, waits: Callable[[], None], should_stop: Callable[[], bool] = never
) -> Iterator[None]:
    """Wait for a lock without a time limit, and hold it within the block.

    Parameters
    ----------
    file
        The lock's file. Its folder is created.
    waits
        Called once if another process holds it.
    should_stop
        Checked while waiting.

    Raises
    ------
    StoppedError
        If `should_stop` returns true while waiting.
    StorageError
        If the file cannot be created.
    """
    lock = _lock(file)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waits()
            lock.acquire(poll_interval=_SECONDS_BETWEEN_LOOKS, cancel_check=should_stop)
    except Timeout:
        raise StoppedError("The work was stopped while waiting.") from None
    except OSError as error:
        raise StorageError(unwritable(file, error)) from error
    try:
        yield
    finally:
        lock.release()


def is_held(file: Path) -> bool:
    """Return whether a process holds a lock.

    Raises
    ------
    StorageError
        If the file cannot be created.
    """
    lock = _lock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError as error:
        raise StorageError(unwritable(file, error)) from error
    lock.release()
    return False


def _lock(file: Path) -> FileLock:
    return FileLock(create_folder(file.parent) / file.name)
