"""One process at a time takes images of one source through the network at one scale."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.jobs.locks import is_held, waited_for
from medrecog_core.jobs.progress import Progress, Stage


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
    file = _folder_beside(store) / f"{hashlib.sha256(content).hexdigest()[:24]}.lock"
    stage = Stage(
        f"wait-for-extraction-{scale}", f"Waiting for another process that extracts at {scale} px"
    )
    with waited_for(file, lambda: report(Progress(stage, 0, 0, waits=True)), should_stop):
        yield


def is_extracting(store: DescriptorStore) -> bool:
    """Return whether a process extracts images for a store at this moment."""
    return any(is_held(file) for file in _folder_beside(store).glob("*.lock"))


def _folder_beside(store: DescriptorStore) -> Path:
    # Not inside, because the store takes every file in its folder for an entry.
    return store.folder.with_name(f"{store.folder.name}-locks")
