"""Findings of an image in a row of a table, certain or uncertain."""

import ast
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from medrecog_core.datasets.intake.classes import missing_words, number_of
from medrecog_core.datasets.intake.columns import SINGLE, Columns
from medrecog_core.errors import MedrecogError

POSITIVE, NEGATIVE, UNCERTAIN = 1, 0, -1

_WORDS = {
    **dict.fromkeys(("true", "yes", "y", "x", "+", "positive", "pos", "present"), POSITIVE),
    **dict.fromkeys(("false", "no", "n", "negative", "neg", "absent"), NEGATIVE),
    **dict.fromkeys(("uncertain", "u"), UNCERTAIN),
}
_SURE_SEPARATOR = "|"
_OTHER_SEPARATORS = (";", ",")


@dataclass(frozen=True, slots=True)
class MatchedRow:
    """A row of a table, and the image that it is about.

    A row that names several images, as a folder, is one of these for each.

    Attributes
    ----------
    path
        The image, relative to the root.
    table
        Name of the table.
    number
        The row's number in the table, where the first row, header or not, is 1.
    values
        What it says, by the name of the column; of the columns that have a role.
    """

    path: str
    table: str
    number: int
    values: Mapping[str, str]

    @property
    def place(self) -> str:
        """The row as warnings name it, such as `train.csv row 12`."""
        return f"{self.table} row {self.number}"


@dataclass(frozen=True)
class Findings:
    """Findings in one row.

    Attributes
    ----------
    row
        The row.
    positive
        The findings that the image has, in order; of a table with one label column, its label.
    uncertain
        Findings that are marked -1.
    unknown
        Findings without a value in the row.
    is_missing
        Whether the row has no label at all.
    """

    row: MatchedRow
    positive: tuple[str, ...] = ()
    uncertain: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    is_missing: bool = False


@dataclass(frozen=True)
class CellReading:
    """The rows of a table as findings.

    Attributes
    ----------
    rows
        One for each row, in the same order.
    names
        Every finding, from the most frequent to the least.
    missing
        Words that mean a missing label.
    doubtful
        Labels that can mean a missing one and are used as a class.
    joined
        Labels that look like several findings and are taken as one class.
    """

    rows: tuple[Findings, ...]
    names: tuple[str, ...]
    missing: frozenset[str] = frozenset()
    doubtful: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()


def read_findings(
    rows: Sequence[MatchedRow], columns: Columns, finding: str = "", labels: Collection[str] = ()
) -> CellReading:
    """Return the findings in rows.

    Parameters
    ----------
    rows
        The rows.
    columns
        What the columns are.
    finding
        The finding to use against the rest, if any.
    labels
        Words that are labels, whatever they look like.

    Raises
    ------
    MedrecogError
        If a column of findings holds anything but 1, 0, -1 and nothing.
    """
    if columns.kind == SINGLE and not _is_finding_column(rows, columns, finding):
        return _read_cells(rows, columns.labels[0], bool(finding), labels)
    read = tuple(_read_marks(row, columns.labels) for row in rows)
    counts = Counter(dict.fromkeys(columns.labels, 0))
    counts.update(name for each in read for name in each.positive)
    return CellReading(read, tuple(name for name, _ in counts.most_common()))


def _is_finding_column(rows: Sequence[MatchedRow], columns: Columns, finding: str) -> bool:
    """Return whether the finding that is asked for is a column of 1, 0, -1 and nothing."""
    (column,) = columns.labels
    return finding == column and all(_mark(row.values[column]) is not None for row in rows)


def _read_marks(row: MatchedRow, names: Sequence[str]) -> Findings:
    marks: dict[str, int | str] = {}
    for name in names:
        mark = _mark(row.values[name])
        if mark is None:
            raise MedrecogError(
                f"{row.place} has “{row.values[name]}” in the column “{name}”. A column of "
                "findings contains 1, 0, -1 (uncertain) or nothing. Correct it, or choose "
                "another label column with --label-column."
            )
        marks[name] = mark
    return Findings(
        row,
        tuple(name for name in names if marks[name] == POSITIVE),
        frozenset(name for name in names if marks[name] == UNCERTAIN),
        frozenset(name for name in names if marks[name] == ""),
        all(mark == "" for mark in marks.values()),
    )


def _mark(text: str) -> int | str | None:
    """Return the value of a finding: 1, 0, -1 or nothing; None if it is not valid."""
    word = text.strip().casefold()
    if word in _WORDS:
        return _WORDS[word]
    value = number_of(word)
    if value is not None:
        return int(value) if value in (POSITIVE, NEGATIVE, UNCERTAIN) else None
    return "" if word in missing_words([word])[0] else None


def _read_cells(
    rows: Sequence[MatchedRow], column: str, always_splits: bool, labels: Collection[str]
) -> CellReading:
    texts = [row.values[column].strip() for row in rows]
    missing, doubtful = missing_words(texts)
    missing, doubtful = missing - set(labels), doubtful - set(labels)
    pieces_of = {text: _pieces(text) for text in set(texts) - missing}
    alone = {text for text in pieces_of if len(_all_pieces(text)) == 1}
    joined = set()
    for text, pieces in pieces_of.items():
        others = _all_pieces(text)
        if len(pieces) > 1 or len(others) == 1:
            continue
        if always_splits or alone.issuperset(others):
            pieces_of[text] = others
        elif not alone.isdisjoint(others):
            joined.add(text)
    read = tuple(
        Findings(row, is_missing=True) if text in missing else Findings(row, pieces_of[text])
        for row, text in zip(rows, texts, strict=True)
    )
    counts = Counter(name for each in read for name in each.positive)
    names = tuple(name for name, _ in counts.most_common())
    return CellReading(read, names, missing & set(texts), doubtful, frozenset(joined))


def _pieces(text: str) -> tuple[str, ...]:
    """Return the findings of a cell that certainly has several, else the text alone."""
    listed = _python_list(text)
    if listed:
        return listed
    pieces = [piece for piece in text.split(_SURE_SEPARATOR) if piece.strip()]
    return _parted(text, _SURE_SEPARATOR) if len(pieces) > 1 else (text,)


def _all_pieces(text: str) -> tuple[str, ...]:
    """Return the findings of a cell if any usual separator parts them."""
    pieces = _pieces(text)
    for separator in _OTHER_SEPARATORS:
        if len(pieces) == 1:
            pieces = _parted(pieces[0], separator)
    return pieces or (text,)


def _parted(text: str, separator: str) -> tuple[str, ...]:
    return _unique(piece.strip() for piece in text.split(separator))


def _python_list(text: str) -> tuple[str, ...]:
    """Return the strings of a list as Python writes it, such as `['a', 'b']`."""
    if not (text.startswith("[") and text.endswith("]")):
        return ()
    try:
        values = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return ()
    if not all(isinstance(value, str) for value in values):
        return ()
    return _unique(value.strip() for value in values)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
