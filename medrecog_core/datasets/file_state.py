"""State of image files, read without decoding them."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from medrecog_core.datasets.dataset import Dataset, FileState
from medrecog_core.images import PLAIN, UnreadableImageError, read_file, read_header

_READERS = 2
_AHEAD = 256

HashReport = Callable[[int, int, int], None]
"""Called with the files read, the total files, and the bytes read."""


Inspect = Callable[[Path, bytes, FileState], None]
"""Called with each file, its content and state, possibly in threads."""


def ignore(done: int, total: int, n_bytes: int) -> None:
    """Report progress to nobody."""


def read_state(path: Path, axis: int = PLAIN.axis, inspect: Inspect | None = None) -> FileState:
    """Return the state of a file, from its hash and its header.

    Parameters
    ----------
    path
        The file.
    axis
        Axis of a volume that slices are counted along.
    inspect
        Called with the content of the file.

    Raises
    ------
    UnreadableImageError
        If the bytes cannot be read; the state of a file that is not an image has no width and
        height.
    """
    content = read_file(path)
    state = _state_of(path, content, axis)
    if inspect is not None:
        inspect(path, content, state)
    return state


def _state_of(path: Path, content: bytes, axis: int) -> FileState:
    try:
        status = path.stat()
    except OSError:
        raise UnreadableImageError("the file does not exist") from None
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        header = read_header(content, axis)
    except UnreadableImageError:
        return FileState(sha256, len(content), status.st_mtime_ns)
    return FileState(
        sha256,
        len(content),
        status.st_mtime_ns,
        header.width,
        header.height,
        header.mode,
        header.n_frames,
    )


def read_states(
    paths: Sequence[Path],
    report: HashReport = ignore,
    axis: int = PLAIN.axis,
    inspect: Inspect | None = None,
) -> list[FileState | UnreadableImageError]:
    """Return the state or the error of every file, in the order of the paths.

    Parameters
    ----------
    paths
        The files.
    report
        Called after each file; an error that it raises ends the reading.
    axis
        See `read_state`.
    inspect
        Called with the content of each file, so that no file is read twice.
    """
    n_bytes = 0
    states: list[FileState | UnreadableImageError] = []
    state_of = partial(_state_or_error, axis=axis, inspect=inspect)
    with ThreadPoolExecutor(_READERS) as readers:
        try:
            # A part at a time, because pending tasks take more memory than their results.
            parts = (paths[i : i + _AHEAD] for i in range(0, len(paths), _AHEAD))
            answers = chain.from_iterable(readers.map(state_of, part) for part in parts)
            for done, state in enumerate(answers, 1):
                states.append(state)
                n_bytes += state.n_bytes if isinstance(state, FileState) else 0
                report(done, len(paths), n_bytes)
        finally:
            readers.shutdown(cancel_futures=True)
    return states


def states_by_path(
    paths: Iterable[Path], report: HashReport = ignore, axis: int = PLAIN.axis
) -> dict[Path, FileState | UnreadableImageError]:
    """Return the state or the error of each file; each is read once."""
    distinct = list(dict.fromkeys(paths))
    return dict(zip(distinct, read_states(distinct, report, axis), strict=True))


def with_states(dataset: Dataset, report: HashReport = ignore) -> Dataset:
    """Return the data set with the missing states of files added.

    Unreadable files still have none. A file with several images is read once.
    """
    without = [image for image in dataset.every_image if image.file is None]
    if not without:
        return dataset
    paths = [dataset.absolute_path(image) for image in without]
    states = states_by_path(paths, report, dataset.rendering.axis)
    found = {
        image.path: replace(image, file=state)
        for image in without
        if isinstance(state := states[dataset.absolute_path(image)], FileState)
    }
    return replace(
        dataset,
        images=tuple(found.get(image.path, image) for image in dataset.images),
        excluded=tuple(
            replace(exclusion, image=found.get(exclusion.image.path, exclusion.image))
            for exclusion in dataset.excluded
        ),
    )


def is_untouched(path: Path, state: FileState) -> bool:
    """Return whether size and time of a file match its state, so that it need not be hashed.

    A change that restores the time is detected only by hashing, as every run does.
    """
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, status.st_mtime_ns) == (state.n_bytes, state.modified)


def _state_or_error(
    path: Path, axis: int, inspect: Inspect | None
) -> FileState | UnreadableImageError:
    try:
        return read_state(path, axis, inspect)
    except UnreadableImageError as error:
        return error
