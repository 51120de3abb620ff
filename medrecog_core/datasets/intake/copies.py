"""Second copies: of the same bytes, and of folders that repeat their siblings."""

import hashlib
import os
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folder_roles import split_of
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey
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


# --- Folders -------------------------------------------------------------------------------------

_SAMPLED = 20
"""Number of files of a folder that are checked for copies."""


@dataclass(frozen=True)
class Repeats:
    """Repeated folders.

    Attributes
    ----------
    survey
        The survey without second copies, and with the reasons.
    transparent
        Folders that repeat their siblings; they have no meaning for their images.
    """

    survey: Survey
    transparent: frozenset[str] = frozenset()


def without_repeats(survey: Survey, decisions: Decisions) -> Repeats:
    """Find folders that repeat their siblings, and skip the second copies.

    A folder repeats its siblings if its folders have the names of its siblings (`yes`, `no` and
    `all/yes`, `all/no`), or where two siblings differ in case only, or hold folders of the same
    names and mostly the same files. Its files are left out where the file of the same path there
    looks the same: size, beginning, middle and end. What is there only once is imported as if the
    repeated folder were not between.
    """
    repeated, transparent = _find(survey)
    if not repeated:
        return Repeats(survey)
    known = set(survey.images)
    dropped: dict[str, str] = {}
    kept: list[str] = []
    for path in survey.images:
        folder = max((f for f in repeated if path.startswith(f + "/")), key=len, default="")
        if not folder:
            continue
        rest = path[len(folder) + 1 :]
        other = f"{repeated[folder]}/{rest}" if repeated[folder] else rest
        if other in known and look_same(survey.root, path, other):
            dropped[path] = other
        else:
            kept.append(path)
    if decisions.keeps_copies:
        dropped, kept = {}, []
    inside = [
        path for path in kept if any(path.startswith(f + "/") for f in transparent & set(repeated))
    ]
    if not dropped and not inside:
        return Repeats(survey, transparent)
    n = len(dropped)
    paths = tuple(sorted((*dropped, *inside)))
    folders = [f for f in sorted(repeated) if any(path.startswith(f + "/") for path in paths)]
    text = [f"{', '.join(f'“{folder}”' for folder in folders)} repeats its siblings."]
    if dropped:
        text.append(
            f"{counted(n, 'second copy', 'second copies')} not imported. Use --keep-copies to "
            f"import {'it' if n == 1 else 'them'}."
        )
    if inside:
        text.append(
            f"{counted(len(inside), 'file')} there without an exact copy imported. Move the folder "
            "away if that is not intended."
        )
    warning = DatasetWarning("repeated-subtree", " ".join(text), paths)
    return Repeats(_without(survey, dropped, warning), transparent)


def _find(survey: Survey) -> tuple[dict[str, str], frozenset[str]]:
    """Return what each repeated folder repeats, and the folders that say nothing for that."""
    children = _children(survey.images)
    repeated: dict[str, str] = {}
    transparent: set[str] = set()
    for parent, names in children.items():
        folders = [f"{parent}/{name}" if parent else name for name in sorted(names)]
        by_lower: dict[str, list[str]] = defaultdict(list)
        by_contents: dict[frozenset[str], list[str]] = defaultdict(list)
        again: list[tuple[str, list[str]]] = []
        for folder in folders:
            by_lower[folder.lower()].append(folder)
            chain = _chain(folder, children)
            inner = children.get(chain[-1], set())
            if len(inner) < 2 or all(map(str.isdigit, inner)):
                continue
            if inner <= names - {folder.rpartition("/")[2]}:
                again.append((chain[-1], chain))
            elif not split_of(folder.rpartition("/")[2]):
                by_contents[frozenset(inner)].append(chain[-1])
        for folder, chain in again:
            # Where several do, names may recur for another reason.
            if len(again) == 1 or _holds_again(survey, folder, parent):
                repeated[folder] = parent
                transparent.update(chain)
        for first, *more in by_lower.values():
            repeated |= {folder: first for folder in more if folder not in repeated}
        for first, *more in by_contents.values():
            same = [folder for folder in more if _holds_again(survey, folder, first)]
            repeated |= {folder: first for folder in same if folder not in repeated}
            if same:
                transparent |= {first, *same}
    return repeated, frozenset(transparent)


def _chain(folder: str, children: dict[str, set[str]]) -> list[str]:
    """Return a folder and the only folders in it, down to the first with several or none."""
    chain = [folder]
    while len(inner := children.get(chain[-1], set())) == 1:
        chain.append(f"{chain[-1]}/{next(iter(inner))}")
    return chain


def _holds_again(survey: Survey, folder: str, other: str) -> bool:
    """Return whether most of a folder's files, by a sample, look the same as in the other."""
    start = bisect_left(survey.images, folder + "/")
    end = bisect_left(survey.images, folder + "0")  # the character after the slash
    inside = survey.images[start:end]
    sample = inside[:: -(-len(inside) // _SAMPLED)]
    before = f"{other}/" if other else ""
    same = sum(look_same(survey.root, p, before + p[len(folder) + 1 :]) for p in sample)
    return 2 * same >= len(sample)


def without_same_names(survey: Survey, decisions: Decisions) -> Survey:
    """Leave out second copies with the same file name, for tables that name images by it.

    Copies in the folders of different splits are kept.
    """
    if decisions.keeps_copies:
        return survey
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
    for path in survey.images:
        *folders, name = path.split("/")
        split = next(filter(None, map(split_of, folders)), "")
        by_name[(split, name.lower())].append(path)
    alike = [paths for paths in by_name.values() if len(paths) > 1]
    dropped: dict[str, str] = {}
    for paths in alike:
        for first, *more in same_bytes(survey.root, paths):
            dropped |= dict.fromkeys(more, first)
    if not dropped:
        return survey
    warning = DatasetWarning(
        "second-copies",
        f"{counted(len(dropped), 'file is', 'files are')} an exact copy of another with the same "
        "name, and not imported. Use --keep-copies to import copies too.",
        tuple(sorted(dropped)),
    )
    return _without(survey, dropped, warning)


def _without(survey: Survey, dropped: dict[str, str], warning: DatasetWarning) -> Survey:
    left_out = (LeftOut(path, f"an exact copy of {other}") for path, other in dropped.items())
    return replace(
        survey,
        images=tuple(path for path in survey.images if path not in dropped),
        left_out=tuple(sorted((*survey.left_out, *left_out), key=lambda entry: entry.path)),
        warnings=(*survey.warnings, warning),
    )


def _children(images: Iterable[str]) -> dict[str, set[str]]:
    """Return the folders with images in each folder."""
    children: dict[str, set[str]] = defaultdict(set)
    done: set[str] = set()
    for path in images:
        folder = path.rpartition("/")[0]
        while folder and folder not in done:
            done.add(folder)
            parent, _, name = folder.rpartition("/")
            children[parent].add(name)
            folder = parent
    return children
