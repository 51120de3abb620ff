"""The image files of a data set on disk: their state, and whether they changed or moved."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from medrecog_core.data_roots import leads_out
from medrecog_core.datasets.dataset import (
    Dataset,
    DatasetWarning,
    Exclusion,
    FileState,
    ImageRecord,
    LeftOut,
)
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.images import (
    PLAIN,
    UnreadableImageError,
    is_image_file,
    read_file,
    read_header,
    read_range,
)
from medrecog_core.locations import unwritable
from medrecog_core.wording import counted

_READERS = 2
_AHEAD = 256
HashReport = Callable[[int, int, int], None]
"""Called with the files read, the total files, and the bytes read."""
Inspect = Callable[[Path, bytes, FileState], None]
"""Called with each file, its content and state, possibly in threads."""
OUTSIDE_WINDOW = "outside-grey-window"
"""Id of the warning on grey values outside the window of the data set."""
Report = Callable[[int, int], None]


def files_below(folder: Path) -> list[Path]:
    """Return all regular files below a folder, sorted, except hidden files and folders.

    Links that lead out of the data folders are skipped.

    Raises
    ------
    MedrecogError
        If the folder or one in it cannot be read.
    """
    found = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files = (Path(parent, name) for name in names if not name.startswith("."))
        found += [file for file in files if file.is_file() and not leads_out(file)]
    return sorted(found)


def shown(path: str) -> str:
    """Return a path with `?` for bytes that are not UTF-8, for display and storage.

    Old archives contain such names. Data sets skip these files, because browsers and terminals
    cannot show them.
    """
    return path.encode(errors="replace").decode()


def link_or_copy(source: Path, target: Path) -> None:
    """Create a hard link to a file, or a copy if the file system has none.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copyfile(source, target)
    except OSError as error:
        raise StorageError(unwritable(target, error)) from error


def _refuse(error: OSError) -> None:
    raise MedrecogError(
        f"{error.filename} cannot be read ({error.strerror}). Allow reading it, or move it away."
    ) from error


# --- State ---------------------------------------------------------------------------------------


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


# --- Changes since the import --------------------------------------------------------------------


@dataclass(frozen=True)
class FileChange:
    """An image whose file changed.

    Attributes
    ----------
    path
        Path of the image.
    reason
        What changed, as text.
    moved_to
        New path of its content, relative to the root; empty if it did not move.
    state
        Current state of the file; None if it is missing or unreadable.
    outside
        Its smallest and largest grey value, if outside the grey window of the data set; otherwise
        None.
    """

    path: str
    reason: str
    moved_to: str = ""
    state: FileState | None = None
    outside: tuple[float, float] | None = None


def find_changes(
    dataset: Dataset, report: Report = lambda done, total: None
) -> tuple[FileChange, ...]:
    """Return the images, including excluded ones, whose files changed, moved or disappeared.

    Files with the same size and time count as unchanged.

    Raises
    ------
    MedrecogError
        If the folder of the images is missing.
    """
    if not dataset.root.is_dir():
        raise MedrecogError(
            f"The folder {dataset.root} of the data set “{dataset.name}” is missing. Restore the "
            f"folder, or use “datasets move {dataset.name} NEWROOT” if the images are in another "
            "folder."
        )
    doubtful = [
        image
        for image in dataset.every_image
        if image.file is None or not is_untouched(dataset.absolute_path(image), image.file)
    ]

    def report_files(done: int, total: int, _: int) -> None:
        report(done, total)

    paths = [dataset.absolute_path(image) for image in doubtful]
    states = states_by_path(paths, report_files, dataset.rendering.axis)
    changes: dict[str, FileChange] = {}
    vanished: dict[str, ImageRecord] = {}
    for image in doubtful:
        state = states[dataset.absolute_path(image)]
        if isinstance(state, UnreadableImageError):
            changes[image.path] = FileChange(image.path, str(state))
            if image.file is not None:
                vanished[image.path] = image
        elif image.file is None:
            changes[image.path] = _with_range(
                dataset, image, state, "it was not scanned when the data set was added"
            )
        elif state.sha256 != image.file.sha256:
            changes[image.path] = _with_range(
                dataset, image, state, "it has changed since the data set was added"
            )
    for path, (new_path, state) in _find_moved(dataset, vanished.values()).items():
        changes[path] = FileChange(path, f"it has moved to {new_path}", new_path, state)
    return tuple(changes[path] for path in sorted(changes))


def refreshed(dataset: Dataset, changes: Collection[FileChange]) -> Dataset:
    """Return the data set updated to its current files.

    Changed files get their new state, moved ones their new path; both keep label, split and group.
    Images whose files cannot be read, or no longer have the frame, are skipped with a reason. New
    files are not added, because their labels are unknown. The rendering never changes: files with
    grey values outside its window get a warning.

    Raises
    ------
    MedrecogError
        If images of fewer than two classes would be left.
    """
    change_of = {change.path: change for change in changes}
    frame_of = {image.path: image.frame for image in dataset.every_image}
    lost = [
        LeftOut(change.path, reason)
        for change in changes
        if (reason := _reason_to_leave_out(change, frame_of.get(change.path)))
    ]

    def now(image: ImageRecord) -> ImageRecord:
        change = change_of.get(image.path)
        if change is None:
            return image
        return replace(image, path=change.moved_to or image.path, file=change.state)

    gone = {each.path for each in lost}
    kept = [now(image) for image in dataset.images if image.path not in gone]
    excluded = [
        Exclusion(now(exclusion.image), exclusion.finding, exclusion.reason)
        for exclusion in dataset.excluded
        if exclusion.image.path not in gone
    ]
    return replace(
        dataset,
        images=tuple(sorted(kept, key=lambda image: image.path)),
        excluded=tuple(sorted(excluded, key=lambda exclusion: exclusion.image.path)),
        left_out=(*dataset.left_out, *lost),
        warnings=_warnings(dataset, [change for change in changes if change.path not in gone]),
        metadata=_moved_metadata(dataset, changes),
    )


def _moved_metadata(
    dataset: Dataset, changes: Collection[FileChange]
) -> Mapping[str, Mapping[str, str]]:
    """Return the metadata with the paths of files that have moved."""
    image_of = {image.path: image for image in dataset.every_image}
    moved = {
        image.file_path: replace(image, path=change.moved_to).file_path
        for change in changes
        if change.moved_to and (image := image_of.get(change.path)) is not None
    }
    if not moved:
        return dataset.metadata
    return {
        column: {moved.get(path, path): value for path, value in values.items()}
        for column, values in dataset.metadata.items()
    }


def _reason_to_leave_out(change: FileChange, frame: int | None) -> str:
    """Return why an image has to be skipped; empty if it need not be."""
    if change.state is None:
        return change.reason
    if frame is None or frame < change.state.n_frames:
        return ""
    return f"its file has only {change.state.n_frames} frames now"


def _with_range(dataset: Dataset, image: ImageRecord, state: FileState, reason: str) -> FileChange:
    """Return a change, with a note if the grey values are outside the window."""
    outside = None
    rendering = dataset.rendering_of(replace(image, file=state))
    if (window := rendering.window) is None:
        return FileChange(image.path, reason, state=state)
    with contextlib.suppress(UnreadableImageError):
        found = read_range(read_file(dataset.absolute_path(image)), rendering)
        if found is not None and (rendering.overrides_own or not found.has_own_window):
            low, high = found.low, found.high
            outside = (low, high) if low < window[0] or high > window[1] else None
    if outside is not None:
        reason += (
            f"; its grey values range from {outside[0]:.10g} to {outside[1]:.10g}, outside the "
            f"data set's window {_words(window)}"
        )
    return FileChange(image.path, reason, state=state, outside=outside)


def _warnings(dataset: Dataset, changes: Collection[FileChange]) -> tuple[DatasetWarning, ...]:
    """Return the warnings with an updated one on files outside the window."""
    others = tuple(each for each in dataset.warnings if each.id != OUTSIDE_WINDOW)
    moved_to = {change.path: change.moved_to for change in changes if change.moved_to}
    looked_at = {change.path for change in changes if not change.moved_to}
    before = {p for each in dataset.warnings if each.id == OUTSIDE_WINDOW for p in each.paths}
    still = {moved_to.get(path, path) for path in before - looked_at}
    outside = sorted(still | {change.path for change in changes if change.outside is not None})
    if not outside or dataset.rendering.window is None:
        return others
    return (
        *others,
        DatasetWarning(
            OUTSIDE_WINDOW,
            f"Grey values of {counted(len(outside), 'changed file')} are outside the grey window "
            f"{_words(dataset.rendering.window)} and are shown as black or white. The window "
            "of a data set does not change. Add the images as a new data set to use another "
            "window (--window LOW:HIGH).",
            tuple(outside),
        ),
    )


def _find_moved(
    dataset: Dataset, vanished: Collection[ImageRecord]
) -> dict[str, tuple[str, FileState]]:
    """Return the new paths of missing images by old path, below the same root.

    A file among images of another class or split counts as missing, because only a person can say
    whether its label or its place is wrong.
    """
    if not vanished:
        return {}
    known = {image.file_path for image in dataset.every_image}
    sizes = {image.file.n_bytes for image in vanished if image.file}
    strangers = [
        file
        for file in files_below(dataset.root)
        if is_image_file(file)
        and (path := file.relative_to(dataset.root).as_posix()) not in known
        and path == shown(path)
        and _size(file) in sizes
    ]
    by_content: dict[str, list[tuple[str, FileState]]] = {}
    for file, state in zip(
        strangers, read_states(strangers, axis=dataset.rendering.axis), strict=True
    ):
        if isinstance(state, FileState):
            path = file.relative_to(dataset.root).as_posix()
            by_content.setdefault(state.sha256, []).append((path, state))
    kinds_of_folder: dict[str, set[tuple[str, str]]] = {}
    for image in dataset.every_image:
        folder = Path(image.file_path).parent.as_posix()
        kinds_of_folder.setdefault(folder, set()).add((image.label, image.split))
    moved: dict[str, tuple[str, FileState]] = {}
    place_of: dict[str, tuple[str, FileState]] = {}
    for image in vanished:
        if image.file_path in place_of:
            # Another frame of a file that was found.
            path, state = place_of[image.file_path]
            moved[image.path] = (f"{path}#{image.frame}", state)
            continue
        kind = (image.label, image.split)
        candidates = by_content.get(image.file.sha256, []) if image.file else []
        for candidate in candidates:
            if kind in kinds_of_folder.get(Path(candidate[0]).parent.as_posix(), {kind}):
                path, state = place_of[image.file_path] = candidate
                moved[image.path] = (
                    path if image.frame is None else f"{path}#{image.frame}",
                    state,
                )
                candidates.remove(candidate)
                break
    return moved


def _words(window: tuple[float, float]) -> str:
    return f"{window[0]:.10g} to {window[1]:.10g}"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


# --- Another folder ------------------------------------------------------------------------------


def moved_to(
    dataset: Dataset, root: Path, report: HashReport = ignore
) -> tuple[Dataset, tuple[FileChange, ...]]:
    """Return a data set that uses another folder, and the images that do not match there.

    Every file is hashed, because copies often keep the time of the original. An image without a
    known hash counts as the same.

    Raises
    ------
    MedrecogError
        If no image with the same content is below the folder.
    """
    files = sorted({image.file_path for image in dataset.every_image})
    states = dict(zip(files, read_states([root / path for path in files], report), strict=True))
    changes = []
    same: dict[str, ImageRecord] = {}
    for image in dataset.every_image:
        state = states[image.file_path]
        change = _change(image, state)
        if change is not None:
            changes.append(change)
        elif isinstance(state, FileState) and image.file is not None:
            same[image.path] = replace(image, file=replace(image.file, modified=state.modified))
        else:
            same[image.path] = image
    if not same:
        raise MedrecogError(_not_there(dataset, root, changes))
    moved = replace(
        dataset,
        root=root,
        images=tuple(same.get(image.path, image) for image in dataset.images),
        excluded=tuple(
            replace(each, image=same.get(each.image.path, each.image)) for each in dataset.excluded
        ),
    )
    return moved, tuple(changes)


def _change(image: ImageRecord, state: FileState | UnreadableImageError) -> FileChange | None:
    if isinstance(state, UnreadableImageError):
        return FileChange(image.path, str(state))
    if image.file is not None and image.file.sha256 != state.sha256:
        return FileChange(image.path, "its content is different", state=state)
    return None


def _not_there(dataset: Dataset, root: Path, changes: Sequence[FileChange]) -> str:
    first = changes[0]
    return (
        f"None of the {len(dataset.every_image):,} images of “{dataset.name}” is below {root} "
        f"with the same content, for example {first.path} ({first.reason}). Enter the folder that "
        f"corresponds to {dataset.root}."
    )
