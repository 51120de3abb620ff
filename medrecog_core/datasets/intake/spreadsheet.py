"""The sheets of an Excel file as text."""

import datetime
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from medrecog_core.errors import MedrecogError, UsageError

SUFFIXES = frozenset({".xlsx"})
FORMULA_ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!"}
)
"""Values of cells whose formula cannot be computed (ECMA-376, part 1, section 18.17.2.7)."""

MOST_CELLS = 20_000_000
"""Maximum size of a table of any kind; more would not fit in the memory of a laptop."""

_MOST_ROWS = 2**20
"""Rows of a sheet (ECMA-376, part 1, section 18.3.1.73: Excel has no more)."""

_SHEETS = "xl/worksheets/"
_MOST_BYTES = 500 * 2**20
_MOST_BYTES_AT_ONCE = 100 * 2**20
_READ_AT_ONCE = frozenset({"xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"})


def read_sheets(file: Path, only: str = "") -> dict[str, list[list[str]]]:
    """Return the rows of the sheets of an Excel file as text; formulas have their last values.

    Whole numbers have no decimal point, dates are in ISO 8601, and empty cells at the end of a row
    and empty rows at the end are dropped, so that the position of a row is its number in the sheet.

    Parameters
    ----------
    file
        The file.
    only
        Name of the sheet to read; empty for all.

    Raises
    ------
    UsageError
        If the sheet is unknown.
    MedrecogError
        If the file is not an `.xlsx` Excel file, or is too large.
    """
    import openpyxl

    try:
        _check_size(file)
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            sheets = {sheet.title: sheet for sheet in book.worksheets}
            if only and only not in sheets:
                raise UsageError(
                    f"The table {file} has no sheet “{only}”. Available: {', '.join(sheets)}."
                )
            found: dict[str, list[list[str]]] = {}
            n_cells = 0
            for name in [only] if only else sheets:
                sheets[name].reset_dimensions()  # some programs write wrong ones
                rows: list[list[str]] = []
                for values in sheets[name].iter_rows(values_only=True):
                    rows.append(_row(values))
                    n_cells += len(rows[-1])
                    if len(rows) > _MOST_ROWS or n_cells > MOST_CELLS:
                        raise _too_large(file, name)
                while rows and not rows[-1]:
                    rows.pop()
                found[name] = rows
        finally:
            book.close()
    except (FileNotFoundError, MedrecogError):
        raise
    # openpyxl raises many kinds of errors for damaged files.
    except Exception as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise MedrecogError(
            f"The table {file} cannot be read as an Excel file ({reason}). Save it as .xlsx or CSV."
        ) from error
    return found


def _check_size(file: Path) -> None:
    # The file is a zip, some parts of which are read into memory.
    with zipfile.ZipFile(file) as book:
        sizes = {part.filename: part.file_size for part in book.infolist()}
    at_once = sum(n_bytes for part, n_bytes in sizes.items() if part in _READ_AT_ONCE)
    for n_bytes, most in ((sum(sizes.values()), _MOST_BYTES), (at_once, _MOST_BYTES_AT_ONCE)):
        if n_bytes > most:
            raise MedrecogError(
                f"The table {file} has {n_bytes / 2**20:,.0f} MB when uncompressed, more than the "
                f"{most // 2**20} allowed. Save the sheet as CSV."
            )
    with zipfile.ZipFile(file) as book:
        for part in sizes:
            if part.startswith(_SHEETS):
                with book.open(part) as opened:
                    _check_counts(file, part.removeprefix(_SHEETS), opened)


def _check_counts(file: Path, name: str, sheet: IO[bytes]) -> None:
    """Reject a sheet with too many rows or cells, even empty ones, before it is parsed."""
    n_rows = n_cells = 0
    before = b""
    while piece := sheet.read(2**20):
        text = before + piece
        n_rows += text.count(b"<row") + text.count(b":row")
        n_cells += text.count(b"<c ") + text.count(b"<c>") + text.count(b"<c/")
        if n_rows > _MOST_ROWS or n_cells > MOST_CELLS:
            raise _too_large(file, name)
        before = text[-3:]


def _too_large(file: Path, name: str) -> MedrecogError:
    return MedrecogError(
        f"The sheet “{name}” of {file} is larger than the {_MOST_ROWS:,} rows or {MOST_CELLS:,} "
        "cells allowed. Delete the rows that are not needed."
    )


def _row(values: Iterable[object]) -> list[str]:
    cells = [_text(value) for value in values]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def cell_name(column: int, row: int) -> str:
    """Return the name of a cell, such as `C7`, from its column (from 0) and row (from 1)."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        value = value.date()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value).strip()
