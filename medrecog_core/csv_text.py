"""CSV that spreadsheets show and never compute."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

_STARTS_FORMULA = re.compile("[=+\\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_QUOTE = "'"


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]], line_end: str = "\r\n") -> str:
    """Return a table as CSV.

    Text that a spreadsheet would compute (it begins with `=`, `+`, `-`, `@`, a tab or a line break)
    gets an apostrophe before it, which marks text there. Numbers stay as they are.

    Parameters
    ----------
    header
        Names of the columns.
    rows
        Cells; None is empty.
    line_end
        End of every line.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=line_end)
    writer.writerows([_as_text(cell) for cell in row] for row in (header, *rows))
    return text.getvalue()


def without_mark(cell: str) -> str:
    """Return a cell of a table without the apostrophe of `csv_text`."""
    is_marked = cell.startswith(_QUOTE) and _STARTS_FORMULA.match(cell, 1)
    return cell[1:] if is_marked else cell


def _as_text(cell: Any) -> Any:
    if not isinstance(cell, str) or not _STARTS_FORMULA.match(cell) or _NUMBER.fullmatch(cell):
        return cell
    return _QUOTE + cell
