"""Files that are not what they were when the data set took them in."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from medrecog_core.datasets.dataset import Dataset, Exclusion, FileState, ImageRecord, LeftOut
from medrecog_core.datasets.file_state import is_untouched, read_states
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError
from medrecog_core.images import UnreadableImageError, is_image_file

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class FileChange:
    """An image whose file is not what it was.

    Attributes
    ----------
    path
        The image's.
    reason
        In words, what is different.
    moved_to
        Where its content lies now, relative to the data set's root; empty where it did not move.
    state
        What the file is now; None where it is gone or cannot be read.
    """

    path: str
    reason: str
    moved_to: str = ""
    state: FileState | None = None


def find_changes(
    dataset: Dataset, report: Report = lambda done, total: None
) -> tuple[FileChange, ...]:
    """Return the images, excluded ones too, whose files changed, moved or vanished.

    Files that still have their size and time are taken to be unchanged.

    Raises
    ------
    MedrecogError
        If the folder of the images is gone.
    """
    if not dataset.root.is_dir():
        raise MedrecogError(
            f"The folder {dataset.root} of the data set “{dataset.name}” is gone: put it back, or "
            "remove the data set and add it from where its images are now."
        )
    doubtful = [
        image
        for image in dataset.every_image
        if image.file is None or not is_untouched(dataset.absolute_path(image), image.file)
    ]

    def counted(done: int, total: int, _: int) -> None:
        report(done, total)

    states = read_states([dataset.absolute_path(image) for image in doubtful], counted)
    changes: dict[str, FileChange] = {}
    vanished: dict[str, ImageRecord] = {}
    for image, state in zip(doubtful, states, strict=True):
        if isinstance(state, UnreadableImageError):
            changes[image.path] = FileChange(image.path, str(state))
            if image.file is not None:
                vanished[image.path] = image
        elif image.file is None:
            changes[image.path] = FileChange(
                image.path, "it was not looked at when the data set was added", state=state
            )
        elif state.sha256 != image.file.sha256:
            changes[image.path] = FileChange(
                image.path, "it has changed since the data set was added", state=state
            )
    for path, (new_path, state) in _find_moved(dataset, vanished.values()).items():
        changes[path] = FileChange(path, f"it has moved to {new_path}", new_path, state)
    return tuple(changes[path] for path in sorted(changes))


def refreshed(dataset: Dataset, changes: Collection[FileChange]) -> Dataset:
    """Return the data set as its files are now.

    Changed files get their new state, moved ones their new path; they keep label, split and group.
    Images whose files cannot be read are left out, with the reason. New files are not taken in,
    because their labels are not known here.

    Raises
    ------
    MedrecogError
        If images of fewer than two classes would be left.
    """
    change_of = {change.path: change for change in changes}
    lost = [change for change in changes if change.state is None]

    def now(image: ImageRecord) -> ImageRecord:
        change = change_of.get(image.path)
        if change is None:
            return image
        return replace(image, path=change.moved_to or image.path, file=change.state)

    gone = {change.path for change in lost}
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
        left_out=(*dataset.left_out, *(LeftOut(change.path, change.reason) for change in lost)),
    )


def _find_moved(
    dataset: Dataset, vanished: Collection[ImageRecord]
) -> dict[str, tuple[str, FileState]]:
    """Map the path of a vanished image to where its content lies now, below the same root.

    A file that lies among images of another class or split counts as vanished: whether its label
    or only its place is wrong, only a person can say.
    """
    if not vanished:
        return {}
    known = {image.path for image in dataset.every_image}
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
    for file, state in zip(strangers, read_states(strangers), strict=True):
        if isinstance(state, FileState):
            path = file.relative_to(dataset.root).as_posix()
            by_content.setdefault(state.sha256, []).append((path, state))
    kinds_of_folder: dict[str, set[tuple[str, str]]] = {}
    for image in dataset.every_image:
        folder = Path(image.path).parent.as_posix()
        kinds_of_folder.setdefault(folder, set()).add((image.label, image.split))
    moved = {}
    for image in vanished:
        kind = (image.label, image.split)
        candidates = by_content.get(image.file.sha256, []) if image.file else []
        for candidate in candidates:
            if kind in kinds_of_folder.get(Path(candidate[0]).parent.as_posix(), {kind}):
                moved[image.path] = candidate
                candidates.remove(candidate)
                break
    return moved


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1
