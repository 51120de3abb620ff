"""What each folder on the way to an image is: a split, a fold, nothing, or a name of some kind."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.folder_names import (
    FLAT_TEST_NAMES,
    GENERIC,
    NUMBER,
    STRONG,
    UNLABELLED_NAMES,
    VIEW,
    WORDNET,
    fold_of,
    is_doubled,
    kind_of,
    split_in,
    split_of,
)
from medrecog_core.errors import MedrecogError

SPLIT, FOLD = "split", "fold"

_SAME_FORM = 0.8
"""Part of the names of one depth that must have one form, with digits, to be those of numbers."""
_FEWEST_OF_A_FORM = 3
_CLASS_WITH_NUMBER = re.compile(
    r"(grade|class|type|level|category|label|birads|bi-rads|kl|score|stage|degree|severity|c|g)"
    r"[ _-]*#",
    re.IGNORECASE,
)


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder that directly contains images.

    Attributes
    ----------
    parts
        Its path below the root.
    images
        Its images, by path below the root.
    kinds
        Of each part: `split`, `fold`, or the kind of the name.
    split, fold
        Split and fold of its path.
    is_outside
        Whether it lies beside the folders of a split, such as `extra` beside `train` and `test`.
    """

    parts: tuple[str, ...]
    images: tuple[str, ...]
    kinds: tuple[str, ...]
    split: str = ""
    fold: str = ""
    is_outside: bool = False

    @property
    def n_images(self) -> int:
        """Images in the folder itself."""
        return len(self.images)

    @property
    def named(self) -> list[int]:
        """Positions of the parts that say something about their images."""
        return [i for i, kind in enumerate(self.kinds) if kind not in (SPLIT, FOLD, GENERIC)]

    @property
    def splits(self) -> list[int]:
        """Positions of the parts that are splits."""
        return self.of_kind(SPLIT)

    def of_kind(self, kind: str) -> list[int]:
        """Return the positions of the parts of a kind, outermost first."""
        return [i for i, own in enumerate(self.kinds) if own == kind]

    def position(self, level: int) -> int | None:
        """Return the position of a level from the top (1) or bottom (-1), None if it has none."""
        position = level - 1 if level > 0 else len(self.parts) + level
        return position if 0 <= position < len(self.parts) else None

    def without_splits(self, position: int) -> tuple[str, ...]:
        """Return the path down to a position, without parts that say nothing about a place."""
        return tuple(
            part
            for part, kind in zip(self.parts[: position + 1], self.kinds, strict=False)
            if kind not in (SPLIT, FOLD, GENERIC)
        )


def folders_with_roles(
    images: Iterable[str], transparent: frozenset[str], decisions: Decisions
) -> list[Folder]:
    """Return the folders that contain images, with the role of each part of their paths.

    Levels chosen as class or group are neither split nor fold.

    Raises
    ------
    MedrecogError
        If folds have splits in them.
    """
    images_of: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in images:
        images_of[tuple(path.split("/")[:-1])].append(path)
    children: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for parts in images_of:
        for i in range(len(parts)):
            children[parts[:i]].add(parts[i])
    role_of: dict[tuple[str, ...], str] = {}
    value_of: dict[tuple[str, ...], str] = {}
    _find_splits((), children, role_of, value_of, "")
    _find_unlabelled(children, role_of, value_of, decisions)
    _find_names(children, role_of, transparent)
    _find_wrappers(children, role_of)
    around_splits = {path[:-1] for path, role in role_of.items() if role == SPLIT}
    folders = []
    for parts, paths in images_of.items():
        decided = {
            level - 1 if level > 0 else len(parts) + level
            for level in (decisions.class_level, decisions.group_level)
            if level is not None
        }
        prefixes = [parts[: i + 1] for i in range(len(parts))]
        kinds = tuple(
            STRONG if i in decided and role_of[p] in (SPLIT, FOLD) else role_of[p]
            for i, p in enumerate(prefixes)
        )
        split = [value_of[p] for p, kind in zip(prefixes, kinds, strict=True) if kind == SPLIT]
        fold = [value_of[p] for p, kind in zip(prefixes, kinds, strict=True) if kind == FOLD]
        if split and fold:
            first = "/".join(parts)
            raise MedrecogError(
                f"“{first}” is in a fold and in a split, so each image is there several times. "
                "Add the folder of one fold as a data set."
            )
        is_outside = not split and any(parts[:i] in around_splits for i in range(len(parts) + 1))
        folders.append(
            Folder(
                parts,
                tuple(paths),
                kinds,
                split[0] if split else "",
                fold[0] if fold else "",
                is_outside and decisions.class_level is None,
            )
        )
    return folders


def _find_splits(
    parent: tuple[str, ...],
    children: dict[tuple[str, ...], set[str]],
    role_of: dict[tuple[str, ...], str],
    value_of: dict[tuple[str, ...], str],
    above: str,
) -> None:
    """Mark the splits and folds among the folders of one, and go on below them."""
    stack = [(parent, above)]
    while stack:
        parent, above = stack.pop()
        names = children.get(parent, set())
        splits = _splits_among(parent, names, children, above)
        folds = {name: fold_of(name) for name in names if fold_of(name)}
        for name in names:
            path = (*parent, name)
            if name in splits:
                role_of[path], value_of[path] = SPLIT, splits[name]
            elif name in folds and len(folds) > 1:
                role_of[path], value_of[path] = FOLD, folds[name]
            stack.append((path, splits.get(name, above)))


def _splits_among(
    parent: tuple[str, ...],
    names: set[str],
    children: dict[tuple[str, ...], set[str]],
    above: str,
) -> dict[str, str]:
    own = {name: split_of(name) for name in names if split_of(name)}
    if above:
        # `train/train`: the same again. Another split below one is a name like any other.
        return {name: split for name, split in own.items() if split == above and len(names) == 1}
    if len(set(own.values())) > 1:
        return own
    if own:
        others = [name for name in names if name not in own and kind_of(name) != GENERIC]
        has_folders = any(
            kind_of(below) != GENERIC for name in own for below in children.get((*parent, name), ())
        )
        # A class called train has splits of its own in it.
        has_splits = any(
            len(_splits_of_one_form(children.get((*parent, name), ()))) for name in own
        )
        if not others or (has_folders and not has_splits and "train" in own.values()):
            return own
        return {}
    return _splits_of_one_form(names)


def _splits_of_one_form(names: Iterable[str]) -> dict[str, str]:
    """Return the splits of names that are alike but for one word, such as `seg_train`."""
    by_rest: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in names:
        split, rest = split_in(name)
        if split:
            by_rest[rest][name] = split
    return next((alike for alike in by_rest.values() if len(set(alike.values())) > 1), {})


def _find_unlabelled(
    children: dict[tuple[str, ...], set[str]],
    role_of: dict[tuple[str, ...], str],
    value_of: dict[tuple[str, ...], str],
    decisions: Decisions,
) -> None:
    """Mark folders such as `test/unknown`, unless they have the name of a class.

    Folders such as `test` beside two classes or more are marked too.
    """
    named = {*decisions.merges, *decisions.only_classes, *decisions.excluded_classes}
    for parent, names in children.items():
        flat = {
            name
            for name in names
            if name.lower() in FLAT_TEST_NAMES
            and not children.get((*parent, name))
            and (*parent, name) not in role_of
        }
        others = [name for name in names - flat if kind_of(name) == STRONG and not split_of(name)]
        if len(others) > 1:
            role_of.update({(*parent, name): GENERIC for name in flat - named})
    splits = [path for path, role in role_of.items() if role == SPLIT]
    taught = (
        {name for path in splits if value_of[path] == "train" for name in children.get(path, ())}
        | set(decisions.merges)
        | set(decisions.only_classes)
    )
    for path in splits:
        for name in children.get(path, ()):
            is_new = value_of[path] != "train" and name not in taught
            if is_new and name.lower() in UNLABELLED_NAMES and (*path, name) not in role_of:
                role_of[(*path, name)] = GENERIC


def _find_names(
    children: dict[tuple[str, ...], set[str]],
    role_of: dict[tuple[str, ...], str],
    transparent: frozenset[str],
) -> None:
    by_depth: dict[int, set[str]] = defaultdict(set)
    for parent, names in children.items():
        doubled = _doubled_among(names, parent)
        for name in names:
            path = (*parent, name)
            if path in role_of:
                continue
            is_nothing = (
                (bool(transparent) and "/".join(path) in transparent)
                or kind_of(name) == GENERIC
                or name in doubled
            )
            if is_nothing:
                role_of[path] = GENERIC
            else:
                by_depth[len(parent)].add(name)
    numbered = {depth: _form_of_numbers(names) for depth, names in by_depth.items()}
    for parent, names in children.items():
        free = [name for name in names if (*parent, name) not in role_of]
        form = numbered.get(len(parent), "")
        kinds = {
            name: NUMBER
            if kind_of(name) == STRONG and form and form_of(name) == form
            else kind_of(name)
            for name in free
        }
        counts = Counter(kinds.values())
        # Siblings are of one kind: a class called 2020 beside others is a class.
        if counts[STRONG] * 2 >= len(free):
            kinds = dict.fromkeys(free, STRONG)
        elif counts:
            kinds = dict.fromkeys(free, max(counts, key=lambda kind: (counts[kind], kind)))
        for name in free:
            role_of[(*parent, name)] = kinds[name]


def _doubled_among(names: set[str], parent: tuple[str, ...]) -> set[str]:
    """Return the names that say the same as their parent, unless others lie beside them.

    `COVID` in `COVID-19_Radiography` is a class where `Normal` lies beside it.
    """
    if not parent:
        return set()
    doubled = {name for name in names if is_doubled(name, parent[-1])}
    others = [name for name in names - doubled if kind_of(name) != GENERIC and not split_of(name)]
    return set() if others else doubled


def _find_wrappers(
    children: dict[tuple[str, ...], set[str]], role_of: dict[tuple[str, ...], str]
) -> None:
    """Mark the outer folders that all images lie in, where there are other names below."""
    outer: tuple[str, ...] = ()
    while len(names := children.get(outer, set())) == 1:
        outer = (*outer, *names)
        if role_of[outer] == STRONG and any(
            role in (STRONG, VIEW, NUMBER) and path[: len(outer)] == outer != path
            for path, role in role_of.items()
        ):
            role_of[outer] = GENERIC


def _form_of_numbers(names: set[str]) -> str:
    """Return the form, such as `IMD#`, of most names of a depth; empty if there is none."""
    counts = Counter(form_of(name) for name in names if any(map(str.isdigit, name)))
    is_long = all(re.search(r"\d{3}", name) for name in names)
    if not counts or len(names) < (_FEWEST_OF_A_FORM - is_long):
        return ""
    form, n = counts.most_common(1)[0]
    is_class = bool(_CLASS_WITH_NUMBER.fullmatch(form)) or all(map(WORDNET.fullmatch, names))
    return "" if is_class or n < _SAME_FORM * len(names) else form


def form_of(name: str) -> str:
    """Return a name with `#` in place of each number."""
    return re.sub(r"\d+", "#", name.strip())
