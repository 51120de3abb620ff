"""Second copies of the same bytes."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.wording import counted

_PART_BYTES = 2**14
_CHUNK_BYTES = 2**20


def without_copies(root: Path, found: Interpretation, decisions: Decisions) -> Interpretation:
    """Return it without second copies that have the same label and split.

    Of files with the same bytes, the first by path is imported. Copies with different labels or
    splits are all kept and warned about, so that the number of images in a given split does not
    change.

    Notes
    -----
    Cost: one `stat` a file. Files of a size that occurs once are not opened. Of the others, three
    parts of 16 kB are read, and only files that agree in these are read whole.
    """
    path_of = {image.file_path: image for image in found.images}
    groups = same_bytes(root, path_of)
    if not groups:
        return found
    dropped: dict[str, str] = {}
    across_labels: list[str] = []
    across_splits: list[str] = []
    for paths in groups:
        images = [path_of[path] for path in paths]
        first: dict[tuple[str, str, str], ImageRecord] = {}
        for image in images:
            key = (image.label, image.split, image.fold)
            if key in first:
                dropped[image.path] = first[key].path
            else:
                first[key] = image
        if len({image.label for image in images}) > 1:
            across_labels += paths
        if len({(image.split, image.fold) for image in images}) > 1:
            across_splits += paths
    warnings = []
    if decisions.keeps_copies:
        dropped = {}
    elif dropped:
        warnings.append(
            DatasetWarning(
                "second-copies",
                f"{counted(len(dropped), 'file is', 'files are')} an exact copy of another with "
                "the same label and split, and not imported. Use --keep-copies to import copies "
                "too.",
                tuple(sorted(dropped)),
            )
        )
    if across_splits:
        warnings.append(
            DatasetWarning(
                "copies-across-splits",
                f"{counted(len(across_splits), 'file is', 'files are')} an exact copy of another "
                "in a different split. All are imported. Exclude them before training: the "
                "data set check lists them.",
                tuple(sorted(across_splits)),
            )
        )
    if across_labels:
        warnings.append(
            DatasetWarning(
                "copies-across-labels",
                f"{counted(len(across_labels), 'file is', 'files are')} an exact copy of another "
                "with a different label, so one of the labels is wrong. All are imported. Exclude "
                "them before training: the data set check lists them.",
                tuple(sorted(across_labels)),
            )
        )
    kept = tuple(image for image in found.images if image.path not in dropped)
    left_out = tuple(
        LeftOut(path, f"an exact copy of {other}") for path, other in sorted(dropped.items())
    )
    return found.with_images(kept, left_out=left_out, warnings=tuple(warnings))


def same_bytes(root: Path, paths: Iterable[str]) -> list[list[str]]:
    """Return the sets of two or more files with the same bytes, each sorted, the first first.

    Files that cannot be read, and empty ones, are in none.
    """
    by_size = _alike(paths, lambda path: _size(root, path))
    by_parts = [
        group for alike in by_size for group in _alike(alike, lambda path: _parts(root, path))
    ]
    whole = [group for alike in by_parts for group in _alike(alike, lambda p: _sha256(root, p))]
    return sorted(sorted(group) for group in whole)


def look_same(root: Path, one: str, other: str) -> bool:
    """Return whether two files agree in size and in three parts of their content."""
    size = _size(root, one)
    return (
        size is not None
        and size == _size(root, other)
        and (_parts(root, one) == _parts(root, other) is not None)
    )


def _alike(paths: Iterable[str], key_of: Callable[[str], Hashable]) -> list[list[str]]:
    by_key: Mapping[Hashable, list[str]] = defaultdict(list)
    for path in paths:
        key = key_of(path)
        if key is not None:
            by_key[key].append(path)
    return [group for group in by_key.values() if len(group) > 1]


def _size(root: Path, path: str) -> int | None:
    try:
        return os.stat(f"{root}/{path}").st_size or None  # noqa: PTH116
    except OSError:
        return None


def _parts(root: Path, path: str) -> bytes | None:
    """Return a digest of the beginning, middle and end of a file, and of its size."""
    try:
        with open(f"{root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123
            size = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256(str(size).encode())
            for start in sorted({0, max(0, (size - _PART_BYTES) // 2), max(0, size - _PART_BYTES)}):
                file.seek(start)
                digest.update(file.read(_PART_BYTES) or b"")
            return digest.digest()
    except OSError:
        return None


def _sha256(root: Path, path: str) -> bytes | None:
    try:
        with open(f"{root}/{path}", "rb", buffering=0) as file:  # noqa: PTH123
            digest = hashlib.sha256()
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
            return digest.digest()
    except OSError:
        return None
