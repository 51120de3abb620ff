"""Where labels come from: a known layout, a table, DICOM tags or folders."""

import contextlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.intake.copies import (
    Repeats,
    without_repeats,
    without_same_names,
)
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.dicom_tags import read_tagged_images, with_patients
from medrecog_core.datasets.intake.folders import GROUPS_BY_FOLDER, read_folders
from medrecog_core.datasets.intake.found_tables import BesideLabels, TablesInFolder, look_at_tables
from medrecog_core.datasets.intake.interpretation import AmbiguousError, Interpretation
from medrecog_core.datasets.intake.layouts import LAYOUTS, with_name
from medrecog_core.datasets.intake.splits import split_of_word
from medrecog_core.datasets.intake.survey import NOT_AN_IMAGE, Survey
from medrecog_core.datasets.intake.tables import read_tables
from medrecog_core.errors import MedrecogError
from medrecog_core.wording import counted

_MOST_IMAGES = 0.5
"""Share of the images that a table must label to compete with the folders."""
_SAMPLED = 20
"""Number of files that are checked for patient tags."""
_NAMED = 0.8
"""Part of these that must do so for folders not to."""


def interpretations(survey: Survey, decisions: Decisions) -> list[Interpretation]:
    """Return the interpretations that explain the images, best first.

    Decisions have precedence: a DICOM tag, tables, folder levels. Then a known layout. Otherwise
    the folders are compared with the tables in the folder:

    - if the folders give no classes, a table gives the labels;
    - where a table labels most images and says the same as the folders, the folders do; where the
      folders can be read in several ways, the way that a table agrees with is taken;
    - where they disagree, or the folders can be read in several ways, neither is guessed.

    Raises
    ------
    AmbiguousError
        If two interpretations explain the images about equally.
    MedrecogError
        If there are no images with labels.
    """
    if decisions.label_tag:
        images, left_out, layout = read_tagged_images(survey.root, decisions.label_tag)
        known = {entry.path for entry in survey.left_out}
        rest = tuple(entry for entry in left_out if entry.path not in known)
        return [Interpretation(tuple(images), layout, decisions, left_out=rest)]
    if decisions.tables:
        return [_of_given_tables(survey, decisions)]
    repeats = without_repeats(survey, decisions)
    is_decided = decisions.class_level is not None or decisions.group_level is not None
    if not is_decided:
        for layout_of in LAYOUTS:
            if layout_of.recognise(survey):
                by_name = layout_of.by_file_name
                lean = without_same_names(survey, decisions) if by_name else survey
                return [_complete(layout_of.read(lean, decisions), survey, lean)]
    return _compared(survey, repeats, decisions)


def _compared(survey: Survey, repeats: Repeats, decisions: Decisions) -> list[Interpretation]:
    lean = without_same_names(survey, decisions) if survey.tables else survey
    looked_at = look_at_tables(lean, decisions)
    if lean is not survey:
        with contextlib.suppress(MedrecogError):
            whole = look_at_tables(survey, decisions)
            if _n_labelled(whole.interpretations) > _n_labelled(looked_at.interpretations):
                lean, looked_at = survey, whole
    tables = list(looked_at.interpretations)
    try:
        folders = read_folders(repeats.survey, decisions, repeats.transparent)
    except MedrecogError:
        if not tables:
            raise
        return _of_tables(tables, survey, lean)
    if tables:  # neither one class nor as many as images is valid
        folders = [
            one
            for one in folders
            if 1 < len(one.classes) < max(len(one.images), 3)
            and not any(_are_groups(one, table) for table in tables)
        ]
    if not folders:
        return _of_tables(tables, survey, lean)
    found = [
        with_name(_left_to_tags(survey, decisions, _complete(one, survey, repeats.survey)))
        for one in folders
    ]
    found = [_with_tables(one, looked_at) for one in found]
    strong = [table for table in tables if len(table.images) >= _MOST_IMAGES * len(found[0].images)]
    agreeing = [one for one in found if any(_agree(one, table) for table in strong)]
    if len(found) > 1 and agreeing:
        first, *others = agreeing
        return [first, *others, *(one for one in found if one not in agreeing)]
    against = [table for table in strong if not any(_agree(one, table) for one in found)]
    if against and not agreeing:
        readings = [*(_complete(one, survey, lean) for one in against), *found]
        raise AmbiguousError(
            f"{_named(against[0])} and the folders give the images different labels "
            f"({_classes(against[0])} and {_classes(found[0])}). Choose one of the two.",
            readings,
        )
    if len(found) > 1:
        raise AmbiguousError(
            f"The folders of {survey.root} can be read in {len(found)} ways: the classes are "
            f"{' or '.join(_classes(one) for one in found)}. Choose one with --class-level.",
            found,
        )
    weak = [table for table in tables if table not in strong and not _agree(found[0], table)]
    return [
        *(_pointing_at(one, weak) for one in found),
        *(_complete(t, survey, lean) for t in weak),
    ]


def _of_given_tables(survey: Survey, decisions: Decisions) -> Interpretation:
    """Read tables that name files alone, of which copies are taken once, or whole paths."""
    lean = without_same_names(survey, decisions)
    if lean is not survey:
        # Where rows name the copies apart, each has the label of its row.
        with contextlib.suppress(MedrecogError):
            whole = read_tables(survey, decisions)
            if _n_labelled([whole]) > _n_labelled([read_tables(lean, decisions)]):
                return _complete(whole, survey, survey)
    return _complete(read_tables(lean, decisions), survey, lean)


def _n_labelled(tables: Iterable[Interpretation]) -> int:
    return sum(len(table.images) for table in tables)


def _with_tables(found: Interpretation, looked_at: TablesInFolder) -> Interpretation:
    """Return it with the groups and the split that tables give, where folders give none."""
    beside = looked_at.beside
    paths = {image.path for image in found.images}
    groups: Mapping[str, Mapping[str, str]] = {}
    if not any(image.group for image in found.images):
        groups = {
            name: values
            for name, values in beside.group_columns.items()
            if len(paths & set(values)) >= _MOST_IMAGES * len(paths)
        }
    has_split = any(image.split or image.fold for image in found.images)
    by_column = not has_split and paths <= set(beside.split_values)
    by_name = not has_split and paths <= set(beside.split_of)
    used = [
        table
        for table, (has_groups, gives_split) in beside.tables.items()
        if (has_groups and groups) or (gives_split and (by_column or by_name))
    ]
    unused = [reason for reason in looked_at.unused if reason.split(" names ")[0] not in used]
    warnings = _unused_beside(found, beside, used)
    found = replace(found, reasons=(*found.reasons, *unused), warnings=(*found.warnings, *warnings))
    if not used:
        return found
    images = found.images
    if by_name:
        images = tuple(replace(image, split=beside.split_of[image.path]) for image in images)
    return replace(
        found,
        images=images,
        layout=f"{found.layout}, with {', '.join(used)}",
        left_out=tuple(entry for entry in found.left_out if entry.path not in used),
        group_columns=groups,
        split_values=beside.split_values if by_column else {},
        split_column=beside.split_column if by_column else "",
        split_places=beside.split_places if by_column else {},
    )


def _unused_beside(
    found: Interpretation, beside: BesideLabels, used: Sequence[str]
) -> list[DatasetWarning]:
    """Return the warnings on unused groups and splits in tables."""
    has_groups = any(image.group for image in found.images)
    has_split = any(image.split or image.fold for image in found.images)
    partial = tuple(
        table
        for table, (gives_groups, gives_split) in sorted(beside.tables.items())
        if table not in used
        and ((gives_groups and not has_groups) or (gives_split and not has_split))
    )
    warnings = []
    if partial:
        warnings.append(
            DatasetWarning(
                "table-in-folder",
                f"{', '.join(f'“{table}”' for table in partial)} "
                f"{'names' if len(partial) == 1 else 'name'} groups or a split of some images and "
                f"{'is' if len(partial) == 1 else 'are'} not used, because rows of other images "
                "are missing. Add these rows, or use --labels to take everything from tables.",
                partial,
            )
        )
    words = {path: split_of_word(value) for path, value in beside.split_values.items()}
    words |= beside.split_of
    different = tuple(
        image.path
        for image in found.images
        if image.split and words.get(image.path) and words[image.path] != image.split
    )
    if different:
        warnings.append(
            DatasetWarning(
                "split-ignored",
                f"{counted(len(different), 'image has', 'images have')} another split in a table "
                f"than by {'its' if len(different) == 1 else 'their'} folder. The folders are "
                "used. Use --labels to take labels and split from the table.",
                different,
            )
        )
    return warnings


def _of_tables(
    tables: Sequence[Interpretation], survey: Survey, lean: Survey
) -> list[Interpretation]:
    complete = [_complete(table, survey, lean) for table in tables]
    first = max(complete, key=lambda table: len(table.images))
    others = [table for table in complete if table is not first]
    against = [
        table
        for table in others
        if len(table.images) >= _MOST_IMAGES * len(first.images) and not _agree(first, table)
    ]
    if against:
        names = f"{_named(first, against[0])} and {_named(against[0], first)}"
        raise AmbiguousError(
            f"{names[0].upper()}{names[1:]} give the images different labels "
            f"({_classes(first)} and {_classes(against[0])}). Choose one of the two.",
            (first, *against),
        )
    return [first, *others]


def _complete(found: Interpretation, survey: Survey, lean: Survey) -> Interpretation:
    """Add what steps after the survey left out, and the tables that are not used."""
    known = {entry.path for entry in survey.left_out}
    used = {path.as_posix() for path in map(Path, found.decisions.tables)}
    told = {entry.path for entry in found.left_out}
    unused = (
        LeftOut(table, NOT_AN_IMAGE)
        for table in survey.tables
        if table not in told and table not in used and (survey.root / table).as_posix() not in used
    )
    more = [entry for entry in lean.left_out if entry.path not in known]
    return replace(
        found,
        left_out=tuple(sorted((*found.left_out, *more, *unused), key=lambda entry: entry.path)),
        warnings=(*lean.warnings[len(survey.warnings) :], *found.warnings),
    )


def _left_to_tags(survey: Survey, decisions: Decisions, found: Interpretation) -> Interpretation:
    """Return it without groups from folders where DICOM files name their patients themselves."""
    if decisions.group_level is not None or not decisions.group_tag:
        return found
    grouped = [image for image in found.images if image.group]
    if not grouped:
        return found
    step = -(-len(grouped) // _SAMPLED)
    sample = [replace(image, group="") for image in grouped[::step]]
    tagged, _ = with_patients(survey.root, sample, decisions.group_tag)
    groups = [image.group for image in tagged if image.group]
    if len(set(groups)) < 2 or len(groups) < _NAMED * len(sample):
        return found
    images = tuple(replace(image, group="") for image in found.images)
    return replace(
        found,
        images=images,
        layout=found.layout.removesuffix(GROUPS_BY_FOLDER),
        decisions=replace(found.decisions, group_level=None),
    )


def _are_groups(one: Interpretation, table: Interpretation) -> bool:
    """Return whether the labels are the patients or other groups of a table."""
    return any(_correspond(one, values) for values in table.group_columns.values())


def _agree(one: Interpretation, table: Interpretation) -> bool:
    """Return whether labels of the same images correspond, each to one."""
    return _correspond(one, {image.path: image.label for image in table.images})


def _correspond(one: Interpretation, label_of: Mapping[str, str]) -> bool:
    pairs: dict[str, set[str]] = defaultdict(set)
    back: dict[str, set[str]] = defaultdict(set)
    for image in one.images:
        other = label_of.get(image.path)
        if other is not None:
            pairs[_plain(image.label)].add(_plain(other))
            back[_plain(other)].add(_plain(image.label))
    return bool(pairs) and all(len(s) == 1 for s in (*pairs.values(), *back.values()))


def _plain(label: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", label).casefold().replace("_", " ").split())


def _pointing_at(found: Interpretation, tables: Sequence[Interpretation]) -> Interpretation:
    if not tables:
        return found
    names = tuple(sorted({str(path) for table in tables for path in table.decisions.tables}))
    warning = DatasetWarning(
        "table-in-folder",
        f"{', '.join(_named(table) for table in tables)} names images and labels and is not used, "
        "because it has less than half of the images. Use --labels to take the labels from it.",
        names,
    )
    return replace(found, warnings=(*found.warnings, warning))


def _named(table: Interpretation, beside: Interpretation | None = None) -> str:
    columns = ", ".join(table.decisions.label_columns)
    if beside and columns and table.decisions.tables == beside.decisions.tables:
        return f"the column “{columns}”"
    names = [Path(path).name for path in table.decisions.tables]
    return " and ".join(f"“{name}”" for name in names) or "The table"


def _classes(found: Interpretation) -> str:
    names = ", ".join(f"“{name}”" for name in found.classes[:3])
    more = ", …" if len(found.classes) > 3 else ""
    return f"{counted(len(found.classes), 'class', 'classes')} {names}{more}"
