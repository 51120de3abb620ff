"""Data sets whose images were moved to another folder."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from medrecog_core.datasets.dataset import Dataset, FileState, ImageRecord
from medrecog_core.datasets.file_changes import FileChange
from medrecog_core.datasets.file_state import HashReport, ignore, read_states
from medrecog_core.errors import MedrecogError
from medrecog_core.images import UnreadableImageError


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
