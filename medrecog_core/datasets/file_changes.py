"""Files that changed since the import."""

import contextlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from medrecog_core.datasets.dataset import (
    Dataset,
    DatasetWarning,
    Exclusion,
    FileState,
    ImageRecord,
    LeftOut,
)
from medrecog_core.datasets.file_state import is_untouched, read_states, states_by_path
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError
from medrecog_core.images import UnreadableImageError, is_image_file, read_file, read_range
from medrecog_core.wording import counted

OUTSIDE_WINDOW = "outside-grey-window"
"""Id of the warning on grey values outside the window of the data set."""

Report = Callable[[int, int], None]


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
    )


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
