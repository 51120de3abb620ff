"""Roles of the columns of a table: image, label, group, split, rater."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.errors import MedrecogError, UsageError

SINGLE, ONE_HOT, FINDINGS = "single", "one-hot", "findings"
"""How labels are written: one column; one column a class with exactly one 1 in a row; one column a
finding with 0, 1, -1 or nothing, any number of which may be 1."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")


def _each(words: str) -> frozenset[str]:
    return frozenset(words.split())


_IMAGE = (
    *("image path", "img path", "file path", "path", "image file", "image file path"),
    *("image", "images", "img", "image id", "img id", "image index", "image name", "img name"),
    *("file name", "filename", "file", "filenames", "fname", "isic id", "picture", "photo"),
    *("image filename", "image file name", "img file", "jpg", "png", "dicom id", "id code"),
    *("sop instance uid", "datei", "dateiname", "bild", "bilddatei", "fichier", "archivo"),
    *("imagen", "nom fichier", "id", "name", "uid", "key"),
)
_LABEL = (
    *("label", "labels", "class", "class name", "label name", "classes", "class label", "dx"),
    *("diagnosis", "diagnoses", "diagnostic", "diagnose", "diagnosi", "diagnostico", "diagnóstico"),
    *("finding labels", "finding", "findings", "category", "target", "ground truth", "gt"),
    *("pathology", "disease", "condition", "grade", "level", "emotion", "klasse", "etikett"),
    *("befund", "classe", "etiqueta", "étiquette", "clase", "annotation", "tag", "tags", "y"),
    *("class id", "label id", "class idx", "class index", "label idx", "label index"),
)
_LABEL_WORDS = _each(
    "label labels class diagnosis diagnostic finding findings category grade grading histology "
    "pathology disease severity target"
)
_OTHER_WORDS = _each(
    "type confidence date id source method confirm confirmed count number num n score weight "
    "time probability prob url license quality age sex"
)
_PATIENT = "patient subject participant person proband case patientin paciente mrn pid"
_GROUP_WORDS = _each(
    f"{_PATIENT} lesion study series session visit exam examination group slide wsi specimen "
    "nodule eye accession video sequence scan"
)
_GROUP_SUFFIXES = _each("id nr no number num uid code index key instance name group")
_SPLIT = ("split", "data split", "dataset split", "partition", "fold", "fold id", "k fold")
_MAYBE_SPLIT = (
    *("set", "subset", "dataset type", "usage", "phase", "dataset", "set name", "stage", "mode"),
    *("train test", "train test split", "train val test", "train or test", "type"),
)
_SPLIT_VALUE = re.compile(r"\d{1,2}|.*(train|test|val|dev).*", re.IGNORECASE)
_RATER = (
    *("rad id", "rater", "rater id", "annotator", "annotator id", "radiologist", "reader"),
    *("radiologist id", "reader id", "doctor", "doctor id", "observer", "observer id", "expert"),
    *("expert id", "labeler", "labeler id", "labeller", "grader", "grader id", "reviewer"),
)
_NEVER_FINDINGS = _each(
    "male female sex gender age smoke smoker drink alcohol weight score valid validation fold "
    "split train test pesticide sewage piped water frontal lateral followup consent"
)
_KNOWN_FINDINGS = _each(
    "nofinding normal healthy atelectasis cardiomegaly effusion pleuraleffusion infiltration mass "
    "nodule pneumonia pneumothorax consolidation edema emphysema fibrosis pleuralthickening hernia "
    "enlargedcardiomediastinum lungopacity lunglesion pleuralother fracture supportdevices "
    "melanoma nevus covid covid19 tuberculosis diabetes glaucoma cataract"
)
_ZERO_OR_ONE = frozenset(
    ["0", "1", "0.0", "1.0", "true", "false", "True", "False", "TRUE", "FALSE"]
)
_FINDING_VALUES = _ZERO_OR_ONE | {"", "-1", "-1.0"}
_ONES = _each("1 1.0 true True TRUE")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d*)?")

_SAMPLE = 500
_LEAST_OF_ONE = 0.95
_MOST_VALUES = 20


class _Cells(Protocol):
    """The interface of a table."""

    @property
    def name(self) -> str: ...
    @property
    def header(self) -> tuple[str, ...]: ...
    @property
    def rows(self) -> list[list[str]]: ...
    @property
    def repeated(self) -> frozenset[str]: ...
    @property
    def has_header(self) -> bool: ...
    def values(self, column: str) -> list[str]: ...
    def find(self, column: str) -> str: ...


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a table by role, with reasons.

    Attributes
    ----------
    image
        Column that names the image.
    labels
        Column with the label, or several with a class or finding each; empty where there is none.
    kind
        `SINGLE`, `ONE_HOT` or `FINDINGS`.
    groups
        Every column that looks like a patient, lesion or other group, in the table's order; only
        the chosen one where one was chosen.
    split
        Column with the split or the fold; empty where there is none.
    rater
        Column with who gave the label; empty where there is none.
    reasons
        Reasons for each of them.
    candidates
        Columns that could be the label as well; where `labels` is empty, none has a usual name, or
        several have and differ.
    """

    image: str
    labels: tuple[str, ...] = ()
    kind: str = SINGLE
    groups: tuple[str, ...] = ()
    split: str = ""
    rater: str = ""
    reasons: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that have a role, but for the image's."""
        names = (*self.labels, *self.groups, self.split, self.rater)
        return tuple(dict.fromkeys(name for name in names if name))


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name))


def _keys(names: Sequence[str]) -> dict[str, int]:
    """Return the order of each name, as it is compared."""
    return {"".join(name.split()): rank for rank, name in reversed(list(enumerate(names)))}


_IMAGE_KEYS, _LABEL_KEYS, _RATER_KEYS = _keys(_IMAGE), _keys(_LABEL), _keys(_RATER)
_SPLIT_KEYS, _MAYBE_SPLIT_KEYS = _keys(_SPLIT), _keys(_MAYBE_SPLIT)


def _key(name: str) -> str:
    return "".join(_words(name))


def is_usual(name: str) -> bool:
    """Return whether a name is usual for the image, label, group, split or rater of a table."""
    if len(name) > 60:
        return False
    key = _key(name)
    keys = (_IMAGE_KEYS, _LABEL_KEYS, _RATER_KEYS, _SPLIT_KEYS, _MAYBE_SPLIT_KEYS)
    return any(key in each for each in keys) or is_group(name)


def is_group(name: str) -> bool:
    """Return whether a name is usual for a patient, lesion or other group."""
    words = _words(name)
    return (
        bool(words)
        and any(word in _GROUP_WORDS for word in words)
        and all(word in _GROUP_WORDS or word in _GROUP_SUFFIXES for word in words)
    ) or _key(name) in ("patientid", "lesionid", "studyid", "groupid")


def is_label(name: str) -> bool:
    """Return whether a name is usual for the label."""
    return _key(name) in _LABEL_KEYS


def _no_folder(cell: str) -> bool:
    return False


def choose_columns(
    table: _Cells,
    decisions: Decisions,
    names_image: Callable[[str], bool],
    names_folder: Callable[[str], bool] = _no_folder,
) -> Columns:
    """Return the roles of the columns of a table: as decided, or by their names and contents.

    A table without a recognised label column has none, and `candidates` that could be.

    Parameters
    ----------
    table
        The table.
    decisions
        Names or numbers of columns that were given; an empty one for none.
    names_image
        Whether a cell names an image, in any spelling.
    names_folder
        Whether a cell names a folder of images. Only columns of patients, studies and the like are
        asked, as the label of an image may be its folder.

    Raises
    ------
    UsageError
        If a given column is not in the table.
    MedrecogError
        If no column names images, and none has a usual name.
    """
    reasons: list[str] = []
    given = [
        table.find(name)
        for name in (
            *decisions.label_columns,
            decisions.image_column,
            decisions.group_column,
            decisions.split_column,
        )
        if name
    ]
    if decisions.image_column:
        image = table.find(decisions.image_column)
    else:
        image, reason = _image_column(table, names_image, names_folder, given)
        reasons.append(reason)
    split = _split_column(table, decisions, {image, *given}, reasons)
    rater = next((name for name in table.header if _key(name) in _RATER_KEYS), "")
    groups = _group_columns(table, decisions, {split, rater, *given} - {image})
    if not is_group(image):
        groups = tuple(name for name in groups if name != image)
    taken = {image, split, rater, *groups}
    candidates: tuple[str, ...] = ()
    if decisions.label_columns:
        labels = tuple(dict.fromkeys(table.find(name) for name in decisions.label_columns))
        kind = SINGLE if len(labels) == 1 else _kind(table, labels)
    else:
        labels, kind, reason, candidates = _label_columns(table, taken)
        if labels:
            reasons.append(reason)
    used = {name for name in (image, split, rater, *groups, *labels) if name}
    repeated = sorted(used & table.repeated)
    if repeated:
        raise MedrecogError(f"The table {table.name} has two columns “{repeated[0]}”. Rename one.")
    return Columns(image, labels, kind, groups, split, rater, tuple(reasons), candidates)


def label_column_needed(table_name: str, columns: Columns) -> UsageError:
    """Return the error for a table whose label column has to be named."""
    names = ", ".join(f"“{name}”" for name in columns.candidates[:_MOST_VALUES])
    return UsageError(
        f"Which column of {table_name} is the label? Give it with --label-column. "
        + (f"It could be {names}." if names else "The table has no other columns.")
    )


# --- The image ----------------------------------------------------------------------------------


def _image_column(
    table: _Cells,
    names_image: Callable[[str], bool],
    names_folder: Callable[[str], bool],
    given: Sequence[str],
) -> tuple[str, str]:
    """Return the column most of whose values name images or folders of images, and why."""
    step = max(1, len(table.rows) // _SAMPLE)
    free = [name for name in table.header[:1000] if name not in given]
    best = _best_image_column(table, free, names_image, step)
    if not best and step > 1:
        usual = [name for name in free if _key(name) in _IMAGE_KEYS]
        best = _best_image_column(table, usual, names_image, 1)
    if best:
        name, n_named, n = best
        return name, f"“{name}” is the image, because {n_named:,} of {n:,} values name one"
    groups = [name for name in free if is_group(name)]
    best = _best_image_column(table, groups, names_folder, step)
    if best:
        name, n_named, n = best
        return name, f"“{name}” is the images' folder, because {n_named:,} of {n:,} values name one"
    ranked = [(rank, name) for name in free if (rank := _IMAGE_KEYS.get(_key(name))) is not None]
    if ranked:
        name = min(ranked)[1]
        return name, f"“{name}” is the image by its name"
    raise UsageError(
        f"Which column of {table.name} is the image? Give it with --image-column. Available: "
        f"{', '.join(f'“{name}”' for name in table.header[:_MOST_VALUES])}."
    )


def _best_image_column(
    table: _Cells, names: Sequence[str], names_image: Callable[[str], bool], step: int
) -> tuple[str, int, int] | None:
    ranked = []
    for order, name in enumerate(names):
        values = {value for value in table.values(name)[::step] if value}
        n_named = sum(map(names_image, values))
        if n_named:
            # Of columns that name as many, one with folders says more.
            n_paths = sum("/" in value or "\\" in value for value in values)
            rank = _IMAGE_KEYS.get(_key(name), len(_IMAGE_KEYS))
            ranked.append(((n_named, n_paths > 0, -rank, -order), name, len(values)))
    if not ranked:
        return None
    (n_named, *_), name, n = max(ranked)
    return name, n_named, n


# --- Split and groups ---------------------------------------------------------------------------


def _split_column(table: _Cells, decisions: Decisions, taken: set[str], reasons: list[str]) -> str:
    if decisions.split_column is not None:
        return table.find(decisions.split_column) if decisions.split_column else ""
    free = [name for name in table.header if name not in taken]
    for name in free:
        if _key(name) in _SPLIT_KEYS:
            reasons.append(f"“{name}” is the split by its name")
            return name
    for name in free:
        if _key(name) in _MAYBE_SPLIT_KEYS:
            values = set(table.values(name)) - {""}
            if 0 < len(values) <= _MOST_VALUES and all(map(_SPLIT_VALUE.fullmatch, values)):
                reasons.append(f"“{name}” is the split by its name and values")
                return name
    return ""


def _group_columns(table: _Cells, decisions: Decisions, taken: set[str]) -> tuple[str, ...]:
    if not decisions.has_groups or decisions.group_column == "":
        return ()
    if decisions.group_column:
        return (table.find(decisions.group_column),)
    return tuple(name for name in table.header if name not in taken and is_group(name))


# --- Labels -------------------------------------------------------------------------------------


def _label_columns(
    table: _Cells, taken: set[str]
) -> tuple[tuple[str, ...], str, str, tuple[str, ...]]:
    """Return the label columns, how labels are written, why, and what else they could be."""
    free = [name for name in table.header if name not in taken]
    values_of = {name: set(table.values(name)) - {""} for name in free}
    candidates = tuple(name for name in free if len(values_of[name]) > 1)
    usual = sorted((name for name in free if is_label(name)), key=lambda n: _LABEL_KEYS[_key(n)])
    filled = [name for name in usual if values_of[name]]
    telling = [name for name in filled if len(values_of[name]) > 1] or filled[:1]
    if telling:
        first, *others = sorted(telling, key=lambda name: _are_numbers(values_of[name]))
        if all(_say_the_same(table, first, other) for other in others):
            return (first,), SINGLE, f"“{first}” is the label by its name", candidates
        return (), SINGLE, "", tuple(telling)
    found = _one_hot(table, free) or _findings(table, free)
    if found:
        return (*found, candidates)
    named = [
        name
        for name in candidates
        if _LABEL_WORDS.intersection(_words(name)) and not _OTHER_WORDS.intersection(_words(name))
    ]
    if len(named) == 1:
        return tuple(named), SINGLE, f"“{named[0]}” is the label by its name", candidates
    if len(free) == 1 and not named and _are_classes(values_of[free[0]], len(table.rows)):
        reason = f"“{free[0]}” is the label, because it is the only other column"
        return (free[0],), SINGLE, reason, candidates
    if usual and not candidates:
        return (usual[0],), SINGLE, f"“{usual[0]}” is the label by its name", ()
    return (), SINGLE, "", tuple(named) or candidates


def _are_numbers(values: set[str]) -> bool:
    return all(map(_NUMBER.fullmatch, values))


def _are_classes(values: set[str], n_rows: int) -> bool:
    most = min(_MOST_VALUES, max(2, n_rows // 2))
    has_fractions = any("." in value and _NUMBER.fullmatch(value) for value in values)
    return 1 < len(values) <= most and not has_fractions


def _say_the_same(table: _Cells, one: str, other: str) -> bool:
    """Return whether each value of a column goes with one value of another, and the reverse."""
    pairs = set(zip(table.values(one), table.values(other), strict=True))
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def _runs(table: _Cells, free: Sequence[str], allowed: frozenset[str]) -> list[tuple[str, ...]]:
    """Return neighbouring columns that hold allowed values only, two or more each."""
    offered = set(free)

    def fits(name: str) -> bool:
        words = _words(name)
        return (
            name in offered
            and not _NEVER_FINDINGS.intersection(words)
            and allowed.issuperset(table.values(name))
        )

    runs = [tuple(run) for fit, run in groupby(table.header, key=fits) if fit]
    return [run for run in runs if len(run) > 1]


def _kind(table: _Cells, labels: Sequence[str]) -> str:
    is_zero_or_one = all(_ZERO_OR_ONE.issuperset(table.values(name)) for name in labels)
    return ONE_HOT if is_zero_or_one and _share_of_one(table, labels) > _LEAST_OF_ONE else FINDINGS


_LEAST_OF_ONE = 0.95


def _share_of_one(table: _Cells, labels: Sequence[str]) -> float:
    """Return the share of rows in which exactly one of the columns is 1."""
    columns = [table.values(name) for name in labels]
    n = sum(sum(value in _ONES for value in row) == 1 for row in zip(*columns, strict=True))
    return n / len(table.rows)


def _one_hot(table: _Cells, free: Sequence[str]) -> tuple[tuple[str, ...], str, str] | None:
    for run in _runs(table, free, _ZERO_OR_ONE):
        if _share_of_one(table, run) > _LEAST_OF_ONE:
            reason = f"“{run[0]}” to “{run[-1]}” are the classes, because one of them is 1 in a row"
            return run, ONE_HOT, reason
    return None


def _findings(table: _Cells, free: Sequence[str]) -> tuple[tuple[str, ...], str, str] | None:
    for run in _runs(table, free, _FINDING_VALUES):
        known = sum(_key(name) in _KNOWN_FINDINGS for name in run)
        uncertain = any(value in ("-1", "-1.0") for name in run for value in table.values(name))
        if known > 1 or uncertain:
            reason = f"“{run[0]}” to “{run[-1]}” are findings by their names and values"
            return run, FINDINGS, reason
    return None
