"""One process at a time takes images of one source through the network at one scale."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

from filelock import FileLock, Timeout

from medrecog_core.errors import StorageError
from medrecog_core.features.progress import Progress, stop_if
from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.locations import create_folder, unwritable

_SECONDS_BETWEEN_LOOKS = 0.2


@contextmanager
def extracting_alone(
    source: DescriptorSource,
    scale: int,
    store: DescriptorStore,
    report: Callable[[Progress], None],
    should_stop: Callable[[], bool],
) -> Iterator[None]:
    """Wait until no other process extracts the same for the same store, and keep others from it.

    Two processes that want the descriptors of one image would both compute them. Whoever waited
    looks into the store again. However a process ends, the operating system lets the next one in.

    Raises
    ------
    StoppedError
        If `should_stop` says so while it waits.
    StorageError
        If the lock cannot be made.
    """
    content = json.dumps([*astuple(source), scale]).encode()
    folder = create_folder(_folder_beside(store))
    lock = FileLock(folder / f"{hashlib.sha256(content).hexdigest()[:24]}.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            stage = f"waiting for another process that extracts at {scale}"
            report(Progress(stage, 0, 0, waits=True))
            try:
                lock.acquire(poll_interval=_SECONDS_BETWEEN_LOOKS, cancel_check=should_stop)
            except Timeout:
                stop_if(True)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error
    try:
        yield
    finally:
        lock.release()


def is_extracting(store: DescriptorStore) -> bool:
    """Return whether a process extracts images for a store at this moment."""
    for file in _folder_beside(store).glob("*.lock"):
        lock = FileLock(file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
    return False


def _folder_beside(store: DescriptorStore) -> Path:
    # Not inside, because the store takes every file in its folder for an entry.
    return store.folder.with_name(f"{store.folder.name}-locks")
