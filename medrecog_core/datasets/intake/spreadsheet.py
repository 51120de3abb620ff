"""The sheets of an Excel file as text."""

import datetime
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, cast

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.apart import call_apart

SUFFIXES = frozenset({".xlsx"})
FORMULA_ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!"}
)
"""Values of cells whose formula cannot be computed (ECMA-376, part 1, section 18.17.2.7)."""

MOST_CELLS = 20_000_000
"""Maximum size of a table of any kind; more would not fit in the memory of a laptop."""

_MOST_ROWS, _MOST_COLUMNS = 2**20, 2**14
"""Of a sheet (ECMA-376, part 1, section 18.3.1.73: Excel has no more)."""

_MOST_CHARACTERS = 200_000_000
_MOST_TAGS = 20_000_000
"""Elements of the XML of all sheets; each takes some 100 bytes while it is parsed."""

_FEW_TAGS, _FEW_BYTES = 1_000_000, 20 * 2**20
"""Larger books are read in a process of their own, so that a server keeps none of the memory."""

_SECONDS = 600

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
    try:
        if _is_large(file):
            found = call_apart(read_whole, [str(file), only], f"The table {file}", _SECONDS)
            return cast("dict[str, list[list[str]]]", found)
        return _read(file, only)
    except (FileNotFoundError, MedrecogError):
        raise
    # openpyxl raises many kinds of errors for damaged files.
    except Exception as error:
        raise _damaged(file, error) from error


def read_whole(file: str, only: str) -> dict[str, list[list[str]]]:
    """Do the work of `read_sheets` whatever the size of the file, in a process of its own."""
    try:
        return _read(Path(file), only)
    except MedrecogError:
        raise
    except Exception as error:
        raise _damaged(Path(file), error) from error


def _read(file: Path, only: str) -> dict[str, list[list[str]]]:
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if only and only not in sheets:
            raise UsageError(
                f"The table {file} has no sheet “{only}”. Available: {', '.join(sheets)}."
            )
        found: dict[str, list[list[str]]] = {}
        n_cells = n_characters = 0
        for name in [only] if only else sheets:
            sheets[name].reset_dimensions()  # some programs write wrong ones
            rows: list[list[str]] = []
            for values in sheets[name].iter_rows(values_only=True):
                # The empty cells before a filled one count, because they are there now.
                n_cells += len(values)
                is_too_large = len(values) > _MOST_COLUMNS or n_cells > MOST_CELLS
                if is_too_large or len(rows) == _MOST_ROWS or n_characters > _MOST_CHARACTERS:
                    raise _too_large(file, name)
                rows.append(_row(values))
                n_characters += sum(map(len, rows[-1]))
            while rows and not rows[-1]:
                rows.pop()
            found[name] = rows
    finally:
        book.close()
    return found


def _damaged(file: Path, error: Exception) -> MedrecogError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return MedrecogError(
        f"The table {file} cannot be read as an Excel file ({reason}). Save it as .xlsx or CSV."
    )


def _is_large(file: Path) -> bool:
    """Reject a book that would take too much memory or time, before any of it is parsed."""
    # The file is a zip, some parts of which are read into memory.
    with zipfile.ZipFile(file) as book:
        sizes = {part.filename: part.file_size for part in book.infolist()}
        n_bytes = sum(sizes.values())
        at_once = sum(n for part, n in sizes.items() if part in _READ_AT_ONCE)
        for n, most in ((n_bytes, _MOST_BYTES), (at_once, _MOST_BYTES_AT_ONCE)):
            if n > most:
                raise MedrecogError(
                    f"The table {file} has {n / 2**20:,.0f} MB when uncompressed, more than the "
                    f"{most // 2**20} allowed. Save the sheet as CSV."
                )
        n_tags = 0
        for part in sizes:
            if part.endswith(".xml"):
                with book.open(part) as opened:
                    n_tags += _count_tags(file, part.removeprefix(_SHEETS), opened)
                if n_tags > _MOST_TAGS:
                    raise _too_large(file, part)
    return n_tags > _FEW_TAGS or n_bytes > _FEW_BYTES


def _count_tags(file: Path, name: str, sheet: IO[bytes]) -> int:
    """Count the tags of an XML file; rows count even if they are empty."""
    n_rows = n_tags = 0
    before = b""
    while piece := sheet.read(2**20):
        text = before + piece
        n_rows += text.count(b"<row") + text.count(b":row")
        n_tags += piece.count(b"<")
        # With a prefix, the end of a row counts too.
        if n_rows > 2 * _MOST_ROWS or n_tags > _MOST_TAGS:
            raise _too_large(file, name)
        before = text[-3:]
    return n_tags


def _too_large(file: Path, name: str) -> MedrecogError:
    return MedrecogError(
        f"The sheet “{name}” of {file} is larger than the {_MOST_ROWS:,} rows, {_MOST_COLUMNS:,} "
        f"columns or {MOST_CELLS:,} cells allowed. Delete what is not needed, or save it as CSV."
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
