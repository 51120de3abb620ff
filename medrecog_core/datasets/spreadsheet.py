"""The first sheet of an Excel file as text."""

import datetime
import zipfile
from pathlib import Path

from medrecog_core.errors import MedrecogError

SUFFIXES = frozenset({".xlsx"})
FORMULA_ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!"}
)
"""What a cell holds whose formula cannot be computed (ECMA-376, part 1, section 18.17.2.7)."""

_MOST_BYTES = 500 * 2**20


def read_first_sheet(file: Path) -> list[list[str]]:
    """Return the rows of the first sheet, every cell as text; of formulas, the last values.

    Whole numbers have no decimal point, dates are in ISO 8601, and empty rows at the end are left
    out, so that the position of a row is its number in the sheet.

    Raises
    ------
    MedrecogError
        If the file is no Excel file of the kind `.xlsx`, or holds too much.
    """
    import openpyxl

    try:
        # The file is a zip, whose parts are read into memory.
        with zipfile.ZipFile(file) as parts:
            n_bytes = sum(part.file_size for part in parts.infolist())
        if n_bytes > _MOST_BYTES:
            raise MedrecogError(
                f"The table {file} has {n_bytes / 2**20:,.0f} MB when unpacked, more than the "
                f"{_MOST_BYTES // 2**20} allowed: save the sheet as CSV."
            )
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some programs write them wrongly
            rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        finally:
            book.close()
    except (FileNotFoundError, MedrecogError):
        raise
    # Damaged files make openpyxl fail in many ways.
    except Exception as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise MedrecogError(
            f"The table {file} cannot be read as Excel file ({reason}): save it as .xlsx or CSV."
        ) from error
    while rows and not any(rows[-1]):
        rows.pop()
    return rows


def cell_name(column: int, row: int) -> str:
    """Return a cell's name, such as `C7`, of its column counted from 0 and row counted from 1."""
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
