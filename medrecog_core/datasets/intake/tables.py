"""Images whose labels are in one or several tables, matched row by row."""

import filecmp
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from medrecog_core.datasets.dataset import DatasetWarning, ImageRecord, LeftOut
from medrecog_core.datasets.intake import spreadsheet
from medrecog_core.datasets.intake.columns import (
    Columns,
    choose_columns,
    is_group,
    label_column_needed,
)
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.findings import MatchedRow
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.labels import labels_of_rows
from medrecog_core.datasets.intake.matching import (
    KINDS,
    ImageNames,
    Match,
    split_word,
)
from medrecog_core.datasets.intake.metadata import kept_columns
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.intake.table import Table, read_table
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.wording import counted

_MOST_UNCLEAR = 0.1
"""Share of a table's rows that may name several images each, before it is refused."""
_N_SHOWN = 3
_MOST_LOOKED_AT = 200
"""Columns of a table among which those for sub-groups are looked for."""
_UNLABELLED = ("test", "unlabelled", "unlabeled", "unknown")


@dataclass(frozen=True, eq=False)
class MatchedTable:
    """A table, the roles of its columns, and the images of its rows.

    `place` is its path below the root, or its name if it is elsewhere.
    """

    table: Table
    place: str
    columns: Columns
    matches: list[Match]

    @property
    def split(self) -> str:
        """The split that its name, or else that of a folder it lies in, means."""
        return split_word(self.place.split("/"))

    @property
    def is_list(self) -> bool:
        """Whether it has names of images and nothing else."""
        return len(self.table.header) == 1

    @property
    def names_any(self) -> bool:
        """Whether any row names an image, even if it is not clear which."""
        return any(match.paths or match.candidates for match in self.matches)

    def labels(self) -> set[tuple[str, ...]]:
        """Return the labels of its rows."""
        return set(zip(*map(self.table.values, self.columns.labels), strict=True))

    def paths(self) -> set[str]:
        """Return the images that its rows name."""
        return {path for match in self.matches for path in match.paths}


def read_tables(survey: Survey, decisions: Decisions) -> Interpretation:
    """Return the interpretation of given tables for the images of a folder.

    Tables with the same label columns are read as one; where they have no split column and their
    names say `train` and `test`, they give the split. Tables without a label add groups and splits
    to the images that they name.

    Raises
    ------
    UsageError
        If a given column, sheet or encoding does not exist, or the image or label column is not
        recognised.
    MedrecogError
        If a table cannot be read, names no image, or names images that are not clear.
    """
    names = image_names(survey)
    wanted = [_located(survey.root, table) for table in decisions.tables]
    is_only = len(wanted) == 1
    sources = [
        read_matched(survey.root, path, decisions, names, is_only=is_only) for path in wanted
    ]
    _check_given(sources, decisions)
    for source in sources:
        if not source.names_any:
            raise _no_image(survey, source)
    labelled = [source for source in sources if source.columns.labels]
    if not labelled:
        raise label_column_needed(sources[0].table.name, sources[0].columns)
    others = [source for source in sources if not source.columns.labels]
    return interpret(survey, decisions, labelled, others)


def read_as(survey: Survey, decisions: Decisions, table: Table, columns: Columns) -> Interpretation:
    """Return the contents of a table with known columns for the images of a folder.

    Raises
    ------
    MedrecogError
        If it names no image, or images ambiguously.
    """
    source = _source(survey.root, table, columns, image_names(survey))
    if not source.names_any:
        raise _no_image(survey, source)
    return interpret(survey, decisions, [source], [])


# --- Reading ------------------------------------------------------------------------------------


def image_names(survey: Survey) -> ImageNames:
    """Return the images of a folder, to be found by what rows call them."""
    return ImageNames(survey.root.parts, survey.images)


def _located(root: Path, table: Path) -> Path:
    """Return a table's path, which may be given from the folder of the images."""
    inside = root / table
    return inside if not table.exists() and inside.is_file() else table


def read_matched(
    root: Path, path: Path, decisions: Decisions, names: ImageNames, *, is_only: bool
) -> MatchedTable:
    """Return a table whose rows are matched with images.

    Parameters
    ----------
    is_only
        Whether the decisions about columns are about this table; of several tables each has those
        that name its own columns.

    Raises
    ------
    UsageError
        If a given sheet or encoding does not exist, or the image column is not recognised.
    MedrecogError
        If it cannot be read.
    """
    table = read_table(path, decisions, names.names_image)
    asked = decisions if is_only else _decisions_for(table, decisions)
    columns = choose_columns(table, asked, names.names_image, names.names_folder)
    if decisions.label_columns and not asked.label_columns:
        columns = replace(columns, labels=(), candidates=())
    return _source(root, table, columns, names)


def _source(root: Path, table: Table, columns: Columns, names: ImageNames) -> MatchedTable:
    path = table.path
    place = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    values = table.values(columns.image)
    named = [value for value in values if value]
    names_folders = is_group(columns.image) and (
        all(map(names.names_folder, named)) or not any(map(names.names_image, named))
    )
    matches = names.match(values, place, names_folders=names_folders)
    return MatchedTable(table, place, columns, [_with_copies(root, match) for match in matches])


def _decisions_for(table: Table, decisions: Decisions) -> Decisions:
    """Return the decisions about columns that a table has; others are about other tables."""

    def has(column: str | None) -> bool:
        try:
            return bool(column) and table.find(column or "") in table.header
        except UsageError:
            return False

    def kept(column: str | None) -> str | None:
        return column if not column or has(column) else ""

    labels = decisions.label_columns if all(map(has, decisions.label_columns)) else ()
    return replace(
        decisions,
        image_column=decisions.image_column if has(decisions.image_column) else None,
        label_columns=labels,
        group_column=kept(decisions.group_column),
        split_column=kept(decisions.split_column),
    )


def _check_given(sources: Sequence[MatchedTable], decisions: Decisions) -> None:
    """Refuse names of columns that no table has, with the error of the first table."""
    given = (
        *decisions.label_columns,
        decisions.image_column,
        decisions.group_column,
        decisions.split_column,
    )
    for column in filter(None, given):
        refused: list[UsageError] = []
        for source in sources:
            try:
                source.table.find(column)
            except UsageError as error:
                refused.append(error)
        if len(refused) == len(sources):
            raise refused[0]


def _with_copies(root: Path, match: Match) -> Match:
    """Return the files as images where several that have a name are copies of each other."""
    if len(match.candidates) < 2 or not match.has_all:
        return match
    first, *others = (root / path for path in match.candidates)
    try:
        are_copies = all(filecmp.cmp(first, other, shallow=False) for other in others)
    except OSError:
        return match
    return Match(match.candidates, match.kinds) if are_copies else match


def _no_image(survey: Survey, source: MatchedTable) -> MedrecogError:
    image = source.columns.image
    values = source.table.values(image)
    row = next((i for i, value in enumerate(values) if value), 0)
    return MedrecogError(
        f"No row of {source.table.path} names an image below {survey.root}. Row "
        f"{source.table.numbers[row]} has “{values[row]}” in the column “{image}”. Check the "
        "folder, or give the column with --image-column."
    )


def name_splits(sources: Sequence[MatchedTable]) -> bool:
    """Return whether the names of tables give each a split, and several in all."""
    splits = {source.split for source in sources}
    return len(splits) > 1 and "" not in splits


# --- From rows to images ------------------------------------------------------------------------


@dataclass
class RowContents:
    """Contents of the rows of all tables, by image."""

    rows: list[MatchedRow] = field(default_factory=list)
    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)
    split_rows: dict[str, str] = field(default_factory=dict)
    split_of: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    warnings: list[DatasetWarning] = field(default_factory=list)
    different_groups: dict[str, None] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)

    def add_metadata(self, source: MatchedTable) -> str:
        """Add the columns of a table that are kept for sub-groups; return them in words.

        Where rows of an image differ, the first that has a value is used.
        """
        table = source.table
        free = {name: table.values(name) for name in table.header[:_MOST_LOOKED_AT]}
        taken = {source.columns.image, *source.columns.used, *table.repeated}
        kept = kept_columns(free, taken)
        for name in kept:
            values = self.metadata.setdefault(name, {})
            for value, match in zip(free[name], source.matches, strict=True):
                for path in match.paths if value else ():
                    values.setdefault(path, value)
        if not kept:
            return ""
        names = ", ".join(f"“{name}”" for name in kept)
        return f"{source.place}: kept for sub-groups: {names}. Use --no-metadata to keep none"

    def add(self, source: MatchedTable, *, has_labels: bool) -> None:
        """Add the rows of a table: its groups and split, and its labels if it has them.

        Raises
        ------
        MedrecogError
            If an image has two splits.
        """
        table, columns = source.table, source.columns
        used = columns.used if has_labels else tuple(filter(None, (*columns.groups, columns.split)))
        positions = [(name, table.position(name)) for name in used]
        for row, number, match in zip(table.rows, table.numbers, source.matches, strict=True):
            if not match.paths:
                continue
            values = {name: row[position] for name, position in positions}
            for path in match.paths:
                if has_labels:
                    self.rows.append(MatchedRow(path, source.place, number, values))
                for name in columns.groups:
                    if values[name]:
                        first = self.groups.setdefault(name, {}).setdefault(path, values[name])
                        if first != values[name]:
                            self.different_groups[path] = None
                if columns.split and values[columns.split]:
                    value = values[columns.split]
                    place = f"{source.place} row {number}"
                    if self.splits.setdefault(path, value) != value:
                        raise MedrecogError(
                            f"The image {path} has the split “{self.splits[path]}” in "
                            f"{self.split_rows[path]} and “{value}” in {place}. Correct one of "
                            "them, or use another column with --split-column."
                        )
                    self.split_rows.setdefault(path, place)

    def add_splits_by_name(
        self, labelled: Sequence[MatchedTable], others: Sequence[MatchedTable]
    ) -> str:
        """Add the split that the names of tables give, where no column does; return it in words.

        Raises
        ------
        MedrecogError
            If an image is in two tables of different splits.
        """
        if self.splits:
            return ""
        lists = [source for source in others if source.is_list]
        for sources in (labelled, lists):
            if not name_splits(sources):
                continue
            table_of: dict[str, str] = {}
            both: dict[str, tuple[str, str]] = {}
            for source in sources:
                for path in source.paths():
                    if self.split_of.setdefault(path, source.split) != source.split:
                        both[path] = (table_of[path], source.place)
                    table_of.setdefault(path, source.place)
            if both:
                path, (one, other) = min(both.items())
                raise MedrecogError(
                    f"{counted(len(both), 'image')} in both {one} and {other}, for example {path}. "
                    "Delete the rows from one of them."
                )
            return f"split by {_listed(sources)}"
        return ""


def interpret(
    survey: Survey,
    decisions: Decisions,
    labelled: Sequence[MatchedTable],
    others: Sequence[MatchedTable],
    forms: Sequence[MatchedTable] = (),
) -> Interpretation:
    """Return what tables say of the images of a folder.

    Parameters
    ----------
    labelled, others
        Tables that give labels, and those that give groups or splits only.
    forms
        Tables with made-up labels, whose images are kept apart.

    Raises
    ------
    MedrecogError
        If the tables contradict each other, their rows name images ambiguously, or no image gets a
        label.
    """
    columns = _common_columns(labelled)
    said = RowContents()
    kept: list[str] = []
    for source in (*labelled, *others):
        if decisions.keeps_metadata:
            kept.append(said.add_metadata(source))
        said.left_out += source.table.left_out
        said.warnings += source.table.warnings
        _check_formulas(source)
        said.add(source, has_labels=source in labelled)
        if source in labelled:
            said.warnings += _about_matches(survey, source, said.left_out)
    split_remark = said.add_splits_by_name(labelled, others)
    if said.different_groups:
        said.warnings.append(
            DatasetWarning(
                "group-conflicts",
                f"{counted(len(said.different_groups), 'image')} with different groups in "
                "different rows; the first was used. Use --group-column to choose another column, "
                "or “” for no groups.",
                tuple(said.different_groups),
            )
        )
    found = labels_of_rows(said.rows, columns, decisions)
    # Rows of an image that is left out for its label do not make it an image without a row.
    named = {row.path for row in said.rows}
    unnamed = [path for path in survey.images if path not in named]
    in_forms = {path for form in forms for path in form.paths()}
    unlabelled, unnamed = _apart([path for path in unnamed if path not in in_forms], named)
    said.left_out += [LeftOut(path, "no row of the table") for path in unnamed]
    said.warnings += _about_images(unnamed, unlabelled)
    said.warnings += [_about_form(form, labelled) for form in forms]
    unlabelled += sorted(in_forms - named)
    images = tuple(
        ImageRecord(path, label, said.split_of.get(path, ""))
        for path, label in sorted(found.label_of.items())
    )
    if not images and found.left_out:
        reasons = Counter(entry.reason for entry in found.left_out)
        raise MedrecogError(
            f"No image gets a label from {_listed(labelled)}. "
            f"{counted(len(found.left_out), 'image')} left out: "
            f"{', '.join(f'{reason} ({n:,})' for reason, n in reasons.most_common(_N_SHOWN))}."
        )
    if not images:
        raise MedrecogError(
            f"No row of {_listed(labelled)} has both an image below {survey.root} and a label. "
            f"Check the column{'s' if len(columns.labels) > 1 else ''} "
            f"{', '.join(f'“{name}”' for name in columns.labels[:_N_SHOWN])}."
        )
    remarks = [
        f"labels from {_listed(labelled)}",
        split_remark,
        *dict.fromkeys(remark for source in labelled for remark in source.table.remarks),
        f"with {_listed(others)}" if others else "",
        found.remark,
    ]
    return Interpretation(
        images,
        ", ".join(filter(None, remarks)),
        decisions,
        (*said.left_out, *found.left_out),
        (*said.warnings, *found.warnings),
        tuple(sorted((*found.unlabelled, *unlabelled))),
        (
            *(f"{each.place}: {reason}" for each in labelled for reason in each.columns.reasons),
            *filter(None, kept),
        ),
        said.groups,
        said.splits,
        next((each.columns.split for each in (*labelled, *others) if each.columns.split), ""),
        said.split_rows,
        said.metadata,
    )


def _listed(sources: Sequence[MatchedTable]) -> str:
    *first, last = [source.place for source in sources]
    if len(first) > _N_SHOWN:
        return f"{', '.join(first[:_N_SHOWN])} and {len(sources) - _N_SHOWN} other tables"
    return f"{', '.join(first)} and {last}" if first else last


def _common_columns(labelled: Sequence[MatchedTable]) -> Columns:
    first = labelled[0].columns
    for source in labelled[1:]:
        if set(source.columns.labels) != set(first.labels):
            raise MedrecogError(
                f"The tables {labelled[0].place} and {source.place} have different label columns, "
                f"{_short(first.labels)} and {_short(source.columns.labels)}. Name the label "
                "column with --label-column, or give one table."
            )
    rater = next((s.columns.rater for s in labelled if s.columns.rater), "")
    return replace(first, rater=rater)


def _short(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:_N_SHOWN])
    return f"{shown}, …" if len(names) > _N_SHOWN else shown


def _check_formulas(source: MatchedTable) -> None:
    table = source.table
    if not table.is_sheet:
        return
    for name in (source.columns.image, *source.columns.used):
        position = table.position(name)
        for row, number in zip(table.rows, table.numbers, strict=True):
            if row[position] in spreadsheet.FORMULA_ERRORS:
                raise MedrecogError(
                    f"The cell {spreadsheet.cell_name(position, number)} of {table.path} (column "
                    f"“{name}”) holds {row[position]}, the error of a formula. Put a value in its "
                    "place."
                )


# --- Warnings -------------------------------------------------------------------------


def _about_matches(
    survey: Survey, source: MatchedTable, left_out: list[LeftOut]
) -> list[DatasetWarning]:
    """Return the warnings on how rows were matched with images; complete what was skipped."""
    values = source.table.values(source.columns.image)
    missing: list[str] = []
    unclear: list[str] = []
    kinds: Counter[str] = Counter()
    loose: list[str] = []
    example = Match()
    for value, number, match in zip(values, source.table.numbers, source.matches, strict=True):
        place = f"{source.place} row {number}"
        kinds.update(match.kinds)
        if match.kinds:
            loose.append(place)
        if match.paths:
            continue
        left_out.append(LeftOut(f"{place}: {value or '(no image)'}", match.reason))
        if match.candidates:
            unclear.append(place)
            example = example if example.candidates else match
        else:
            missing.append(place)
    n_rows = len(values)
    name = source.place
    warnings = []
    if len(unclear) > _MOST_UNCLEAR * (n_rows - len(missing)):
        shown = ", ".join(example.candidates[:_N_SHOWN])
        raise MedrecogError(
            f"It is not clear which images {counted(len(unclear), 'row')} of {name} name. For "
            f"{unclear[0]}, {example.reason}: {shown}. Write the path below {survey.root} in the "
            f"column “{source.columns.image}”, or choose another with --image-column."
        )
    if unclear:
        warnings.append(
            DatasetWarning(
                "ambiguous-rows",
                f"It is not clear which images {counted(len(unclear), 'row')} of {name} name; "
                "they were not used. Write the path below the folder in the column "
                f"“{source.columns.image}”, or choose another with --image-column.",
                tuple(unclear),
            )
        )
    if loose:
        how = ", ".join(f"{KINDS[kind]} ({n:,})" for kind, n in kinds.most_common())
        warnings.append(
            DatasetWarning(
                "rows-matched-loosely",
                f"{counted(len(loose), 'row')} of {name} name their images not exactly as the "
                f"files are called: {how}. Correct the column “{source.columns.image}”, or choose "
                "another with --image-column, if an image is wrong.",
                tuple(loose),
            )
        )
    if missing:
        warnings.append(
            DatasetWarning(
                "rows-without-image",
                f"{counted(len(missing), 'row')} of {name} without an image in the folder; they "
                "were not used. Add the images, or choose another column with --image-column.",
                tuple(missing),
            )
        )
    return warnings


def _about_form(form: MatchedTable, labelled: Sequence[MatchedTable]) -> DatasetWarning:
    tables = " ".join(f"--labels {source.place}" for source in (*labelled, form))
    paths = form.paths()
    return DatasetWarning(
        "unlabelled",
        f"The labels of {form.place} look made up, as in a form for predictions, and are not used. "
        f"Its {counted(len(paths), 'image')} are kept apart for Predict. Use {tables} to import "
        "them with these labels all the same.",
        tuple(sorted(paths)),
    )


def _apart(unnamed: Sequence[str], named: set[str]) -> tuple[list[str], list[str]]:
    """Divide images without a row into those of folders for unlabelled images, and the others."""
    folders = {path.rpartition("/")[0] for path in named}
    unlabelled: list[str] = []
    others: list[str] = []
    for path in unnamed:
        folder = path.rpartition("/")[0]
        is_meant = folder not in folders and any(
            split_word([part]) == "test" or part.lower() in _UNLABELLED
            for part in folder.split("/")
        )
        (unlabelled if is_meant else others).append(path)
    return unlabelled, others


def _about_images(unnamed: Sequence[str], unlabelled: Sequence[str]) -> list[DatasetWarning]:
    warnings = []
    if unnamed:
        warnings.append(
            DatasetWarning(
                "images-without-row",
                f"{counted(len(unnamed), 'image')} without a row in the table; they were not "
                "imported. Add rows, or another table with --labels.",
                tuple(unnamed),
            )
        )
    if unlabelled:
        warnings.append(
            DatasetWarning(
                "unlabelled",
                f"{counted(len(unlabelled), 'image')} without a row in the table, in folders for "
                "unlabelled images; they are kept apart for Predict. Give a further table with "
                "--labels if there are labels.",
                tuple(unlabelled),
            )
        )
    return warnings
