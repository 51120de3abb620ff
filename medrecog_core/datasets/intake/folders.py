"""Labels from folders: which level is the class, which the patient, and which the split."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from shlex import quote

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.intake.classes import class_option
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folder_roles import (
    FLAT_TEST_NAMES,
    NUMBER,
    PERSON,
    SPLIT,
    STRONG,
    UNLABELLED_NAMES,
    VIEW,
    VISIT,
    Folder,
    folders_with_roles,
    form_of,
    kind_of,
    split_of,
)
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.errors import MedrecogError
from medrecog_core.wording import counted

GROUPS_BY_FOLDER = ", groups by folder"
NOT_IN_A_CLASS = "not in a class folder"
_WITHOUT_LABELS = frozenset(
    {"unlabelled", "unlabeled", "unlabelled_images", "unlabeled_images", "unlabeled-images"}
)
_EXTRACTED_BY_HAND = (".7z", ".rar", ".tar.bz2", ".tar.xz", ".zst")
_NOTES = (".json", ".xml", ".yaml", ".yml")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".npz", *_EXTRACTED_BY_HAND)

_COVERED = 0.9
"""Part of the images that must have a folder at a level for it to be the class."""
_LONG_NUMBER = 3
"""Digits from which a number is rather a patient than a class."""
_MANY_OUTER, _FEW_INNER = 20, 10
"""More outer names than the first, and fewer inner ones than the second, that recur below them:
people by name, and their classes."""
_BINARY = frozenset({"0", "1"})
_FEW_NUMBERS = 2
"""Largest number of a folder below a class that does not count as a patient."""


@dataclass(frozen=True)
class _Level:
    """The folders at one place in the order of those that may be classes.

    Attributes
    ----------
    kind
        Of their names.
    names
        From the name to its number of images.
    n_parents
        Different folders with such a name: as many as names where none recurs.
    coverage
        Part of the images that have one.
    """

    kind: str
    index: int
    names: Counter[str]
    n_folders: int
    coverage: float

    @property
    def recurrence(self) -> float:
        """How often a name recurs in different folders, on average."""
        return self.n_folders / len(self.names)


@dataclass(frozen=True)
class _Reading:
    """Which folder is the class: the index-th of a kind; and why."""

    kind: str
    index: int
    reason: str
    is_clear: bool = True


def read_folders(
    survey: Survey, decisions: Decisions, transparent: frozenset[str] = frozenset()
) -> list[Interpretation]:
    """Return the interpretations of the folders, best first; several if they are equally good.

    The rule, in order:

    1. A folder is a **split** by its name (`train`, `Testing`, `val_images`) where its siblings are
       splits too, or it alone holds folders; a **fold** by its name (`fold1`) where there are
       several; and **says nothing** where its name is one for all files (`images`, `part_1`,
       `DCIM`, a UID), repeats that of its parent, or repeats its siblings' contents.
    2. Of the rest, names are those of **people** (a word such as patient or case with a number, or
       four digits in a row), of **visits** (study, series), **views** (left, 40X), **numbers**, or
       any others. Folders of one parent, and of one depth, are of one kind, the most frequent one.
       Levels with one name only are left aside where others have more.
    3. The **class** is the level of other names that has `_COVERED` of the images. Without one, it
       is a view; without one, a number. People and visits never are.
    4. Where several levels of other names do, they explain the images equally, unless more than
       `_MANY_OUTER` outer names have the same fewer than `_FEW_INNER` inner ones: people by name.
    5. Of two levels of numbers, the class is the one with the shorter numbers where the others have
       `_LONG_NUMBER` digits or more, else the one with half the names or fewer, if the inner names
       recur; else they are equal.
       Below or above other names, short numbers that recur are another way to read the folders: 0
       and 1 an equal one, others one that is said.
    6. The **group** is the outermost level of people, else of numbers (more than `_FEW_NUMBERS`),
       else of visits that do not recur, where some folder holds several images.

    A level that the decisions name always wins.

    Parameters
    ----------
    survey
        What lies below the folder.
    decisions
        Levels.
    transparent
        Folders that say nothing, since they repeat what lies beside them.

    Raises
    ------
    MedrecogError
        If the folders say no class.
    """
    if not survey.images:
        raise MedrecogError(_without_images(survey))
    folders = folders_with_roles(survey.images, transparent, decisions)
    if decisions.class_level is not None:
        readings = [_Reading("", 0, f"the class is folder level {decisions.class_level}")]
    else:
        readings = _readings(survey, folders)
    return [_interpretation(survey, decisions, folders, reading, readings) for reading in readings]


def _readings(survey: Survey, folders: Sequence[Folder]) -> list[_Reading]:
    named = [folder for folder in folders if folder.named and not folder.is_outside]
    # A few images above the others' folders do not decide which level is the class.
    below: Counter[tuple[str, ...]] = Counter()
    for folder in named:
        for i in range(len(folder.parts)):
            below[folder.parts[:i]] += folder.n_images
    most = [folder for folder in named if folder.n_images >= below[folder.parts]]
    n_images = sum(folder.n_images for folder in most)
    if not named:
        raise MedrecogError(_without_classes(survey, folders))
    levels_of = {kind: _levels(most, kind, n_images) for kind in (STRONG, VIEW, NUMBER)}
    # One name for all images is not a class if other levels distinguish them.
    several = {
        kind: [level for level in levels if len(level.names) > 1]
        for kind, levels in levels_of.items()
    }
    for kind, levels in (several if any(several.values()) else levels_of).items():
        full = [level for level in levels if level.coverage >= _COVERED]
        full = [level for level in full if len(level.names) > 1] or full[-1:]
        if not full and levels and (kind == STRONG and levels[0].coverage >= 1 - _COVERED):
            full = [levels[0]]
        if full:
            if kind != STRONG and any(level.coverage < _COVERED for level in levels_of[STRONG]):
                first = _of_numbers(full) if kind == NUMBER else _of_names(kind, full, levels)
                return [replace(reading, is_clear=False) for reading in first]
            if kind == NUMBER:
                return _of_numbers(full)
            readings = _of_names(kind, full, levels_of[kind])
            if kind != STRONG or len(readings) > 1:
                return readings
            return _beside_others(readings, full[0], [*several[NUMBER], *several[VIEW]])
    raise MedrecogError(_without_classes(survey, folders))


def _levels(folders: Sequence[Folder], kind: str, n_images: int) -> list[_Level]:
    """Return the levels of a kind, outermost first."""
    depth = max(len(folder.of_kind(kind)) for folder in folders)
    levels = []
    for index in range(depth):
        names: Counter[str] = Counter()
        nodes: set[tuple[str, ...]] = set()
        for folder in folders:
            positions = folder.of_kind(kind)
            if index < len(positions):
                level = positions[index]
                names[folder.parts[level]] += folder.n_images
                nodes.add(folder.without_splits(level))
        levels.append(_Level(kind, index, names, len(nodes), names.total() / n_images))
    return levels


def _of_names(kind: str, full: list[_Level], levels: list[_Level]) -> list[_Reading]:
    if len(full) == 1:
        partial = [level for level in levels if level.coverage < _COVERED]
        reason = f"{_count(full[0])}"
        return [_Reading(kind, full[0].index, reason, is_clear=not partial)]
    outer, inner = full[0], full[-1]
    if (
        len(full) == 2
        and len(outer.names) > _MANY_OUTER
        and len(inner.names) < _FEW_INNER
        and inner.n_folders > len(outer.names) / 2 > len(inner.names)
    ):
        reason = f"{_count(inner)}, which recur in {len(outer.names):,} folders"
        return [_Reading(kind, inner.index, reason, is_clear=False)]
    return [_Reading(kind, level.index, _count(level)) for level in reversed(full)]


def _beside_others(
    readings: list[_Reading], chosen: _Level, others: list[_Level]
) -> list[_Reading]:
    """Return the reading, and that of numbers that recur in all its folders as classes do."""
    for level in others:
        is_short = level.kind == NUMBER and all(len(name) < _LONG_NUMBER for name in level.names)
        if level.coverage < _COVERED or level.recurrence < 2:
            continue
        if is_short and set(level.names) == _BINARY:
            return [*readings, _Reading(NUMBER, level.index, _count(level))]
        if is_short or _are_numbered(chosen):
            return [replace(reading, is_clear=False) for reading in readings]
    return readings


def _are_numbered(level: _Level) -> bool:
    """Return whether the names differ in a number only, as those of people may."""
    return len({form_of(name) for name in level.names}) == 1


def _of_numbers(full: list[_Level]) -> list[_Reading]:
    if len(full) == 1:
        is_short = all(len(name) < _LONG_NUMBER for name in full[0].names)
        return [_Reading(NUMBER, full[0].index, _count(full[0]), is_clear=is_short)]
    if len(full) == 2:
        outer, inner = full
        for one, other in ((inner, outer), (outer, inner)):
            if max(map(len, one.names)) < _LONG_NUMBER <= min(map(len, other.names)):
                is_clear = (inner.recurrence > 1) == (one is inner)
                reason = f"{_count(one)}, beside longer numbers"
                return [_Reading(NUMBER, one.index, reason, is_clear)]
        if len(inner.names) <= len(outer.names) / 2 and inner.recurrence >= 2:
            return [_Reading(NUMBER, inner.index, f"{_count(inner)}, which recur", False)]
        if len(outer.names) <= len(inner.names) / 2:
            return [_Reading(NUMBER, outer.index, _count(outer), False)]
    return [_Reading(NUMBER, level.index, _count(level)) for level in full]


def _count(level: _Level) -> str:
    names = ", ".join(sorted(level.names)[:4]) + (", …" if len(level.names) > 4 else "")
    return (
        f"{counted(len(level.names), 'name')} ({names}) in "
        f"{counted(level.n_folders, 'folder')} with {counted(level.names.total(), 'image')}"
    )


def _interpretation(
    survey: Survey,
    decisions: Decisions,
    folders: Sequence[Folder],
    reading: _Reading,
    readings: Sequence[_Reading],
) -> Interpretation:
    class_of = {folder: _class_position(folder, reading, decisions) for folder in folders}
    labelled = [folder for folder in folders if class_of[folder] is not None]
    group_of, group_words = _groups(labelled, class_of, decisions)
    unlabelled = _unlabelled(folders, class_of, decisions)
    images: list[ImageRecord] = []
    stray: list[str] = []
    kept_apart: list[str] = []
    for folder in folders:
        position = class_of[folder]
        for path in folder.images:
            if folder in unlabelled:
                kept_apart.append(path)
            elif position is None:
                stray.append(path)
            else:
                group = group_of.get(folder, "")
                images.append(
                    ImageRecord(path, folder.parts[position], folder.split, group, fold=folder.fold)
                )
    if not images:
        raise MedrecogError(
            f"{survey.root} has no class folders with images at level {decisions.class_level}. "
            "Choose another --class-level."
        )
    class_levels = _common_level([(f, class_of[f]) for f in labelled])
    explicit = replace(
        decisions,
        class_level=decisions.class_level or class_levels,
        group_level=decisions.group_level or _group_level(labelled, class_of, decisions),
    )
    if explicit.class_level == explicit.group_level:
        explicit = replace(explicit, group_level=decisions.group_level)
    warnings = _warnings(
        survey,
        decisions,
        explicit,
        reading,
        stray,
        kept_apart,
        unlabelled,
        images,
        readings,
        folders,
        class_of,
    )
    return Interpretation(
        tuple(sorted(images, key=lambda image: image.path)),
        _layout(images, class_of, group_words),
        explicit,
        left_out=tuple(LeftOut(path, NOT_IN_A_CLASS) for path in sorted(stray)),
        warnings=tuple(warnings),
        unlabelled=tuple(sorted(kept_apart)),
        reasons=(f"Class folders: {reading.reason}.", *([group_words] if group_words else [])),
    )


def _class_position(folder: Folder, reading: _Reading, decisions: Decisions) -> int | None:
    if decisions.class_level is not None:
        return folder.position(decisions.class_level)
    if folder.is_outside:
        return None
    positions = folder.of_kind(reading.kind)
    return positions[reading.index] if reading.index < len(positions) else None


def _group_positions(
    labelled: Sequence[Folder], class_of: dict[Folder, int | None], decisions: Decisions
) -> dict[Folder, int]:
    """Return which part of each folder's path is the group."""
    if decisions.group_level is not None:
        told = {folder: folder.position(decisions.group_level) for folder in labelled}
        return {folder: position for folder, position in told.items() if position is not None}
    for kind in (PERSON, NUMBER, VISIT):
        found: dict[Folder, int] = {}
        for folder in labelled:
            positions = [p for p in folder.of_kind(kind) if p != class_of[folder]]
            if positions:
                found[folder] = positions[0]
        names: Counter[str] = Counter()
        places: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for folder, position in found.items():
            names[folder.parts[position]] += folder.n_images
            places[folder.parts[position]].add(folder.without_splits(position))
        if not names or (kind != PERSON and len(names) <= _FEW_NUMBERS):
            continue
        if kind == VISIT and any(len(places_of_one) > 1 for places_of_one in places.values()):
            continue
        if max(names.values()) > 1 and len(names) > 1:
            return found
    return {}


def _groups(
    labelled: Sequence[Folder], class_of: dict[Folder, int | None], decisions: Decisions
) -> tuple[dict[Folder, str], str]:
    found = _group_positions(labelled, class_of, decisions)
    groups = {folder: folder.parts[position] for folder, position in found.items()}
    n_groups = len(set(groups.values()))
    return groups, f"Groups: {counted(n_groups, 'folder name')}." if groups else ""


def _group_level(
    labelled: Sequence[Folder], class_of: dict[Folder, int | None], decisions: Decisions
) -> int | None:
    found = _group_positions(labelled, class_of, decisions)
    return _common_level(list(found.items())) if len(found) == len(labelled) else None


def _common_level(positions: Sequence[tuple[Folder, int | None]]) -> int | None:
    """Return the level, from above or from below, that all these places are at."""
    from_above = {position + 1 for _, position in positions if position is not None}
    if len(from_above) == 1:
        return from_above.pop()
    below = {position - len(f.parts) for f, position in positions if position is not None}
    return below.pop() if len(below) == 1 else None


def _unlabelled(
    folders: Sequence[Folder], class_of: dict[Folder, int | None], decisions: Decisions
) -> frozenset[Folder]:
    """Return the folders of a test part that have no labels, where others have."""
    apart = {
        folder
        for folder in folders
        if class_of[folder] is None
        and (
            _WITHOUT_LABELS.intersection(map(str.lower, folder.parts))
            or (folder.parts and folder.parts[-1].lower() in FLAT_TEST_NAMES and not folder.named)
        )
    }
    taught = {f.parts[p] for f, p in class_of.items() if p is not None and f.split in ("", "train")}
    if decisions.class_level is not None:
        apart = set()
    if not taught:
        return frozenset()
    test = [folder for folder in folders if folder.split in ("test", "val")]
    names = {f.parts[p] for f in test if (p := class_of[f]) is not None}
    strange = {name for name in names - taught if name.lower() in UNLABELLED_NAMES}
    if len(names) == 1 and len(taught) > 1 and all(folder.split == "test" for folder in test):
        strange |= names - taught
    strange -= {*decisions.merges, *decisions.only_classes}
    return frozenset(apart) | frozenset(
        folder
        for folder in test
        if (
            (p := class_of[folder]) is None
            and (not folder.named or folder.parts[-1].lower() in UNLABELLED_NAMES)
        )
        or (p is not None and folder.parts[p] in strange)
    )


def _warnings(
    survey: Survey,
    decisions: Decisions,
    explicit: Decisions,
    reading: _Reading,
    stray: Sequence[str],
    kept_apart: Sequence[str],
    kept_in: Iterable[Folder],
    images: Sequence[ImageRecord],
    readings: Sequence[_Reading],
    folders: Sequence[Folder],
    class_of: dict[Folder, int | None],
) -> list[DatasetWarning]:
    warnings = []
    is_decided = decisions.class_level is not None
    is_lone = len({folder.split for folder in folders if folder.split}) == 1
    confirmed = {*decisions.merges, *decisions.only_classes, *decisions.excluded_classes}
    named_as_split = sorted({i.label for i in images if split_of(i.label)} - confirmed)
    if named_as_split and not is_decided:
        warnings.append(
            DatasetWarning(
                "class-level",
                f"{_quoted(named_as_split)} {'has' if len(named_as_split) == 1 else 'have'} the "
                f"name of a part of a split and {'is' if len(named_as_split) == 1 else 'are'} "
                f"imported as a class. Use {class_option('--exclude-class', *named_as_split[:3])} "
                "to exclude it, or --class-level to choose other folders as the classes.",
                tuple(image.path for image in images if image.label in named_as_split),
            )
        )
    is_clear = reading.is_clear and not (
        is_lone and any(folder.is_outside and folder.named for folder in folders)
    )
    if not is_clear and not is_decided and len(readings) == 1:
        chosen = "" if explicit.class_level is None else f" at level {explicit.class_level}"
        names = sorted({image.label for image in images})
        listed = ", ".join(f"“{name}”" for name in names[:4]) + (", …" if len(names) > 4 else "")
        has_others = any(
            len(f.named) > 1 for f, position in class_of.items() if position is not None
        )
        doubt = (
            "and other folder levels could be. Use --class-level and --group-level to choose "
            "others."
            if has_others or reading.kind != NUMBER
            else "and their names look like numbers of patients. If they are, give the labels in a "
            "table with --labels, or choose another level with --class-level."
        )
        warnings.append(
            DatasetWarning(
                "class-level",
                f"The folders{chosen} are used as the classes ({listed}), {doubt}",
                tuple(
                    sorted(
                        {
                            "/".join(folder.parts[: position + 1])
                            for folder, position in class_of.items()
                            if position is not None
                        }
                    )
                ),
            )
        )
    bare = _bare_beside(survey, folders, class_of)
    if bare and not is_decided:
        n = len(bare)
        warnings.append(
            DatasetWarning(
                "class-without-images",
                f"{counted(n, 'folder')} beside the classes {'has' if n == 1 else 'have'} no "
                f"readable image and {'is not a class' if n == 1 else 'are not classes'}: "
                f"{_quoted(bare)}. Add images and import the folder again, or use --class-level "
                "if other folders are the classes.",
                tuple(bare),
            )
        )
    if stray:
        n = len(stray)
        warnings.append(
            DatasetWarning(
                "outside-classes",
                f"{counted(n, 'image')} not imported, because {'it is' if n == 1 else 'they are'} "
                "not in a class folder. Move them into one, or use --class-level to choose the "
                "folders that are the classes.",
                tuple(sorted(stray)),
            )
        )
    if kept_apart:
        n = len(kept_apart)
        warnings.append(
            DatasetWarning(
                "unlabelled",
                f"{counted(n, 'image has', 'images have')} no label and "
                f"{'is' if n == 1 else 'are'} kept apart for prediction. {_way_to_labels(kept_in)}",
                tuple(sorted(kept_apart)),
            )
        )
    return warnings


def _way_to_labels(folders: Iterable[Folder]) -> str:
    """Return how images that are kept apart get a label all the same."""
    names = sorted({f.parts[-1] for f in folders if f.parts and f.kinds[-1] != SPLIT})
    if not names:
        return "Put them into folders of the classes, or give a table with --labels."
    merge = f"--merge-class {quote(f'{names[0]}=CLASS')}"
    return f"Use {merge} if they are all of one class, or give a table with --labels."


def _bare_beside(
    survey: Survey, folders: Sequence[Folder], class_of: dict[Folder, int | None]
) -> list[str]:
    """Return the folders without images that lie where the classes lie."""
    parents = {
        "/".join(folder.parts[:position])
        for folder, position in class_of.items()
        if position is not None
    }
    return sorted(
        folder
        for folder in survey.bare
        if folder.rpartition("/")[0] in parents
        and kind_of(folder.rpartition("/")[2]) == STRONG
        # Of a part of a split too.
        and not split_of(folder.rpartition("/")[2])
    )


def _layout(
    images: Sequence[ImageRecord], class_of: dict[Folder, int | None], group_words: str
) -> str:
    given = {image.split for image in images} - {""}
    splits = [split for split in ("train", "test", "val") if split in given]
    layout = "a folder a class"
    if splits:
        *first, last = splits
        listed = f"{', '.join(first)} and {last}" if first else last
        layout = f"{listed} folders, a folder a class in each"
    if any(image.fold for image in images):
        layout += ", folds by folder"
    return layout + (GROUPS_BY_FOLDER if group_words else "")


def _without_images(survey: Survey) -> str:
    archives = [e.path for e in survey.left_out if e.path.lower().endswith(_ARCHIVES)]
    if archives:
        return (
            f"{survey.root} has no class folders with images, but the archive “{archives[0]}”. "
            + (
                "Extract it, then add the folder with its files."
                if archives[0].lower().endswith(_EXTRACTED_BY_HAND)
                else f"Add {survey.root / archives[0]} instead."
            )
        )
    kinds = [w for w in survey.warnings if w.id in ("unsupported-files", "broken-links")]
    if kinds:
        return f"{survey.root} has no class folders with images that can be read. " + " ".join(
            w.message for w in kinds
        )
    return (
        f"{survey.root} has no class folders with images. Put the images of each class into a "
        "folder named after it, or give a table of labels with --labels."
    )


def _without_classes(survey: Survey, folders: Sequence[Folder]) -> str:
    way_out = (
        "Put the images of each class into a folder named after it, give a table of labels with "
        "--labels, or use --class-level to choose a folder level."
    )
    splits = sorted({folder.parts[i] for folder in folders for i in folder.splits})
    people = sorted({folder.parts[i] for folder in folders for i in folder.named})
    plain = sorted({part for folder in folders for part in folder.parts})
    start = f"{survey.root} has no class folders with images"
    notes = [entry.path for entry in survey.left_out if entry.path.lower().endswith(_NOTES)]
    if notes:
        way_out += f" “{notes[0]}” may hold labels, but is not read. Write them to a CSV table."
    if people:
        return f"{start}: {_quoted(people)} look like patients or visits. {way_out}"
    if splits:
        return f"{start}: {_quoted(splits)} are parts of a split and say no class. {way_out}"
    if plain:
        are = "is no name of a class" if len(plain) == 1 else "are no names of classes"
        return f"{start}: {_quoted(plain)} {are}. {way_out}"
    return f"{start}. {way_out}"


def _quoted(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(f"“{name}”" for name in listed[:3])
    return shown + (", …" if len(listed) > 3 else "")
