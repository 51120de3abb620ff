"""Folders that hold again what lies beside them, as archives that were packed twice have it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.intake.copies import look_same, same_bytes
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folder_names import split_of
from medrecog_core.datasets.intake.survey import Survey


@dataclass(frozen=True)
class Repeats:
    """What was found of repeated folders.

    Attributes
    ----------
    survey
        Without the second copies, with what was left out and why.
    transparent
        Folders that hold the folders beside them again; they say nothing about their images.
    """

    survey: Survey
    transparent: frozenset[str] = frozenset()


def without_repeats(survey: Survey, decisions: Decisions) -> Repeats:
    """Find folders whose contents lie beside them again, and leave out the second copies.

    A folder repeats what lies beside it where its folders have the names of its siblings
    (`yes`, `no` and `all/yes`, `all/no`), or where two siblings differ in case only. Its files are
    left out where the file of the same path there looks the same: size, beginning, middle and end.
    What is there only once is imported as if the repeated folder were not between.
    """
    children = _children(survey.images)
    repeated: dict[str, str] = {}  # from the repeated folder to the folder that it repeats
    for parent, names in children.items():
        again = []
        for name in sorted(names):
            folder = f"{parent}/{name}" if parent else name
            inner = children.get(folder, set())
            if len(inner) > 1 and inner <= names - {name} and not all(map(str.isdigit, inner)):
                again.append(folder)
        # Where several do, names recur for another reason, as those of classes at two readings.
        if len(again) == 1:
            repeated[again[0]] = parent
        by_lower: dict[str, list[str]] = defaultdict(list)
        for name in sorted(names):
            by_lower[name.lower()].append(f"{parent}/{name}" if parent else name)
        for first, *more in by_lower.values():
            repeated |= dict.fromkeys(more, first)
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
    transparent = frozenset(f for f, other in repeated.items() if f.startswith(other))
    if decisions.keeps_copies:
        dropped, kept = {}, []
    inside = [path for path in kept if any(path.startswith(f + "/") for f in transparent)]
    if not dropped and not inside:
        return Repeats(survey, transparent)
    n = len(dropped)
    paths = tuple(sorted((*dropped, *inside)))
    folders = [f for f in sorted(repeated) if any(path.startswith(f + "/") for path in paths)]
    text = [f"{', '.join(f'“{folder}”' for folder in folders)} repeats what lies beside it."]
    if dropped:
        text.append(
            f"{counted(n, 'second copy', 'second copies')} left out. Use --keep-copies to import "
            f"{'it' if n == 1 else 'them'}."
        )
    if inside:
        text.append(
            f"{counted(len(inside), 'file')} there without an exact copy imported. Move the folder "
            "away if that is not intended."
        )
    warning = DatasetWarning("repeated-subtree", " ".join(text), paths)
    return Repeats(_without(survey, dropped, warning), transparent)


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
        "name, and left out. Use --keep-copies to import copies too.",
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
