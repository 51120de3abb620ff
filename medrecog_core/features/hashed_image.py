"""Image files known by their content."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.images import UnreadableImageError, read_file
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if

_READERS = 2
_READING = Stage("read-files", "Reading files", "files")


@dataclass(frozen=True)
class Skipped:
    """A file that could not be used, and why."""

    path: str
    reason: str


@dataclass(frozen=True)
class HashedImage:
    """An image file and the SHA-256 of its bytes, in hexadecimal."""

    path: Path
    sha256: str


def hash_images(
    paths: Sequence[Path],
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> tuple[list[HashedImage], list[Skipped]]:
    """Hash every file; those that cannot be read are listed instead.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    hashed, skipped = [], []
    meter = Meter(_READING, len(paths), report)
    readers = ThreadPoolExecutor(_READERS)
    try:
        for path, answer in zip(paths, readers.map(_sha256, paths), strict=True):
            stop_if(should_stop())
            if isinstance(answer, str):
                hashed.append(HashedImage(path, answer))
            else:
                skipped.append(Skipped(str(path), str(answer)))
            meter.add(1)
    finally:
        readers.shutdown(cancel_futures=True)
    return hashed, skipped


def _sha256(path: Path) -> str | UnreadableImageError:
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except UnreadableImageError as error:
        return error
