"""Tables that lie beside the images: which of them give labels, groups and splits."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from medrecog_core.datasets.dataset import ImageRecord
from medrecog_core.datasets.intake.columns import is_label
from medrecog_core.datasets.intake.decisions import Decisions
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.datasets.intake.survey import Survey
from medrecog_core.datasets.intake.tables import (
    MatchedTable,
    RowContents,
    image_names,
    interpret,
    name_splits,
    read_matched,
)
from medrecog_core.errors import MedrecogError
from medrecog_core.wording import counted

_LEAST_IMAGES, _LEAST_ROWS = 0.1, 0.5
"""A table that lies in the folder is about the images if it names this share of them, or if this
share of its rows does."""


_MOST_TABLES = 200


_PREDICTIONS = re.compile(r"submission|submit|predictions?(?![a-z])", re.IGNORECASE)
"""Words in the names of tables with made-up labels, such as submission forms."""


@dataclass(frozen=True)
class BesideLabels:
    """Groups and splits of images in tables; see `Interpretation`.

    Attributes
    ----------
    group_columns, split_values, split_column, split_places
        As there.
    split_of
        From an image's path to the split that the name of its table means.
    tables
        From the path of a table below the root to whether it gives groups, and whether a split.
    """

    group_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    split_values: Mapping[str, str] = field(default_factory=dict)
    split_column: str = ""
    split_places: Mapping[str, str] = field(default_factory=dict)
    split_of: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class TablesInFolder:
    """Interpretations of the tables in a folder.

    Attributes
    ----------
    interpretations
        One for each table, or each set of tables, that has labels; best first.
    unused
        Descriptions of tables that name images but have no clear label column.
    beside
        What they say of groups and splits, for images whose labels come from elsewhere.
    """

    interpretations: tuple[Interpretation, ...]
    unused: tuple[str, ...]
    beside: BesideLabels = field(default_factory=BesideLabels)


def look_at_tables(survey: Survey, decisions: Decisions) -> TablesInFolder:
    """Return the contents of the tables in a folder for its images.

    Raises
    ------
    MedrecogError
        If the labels of the only table are contradictory, or its rows name images ambiguously.
    """
    if decisions.label_tag or not survey.images or not survey.tables:
        return TablesInFolder((), ())
    names = image_names(survey)
    sources = []
    for place in _likeliest(survey):
        try:
            source = read_matched(survey.root, survey.root / place, decisions, names, is_only=False)
        except MedrecogError:
            # Notes and other text; a table that cannot be read is refused when it is given.
            continue
        if _is_about(source, len(survey.images)):
            sources.append(source)
    forms = _forms(sources)
    sources = [source for source in sources if source not in forms]
    beside = _beside_labels(sources)
    if decisions.class_level is not None:
        return TablesInFolder((), (), beside)
    others = [source for source in sources if not source.columns.labels]
    found: list[Interpretation] = []
    refused: list[MedrecogError] = []
    for labelled, columns_decided in _families(sources, decisions):
        joined = _joined(labelled, others)
        tables = tuple(survey.root / source.place for source in (*labelled, *joined))
        decided = replace(columns_decided, tables=tables)
        try:
            found.append(interpret(survey, decided, labelled, joined, forms))
        except MedrecogError as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    used = {table for each in found for table in each.decisions.tables}
    unused = tuple(
        f"{other.place} names {counted(len(other.paths()), 'image')}, but has no column that is "
        "certainly the label. Use --labels and --label-column to read it"
        for other in others
        if survey.root / other.place not in used and not other.is_list
    )
    found = _different(found)
    return TablesInFolder(
        tuple(replace(each, reasons=(*each.reasons, *unused)) for each in found), unused, beside
    )


def _beside_labels(sources: Sequence[MatchedTable]) -> BesideLabels:
    said = RowContents()
    tables: dict[str, tuple[bool, bool]] = {}
    for source in sources:
        has_split = bool(source.columns.split)
        if not (source.columns.groups or has_split):
            continue
        try:
            said.add(source, has_labels=False)
        except MedrecogError:  # two tables with different splits, of which none is to be guessed
            continue
        tables[source.place] = (bool(source.columns.groups), has_split)
    lists = [source for source in sources if source.is_list]
    if not said.splits and name_splits(lists):
        try:
            said.add_splits_by_name([], lists)
        except MedrecogError:
            said.split_of.clear()
        else:
            tables |= {source.place: (False, True) for source in lists}
    columns = (source.columns.split for source in sources if source.columns.split)
    return BesideLabels(
        said.groups, said.splits, next(columns, ""), said.split_rows, said.split_of, tables
    )


def _forms(sources: Sequence[MatchedTable]) -> list[MatchedTable]:
    """Return the tables whose labels are made up: sample submissions, and tests of one label.

    Only where another table has labels, and none of the same images.
    """
    values_of = {source: source.labels() for source in sources if source.columns.labels}
    telling = [source for source, values in values_of.items() if len(values) > 1]
    return [
        source
        for source, values in values_of.items()
        for rest in [[other for other in telling if other is not source]]
        if rest
        and (
            _PREDICTIONS.search(source.table.path.stem)
            or (len(values) == 1 and len(source.paths()) > 1 and source.split == "test")
        )
        and not any(source.paths() & other.paths() for other in rest)
    ]


def _different(found: Sequence[Interpretation]) -> list[Interpretation]:
    """Return the interpretations, best first, and one only of those that say the same."""
    best: dict[tuple[ImageRecord, ...], Interpretation] = {}
    for each in sorted(found, key=lambda each: (-len(each.images), len(each.warnings))):
        first = best.setdefault(each.images, each)
        if first is not each:
            same = ", ".join(table.name for table in each.decisions.tables)
            best[each.images] = replace(first, reasons=(*first.reasons, f"{same} says the same"))
    return list(best.values())


def _is_about(source: MatchedTable, n_images: int) -> bool:
    n_rows = sum(bool(match.paths or match.candidates) for match in source.matches)
    n_named = len(source.paths())
    return bool(n_rows) and (
        n_named >= _LEAST_IMAGES * n_images or n_rows >= _LEAST_ROWS * len(source.matches)
    )


def _likeliest(survey: Survey) -> list[str]:
    """Return the tables to look at: some sets have a text for each image."""
    stems = {path.rpartition("/")[2].rpartition(".")[0] for path in survey.images}

    def unlikeliness(place: str) -> tuple[bool, bool, int]:
        stem, _, suffix = place.rpartition("/")[2].rpartition(".")
        return stem in stems, suffix.lower() == "txt", place.count("/")

    return sorted(sorted(survey.tables, key=unlikeliness)[:_MOST_TABLES])


def _joined(labelled: Sequence[MatchedTable], others: Sequence[MatchedTable]) -> list[MatchedTable]:
    """Return the tables without labels that give the same images groups or splits."""
    places = {source.place for source in labelled}
    paths = set().union(*(source.paths() for source in labelled))
    near = [each for each in others if each.place not in places and each.paths() & paths]
    joined = [each for each in near if each.columns.groups or each.columns.split]
    has_split = any(each.columns.split for each in (*labelled, *joined))
    if not has_split and not name_splits(labelled):
        lists = [each for each in near if each.is_list]
        joined += lists if name_splits(lists) else []
    return joined


def _families(
    sources: Sequence[MatchedTable], decisions: Decisions
) -> list[tuple[list[MatchedTable], Decisions]]:
    """Return which tables belong together, with the decisions that read them so."""
    families: dict[tuple[object, ...], list[MatchedTable]] = defaultdict(list)
    found: list[tuple[list[MatchedTable], Decisions]] = []
    for source in sources:
        columns = source.columns
        if columns.labels:
            families[frozenset(columns.labels), columns.kind, bool(columns.split)].append(source)
        elif columns.candidates and all(map(is_label, columns.candidates)):
            for name in columns.candidates:
                read_so = replace(source, columns=replace(columns, labels=(name,)))
                found.append(([read_so], replace(decisions, label_columns=(name,))))
    for family in families.values():
        n_paths = sum(len(source.paths()) for source in family)
        are_apart = n_paths == len(set().union(*(source.paths() for source in family)))
        if are_apart or name_splits(family):
            found.append((family, decisions))
        else:
            found += [([source], decisions) for source in family]
    return found
