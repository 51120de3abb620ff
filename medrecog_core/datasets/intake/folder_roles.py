"""What folders are, by their names and places: a split, a fold, a person, nothing or a class."""

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.errors import MedrecogError

SPLIT_WORDS = {
    **dict.fromkeys(("train", "training", "trn", "tr", "trainset", "traindata"), "train"),
    **dict.fromkeys(("test", "testing", "tst", "testset", "testdata"), "test"),
    **dict.fromkeys(("holdout", "evaluation", "eval"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "vali", "valset", "dev", "development"), "val"),
}
"""Words for the splits, in lower case."""

_EMPTY = frozenset(
    {
        *("set", "sets", "data", "dataset", "datasets", "folder", "dir", "split", "file", "files"),
        *("image", "images", "img", "imgs", "pic", "pics", "picture", "pictures", "photo"),
        *("photos", "input", "inputs", "jpg", "jpeg", "jpegs", "png", "pngs", "tif", "tiff"),
        *("bmp", "dicom", "dicoms", "dcm", "unzipped", "archive", "extracted", "upload"),
        *("uploads", "download", "downloads", "batch", "part", "chunk", "shard", "subset", "vol"),
        *("disc", "disk", "bilder", "export"),
    }
)
"""Words without information about the content of a folder."""
_MODIFIERS = frozenset(
    {
        *("final", "scan", "scans", "raw", "original", "originals", "new", "copy", "all", "full"),
        *("the", "of", "public", "private", "hq", "resized", "cropped", "crops", "sample"),
        *("samples", "labeled", "labelled", "volume", "stage", "task", "phase", "collection"),
        *("only", "processed", "preprocessed", "cleaned", "clean", "v"),
    }
)
"""Words that say nothing beside one of these or beside a split, and may be classes alone."""
_NEUTRAL = _EMPTY | _MODIFIERS
IMAGE_WORDS = frozenset(
    {
        *("image", "images", "img", "imgs", "pic", "pics", "picture", "pictures", "photo"),
        *("photos", "input", "inputs", "scan", "scans", "raw", "original", "originals", "jpg"),
        *("jpeg", "png", "dicom", "dcm", "dermoscopic", "rgb", "cxr"),
    }
)
_CLASS_WORDS = frozenset(
    {
        *("grade", "class", "type", "level", "category", "cat", "label", "birads", "rads", "kl"),
        *("score", "stage", "degree", "severity", "group", "c", "g", "t", "n", "m", "dr"),
    }
)
"""Words before a number that make it the name of a class."""
_PERSON_WORDS = frozenset(
    {
        *("patient", "pat", "pt", "pid", "subject", "subj", "sub", "person", "case", "animal"),
        *("mouse", "rat", "donor", "individual", "participant", "lesion", "nodule", "p", "s", "id"),
    }
)
_VISIT_WORDS = frozenset(
    {
        *("study", "series", "ser", "visit", "session", "ses", "exam", "scan", "acq", "seq"),
        *("run", "video", "vid", "slide", "frame", "frames", "sequence"),
    }
)
_VIEWS = frozenset(
    {
        *("left", "right", "l", "r", "ap", "pa", "lat", "lateral", "frontal", "cc", "mlo"),
        *("axial", "coronal", "sagittal", "40x", "100x", "200x", "400x", "5x", "10x", "20x"),
        *("t1", "t2", "flair", "dwi", "od", "os"),
    }
)
"""Views, that is how an image was taken; such a folder below a class is part of the class."""
_GENERIC_NAMES = frozenset(
    {"dcim", "misc", "tmp", "temp", "content", "home", "root", "input", "output", "src", "bilder"}
)
UNLABELLED_NAMES = frozenset(
    {
        *("unknown", "unlabelled", "unlabeled", "unclassified", "nolabel", "no_label", "none"),
        *("test", "testing", "images", "all", "data", "dummy", "pred", "predict", "unseen"),
    }
)
"""Folders of a test part without labels, as some programs ask for, in lower case."""
FLAT_TEST_NAMES = frozenset(
    {
        *("test", "testing", "test_images", "test1", "testset", "unlabelled", "unlabeled"),
        *("unclassified", "nolabel", "no_label", "predict", "prediction", "predictions", "unseen"),
    }
)
"""Folders of images without labels where they lie beside classes, in lower case."""
_FOLD = re.compile(r"(?:k[ _-]?)?(?:fold|cv|cvfold|partition)[ _-]*(\d+)", re.IGNORECASE)
_UID = re.compile(r"[0-2](\.\d+){3,}")
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f-]{20,}", re.IGNORECASE)
WORDNET = re.compile(r"n\d{8}")
"""Names of the classes of ImageNet."""
_CAMERA = re.compile(r"\d{3}[A-Z_]{4,5}[A-Z0-9_]*")

GENERIC, VIEW, VISIT, NUMBER, PERSON, STRONG = (
    *("generic", "view", "visit", "number"),
    *("person", "strong"),
)
"""Kinds of names, those that are never classes first."""


@functools.cache
def words(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name in lower case: `trainImages_2` has three."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.lower()))


@functools.cache
def split_of(name: str) -> str:
    """Return the split that a name means by itself, such as `Training`, `test_images` or `val2`."""
    found = [SPLIT_WORDS[w] for w in words(name) if w in SPLIT_WORDS]
    rest = [w for w in words(name) if w not in SPLIT_WORDS and w not in _NEUTRAL]
    return found[0] if len(found) == 1 and all(map(str.isdigit, rest)) else ""


def split_in(name: str) -> tuple[str, tuple[str, ...]]:
    """Return the split that one word of a name means, and its other words."""
    found = [SPLIT_WORDS[w] for w in words(name) if w in SPLIT_WORDS]
    if len(found) != 1:
        return "", ()
    rest = (w for w in words(name) if w not in SPLIT_WORDS and not w.isdigit())
    return found[0], tuple(rest)


def fold_of(name: str) -> str:
    """Return the number of the fold that a name means, else an empty string."""
    told = _FOLD.fullmatch(name)
    return str(int(told[1])) if told else ""


@functools.cache
def kind_of(name: str) -> str:
    """Return the kind of a folder's name.

    `GENERIC` has no meaning (`images`, `part_1`, `batch2`, `DCIM`, `100CANON`, a UID); `VIEW` is
    how the image was taken; `VISIT` is a study, series or video; `NUMBER` is digits alone; `PERSON`
    is a word for a patient or lesion with a number, or any name with four digits in a row; and
    `STRONG` is any other, which may be a class.
    """
    if WORDNET.fullmatch(name):
        return STRONG
    parts = words(name)
    letters = [w for w in parts if not w.isdigit()]
    if _UID.fullmatch(name) or _HEX.fullmatch(name) or _CAMERA.fullmatch(name):
        return GENERIC
    is_empty = not _EMPTY.isdisjoint(letters) and all(w in _NEUTRAL for w in letters)
    if name.lower() in _GENERIC_NAMES or is_empty:
        return GENERIC
    if name.strip().lower() in _VIEWS:
        return VIEW
    if parts and not letters and re.fullmatch(r"\d+", name.strip()):
        return NUMBER
    if letters and len(parts) > len(letters):
        if letters[0] in _CLASS_WORDS and len(letters) == 1:
            return STRONG
        if letters[0] in _VISIT_WORDS:
            return VISIT
        if letters[0] in _PERSON_WORDS:
            return PERSON
    if re.search(r"\d{4}", name):
        return PERSON
    return STRONG


def is_doubled(name: str, parent: str) -> bool:
    """Return whether a name says no more than that of the folder it is in, as `nv/nv_images`."""
    own, known = set(words(name)), set(words(parent))
    return bool(own & known) and own <= known | _NEUTRAL and not any(map(str.isdigit, own))


def is_plain(name: str) -> bool:
    """Return whether a name is one for all images, such as `images`, `data` or `train`."""
    return kind_of(name) == GENERIC or bool(split_of(name))


# --- Folders on the way to images ----------------------------------------------------------------

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
