"""Image files known by their content."""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.images import PLAIN, Rendering, UnreadableImageError, read_file
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
    """An image file, known by its content, and how its stored values become a picture.

    Attributes
    ----------
    path
        The file.
    sha256
        Of its bytes, in hexadecimal.
    rendering
        As it concerns the file: of plain images the plain one.
    """

    path: Path
    sha256: str
    rendering: Rendering = PLAIN

    @property
    def identity(self) -> tuple[str, str]:
        """What decides the picture: the content, and the identity of the rendering."""
        return self.sha256, self.rendering.identity

    @property
    def name(self) -> str:
        """The path, with the number of the frame where one is chosen by number."""
        frame = self.rendering.frame
        return f"{self.path}#{frame}" if isinstance(frame, int) else str(self.path)


def hash_images(
    paths: Sequence[Path],
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> tuple[list[HashedImage], list[Skipped]]:
    """Hash every file once; those that cannot be read are listed instead.

    Parameters
    ----------
    paths
        The files; one that is there several times is read and returned once.
    report, should_stop
        Called with the progress, and asked before each file.

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    hashed, skipped = [], []
    paths = list(dict.fromkeys(paths))
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
