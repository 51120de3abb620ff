"""A table in whatever separators, encoding and form people keep it."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from medrecog_core.csv_text import without_mark
from medrecog_core.datasets.dataset import DatasetWarning, LeftOut
from medrecog_core.datasets.intake import spreadsheet
from medrecog_core.datasets.intake.columns import is_usual
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import SUFFIXES as IMAGE_SUFFIXES
from medrecog_core.regular_file import check_regular, read_regular
from medrecog_core.wording import counted

SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"}) | spreadsheet.SUFFIXES
"""Endings of files that may be tables."""

SPACES = " "
"""Separator of cells between which any number of spaces and tabs may lie."""

NamesImage = Callable[[str], bool]
"""Whether the text of a cell names an image that exists."""

_OTHER_SPREADSHEETS = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_SEPARATORS = (",", ";", "\t", "|", SPACES)
_NAMES_OF_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars", SPACES: "spaces"}
_HINT = re.compile(r'"?sep=(.)"?')
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MOST_BYTES = 500 * 2**20
_MOST_COLUMNS = 100_000
_SAMPLE = 200
_MOST_PREAMBLE = 10
_PREAMBLE_SAMPLE = 2**14
"""Lines, and characters, in which a title and remarks before a table are looked for."""
_LEAST_FIT = 0.6
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


def no_image(cell: str) -> bool:
    """Return false, when it is not known which images there are."""
    return False


@dataclass(frozen=True)
class Table:
    """The cells of a table, without spaces around them.

    Attributes
    ----------
    path
        Its file.
    header
        Names of its columns; those without a name are called `column 1` and so on.
    rows
        A list of cells a row, each as long as the header; empty rows are dropped.
    numbers
        The number of each row in the table, where the first row, header or not, is 1.
    has_header
        Whether its first row names the columns.
    is_sheet
        Whether it is the sheet of an Excel file, whose cells have names such as C7.
    remarks
        In words, how it was read, where that is not as usual.
    warnings
        What was decided.
    left_out
        Rows that cannot be read.
    """

    path: Path
    header: tuple[str, ...]
    rows: list[list[str]]
    numbers: list[int]
    has_header: bool = True
    is_sheet: bool = False
    remarks: tuple[str, ...] = ()
    warnings: tuple[DatasetWarning, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    _position: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        positions: dict[str, int] = {}
        for position, name in enumerate(self.header):
            positions.setdefault(name, position)
        object.__setattr__(self, "_position", positions)

    @property
    def name(self) -> str:
        """The name of its file."""
        return self.path.name

    @cached_property
    def repeated(self) -> frozenset[str]:
        """Names that more than one column has."""
        return frozenset(name for name, n in Counter(self.header).items() if n > 1)

    def position(self, column: str) -> int:
        """Return the position of a column, from 0."""
        return self._position[column]

    def values(self, column: str) -> list[str]:
        """Return a column's cells."""
        position = self.position(column)
        return [row[position] for row in self.rows]

    def find(self, column: str) -> str:
        """Return the name of a column that was given by name or number, from 1.

        Raises
        ------
        UsageError
            If there is no such column, or there are two.
        """
        if column in self.repeated:
            raise UsageError(
                f"The table {self.path} has two columns “{column}”. Rename one, or give the "
                "column's number."
            )
        if column in self._position:
            return column
        if column.isdecimal() and 1 <= int(column) <= len(self.header):
            name = self.header[int(column) - 1]
            if name not in self.repeated:
                return name
        alike = [name for name in self.header if name.casefold() == column.casefold()]
        if len(alike) == 1:
            return alike[0]
        raise UsageError(
            f"The table {self.path} has no column “{column}”. Available: {_listed(self.header)}."
        )


def read_table(
    path: Path, decisions: Decisions = BY_EVIDENCE, names_image: NamesImage = no_image
) -> Table:
    """Read a table: text with any usual separator and encoding, or a sheet of an Excel file.

    Parameters
    ----------
    path
        The file.
    decisions
        Encoding, sheet and header where they are given; else they are found by evidence.
    names_image
        Evidence: cells that name an image are no names of columns, and not cut in two.

    Raises
    ------
    UsageError
        If the encoding is unknown, or there is no sheet of the given name.
    MedrecogError
        If the table cannot be read, is empty or too large.
    """
    suffix = path.suffix.lower()
    if suffix in _OTHER_SPREADSHEETS:
        raise MedrecogError(f"The table {path} cannot be read. Save it as .xlsx or CSV.")
    remarks: list[str] = []
    warnings: list[DatasetWarning] = []
    try:
        check_regular(path)
        if suffix in spreadsheet.SUFFIXES:
            cells = _read_sheet(path, decisions, names_image, remarks, warnings)
        else:
            cells = _read_text(path, decisions, names_image, remarks, warnings)
    except FileNotFoundError:
        raise MedrecogError(
            f"The table {path} does not exist. Give the path of a CSV or Excel file."
        ) from None
    except OSError as error:
        reason = error.strerror or error
        raise MedrecogError(f"The table {path} cannot be read ({reason}).") from error
    return _table(path, cells, decisions, names_image, remarks, warnings)


def _listed(names: Sequence[str], most: int = 20) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


# --- Text ---------------------------------------------------------------------------------------


def _read_text(
    path: Path,
    decisions: Decisions,
    names_image: NamesImage,
    remarks: list[str],
    warnings: list[DatasetWarning],
) -> list[list[str]]:
    n_bytes = path.stat().st_size
    if n_bytes > _MOST_BYTES:
        raise MedrecogError(
            f"The table {path} has {n_bytes / 2**20:,.0f} MB, more than the {_MOST_BYTES // 2**20} "
            "allowed. Delete the rows and columns that are not needed."
        )
    content = read_regular(path)
    encoding = _encoding(path, content, decisions.encoding)
    text = content.decode(encoding or "cp1252", "strict" if encoding else _AS_LATIN_1)
    if encoding is None:
        warnings.append(_guessed_encoding(path, text))
    text, n_blanked = _without_preamble(text)
    if n_blanked:
        warnings.append(_about_preamble(path, n_blanked))
    skipped, separator = _separator(path, text, names_image)
    rows: list[list[str]] = [[]] * skipped
    n_cells = 0
    reader = _reader(text, separator)
    for _ in range(skipped):
        next(reader)
    try:
        for row in reader:
            rows.append([without_mark(cell.strip()) for cell in row])
            n_cells += len(row)
            if n_cells > spreadsheet.MOST_CELLS:
                raise MedrecogError(
                    f"The table {path} has more than the {spreadsheet.MOST_CELLS:,} cells allowed. "
                    "Delete the columns that are not needed."
                )
    except csv.Error as error:
        raise MedrecogError(
            f"The table {path} cannot be read ({error} after row {len(rows):,}). "
            "Check its quotation marks."
        ) from error
    if separator in _NAMES_OF_SEPARATORS:
        remarks.append(f"separated by {_NAMES_OF_SEPARATORS[separator]}")
    return rows


def _without_preamble(text: str) -> tuple[str, int]:
    """Blank the lines before the table, such as a title and remarks, and return how many.

    They have no separators, or begin with `#`, and every line after them has one as often as the
    first of these, which has the usual name of a column.
    """
    lines = text[:_PREAMBLE_SAMPLE].splitlines(keepends=True)[: 2 * _MOST_PREAMBLE]
    for n in range(1, min(_MOST_PREAMBLE, len(lines) - 1)):
        after = [line for line in lines[n : n + _MOST_PREAMBLE] if line.strip()]
        if not lines[n].strip() or lines[n].startswith("#"):
            continue
        if any('"' in line for line in after):
            continue  # a separator in a quoted cell does not count
        is_before = all(
            (line.startswith("#") and not _names_columns(line.lstrip("#"), ","))
            or not any(separator in line for separator in _SEPARATORS[:-1])
            for line in lines[:n]
        )
        for separator in _SEPARATORS[:-1]:
            counts = {line.count(separator) for line in after}
            n_cells = min(counts, default=0)
            is_table = n_cells and len(after) > 1 and len(counts) == 1
            if is_table and _has_more_words([*lines[:n], *after], separator, n_cells + 1):
                continue  # a table separated by spaces, with this separator in its cells
            if is_table and _names_columns(lines[n], separator) and is_before:
                return "\n" * n + text[sum(map(len, lines[:n])) :], n
    return text, 0


def _has_more_words(lines: Sequence[str], separator: str, n_cells: int) -> bool:
    """Whether spaces cut every line in equally many words, more than its cells."""
    if separator == "\t" or any(line.startswith("#") or f"{separator} " in line for line in lines):
        return False
    n_words = {len(line.split()) for line in lines if line.strip()}
    return len(n_words) == 1 and n_words.pop() > n_cells


def _names_columns(line: str, separator: str) -> bool:
    return any(is_usual(cell.strip().strip('"')) for cell in line.split(separator))


def _about_preamble(path: Path, n_rows: int) -> DatasetWarning:
    what = "first row" if n_rows == 1 else f"first {n_rows} rows"
    return DatasetWarning(
        "table-header",
        f"The {what} of {path.name} {'was' if n_rows == 1 else 'were'} skipped, because a table "
        f"begins in row {n_rows + 1}. Use --no-header if that row does not name the columns.",
        tuple(f"{path.name} row {number}" for number in range(1, n_rows + 1)),
    )


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    """Decode the five bytes that Windows-1252 does not define as its own control characters."""
    if not isinstance(error, UnicodeDecodeError):
        raise error  # the handler is for reading only
    return error.object[error.start : error.end].decode("latin-1"), error.end


_AS_LATIN_1 = "medrecog-latin-1"
codecs.register_error(_AS_LATIN_1, _as_latin_1)


def _encoding(path: Path, content: bytes, named: str) -> str | None:
    """Return the encoding by its byte order mark, by name or by evidence, None if unknown."""
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    if not marked and b"\0" in content[:4096]:
        marked = _wide_encoding(content[:4096])
    for encoding in filter(None, (marked, named or "utf-8")):
        try:
            content.decode(encoding)
        except LookupError as error:
            raise UsageError(
                f"Unknown encoding “{named}”. Use for example utf-8, cp1252 or gbk."
            ) from error
        except (UnicodeError, ValueError) as error:
            if encoding == named:
                raise MedrecogError(
                    f"The table {path} is not encoded as {named} ({error}). "
                    "Give its encoding with --encoding."
                ) from error
        else:
            return encoding
    return None


def _wide_encoding(content: bytes) -> str:
    """Return which UTF-16 a text without mark is in: of most letters one byte is 0."""
    even, odd = content[::2].count(0), content[1::2].count(0)
    if max(even, odd) < len(content) / 4:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _guessed_encoding(path: Path, text: str) -> DatasetWarning:
    examples = itertools.islice(dict.fromkeys(re.findall(r"\w*[^\x00-\x7f]\w*", text)), 3)
    return DatasetWarning(
        "table-encoding",
        f"{path.name} is not UTF-8 and was read as Windows-1252, for example "
        f"{', '.join(f'“{example}”' for example in examples)}. If that is wrong, give its encoding "
        "with --encoding.",
        (path.name,),
    )


def _reader(text: str, separator: str) -> Iterator[list[str]]:
    lines: Iterable[str] = io.StringIO(text, newline="")
    if separator == SPACES:
        lines = (line.replace("\t", " ").strip() + "\n" for line in lines)
    # Strict, because a quote that is never closed would swallow the rows after it.
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator == SPACES, strict=True)


@dataclass(frozen=True)
class _Fit:
    """How well a separator explains the first rows of a text."""

    separator: str
    width: int
    fit: float
    n_usual: int
    n_images: float
    failed: bool

    @property
    def is_wide(self) -> bool:
        return self.width > 1

    @property
    def rank(self) -> tuple[bool, float, bool, int, float]:
        least = 0.9 if self.separator == SPACES else _LEAST_FIT
        fits = not self.failed and self.fit >= least
        return (fits, round(self.n_images, 1), self.is_wide, self.n_usual, round(self.fit, 2))


def _separator(path: Path, text: str, names_image: NamesImage) -> tuple[int, str]:
    """Return how many rows are no part of the table, and the separator.

    The right separator cuts every row into as many cells as the first, which names columns or
    images; a wrong one hardly ever does.
    """
    hint = _HINT.fullmatch(text[:10].partition("\n")[0].strip("\r\ufeff"))
    if hint:
        return 1, hint[1]
    separators = list(_SEPARATORS)
    if path.suffix.lower() in (".tsv", ".tab"):
        separators.sort(key=lambda separator: separator != "\t")
    fits = [_fit(text, separator, names_image) for separator in separators]
    best = max(fits, key=lambda fit: fit.rank)
    if not best.is_wide:
        # Every text can be read as a single column, so wrong quotes must not lead to that.
        best = next((fit for fit in fits if fit.failed and fit.is_wide), best)
    return 0, best.separator


def _fit(text: str, separator: str, names_image: NamesImage) -> _Fit:
    rows: list[list[str]] = []
    failed = False
    try:
        for row in _reader(text, separator):
            if any(cell.strip() for cell in row):
                rows.append([cell.strip() for cell in row[:1000]])
            if len(rows) == _SAMPLE:
                break
    except csv.Error:
        failed = True
    if not rows:
        return _Fit(separator, 0, 0, 0, 0, failed)
    width = len(rows[0])
    fit = sum(1.0 if len(row) == width else 0.5 * (len(row) < width) for row in rows) / len(rows)
    n_images = sum(any(map(names_image, row[:50])) for row in rows) / len(rows)
    return _Fit(separator, width, fit, sum(map(is_usual, rows[0])), n_images, failed)


# --- Excel --------------------------------------------------------------------------------------


def _read_sheet(
    path: Path,
    decisions: Decisions,
    names_image: NamesImage,
    remarks: list[str],
    warnings: list[DatasetWarning],
) -> list[list[str]]:
    sheets = spreadsheet.read_sheets(path, decisions.sheet)
    filled = {name: rows for name, rows in sheets.items() if rows}
    if len(filled) < 2:
        return next(iter(filled.values()), [])
    matching = [
        name
        for name, rows in filled.items()
        if any(names_image(cell) for row in rows[:_SAMPLE] for cell in row)
    ]
    chosen = next(iter(matching or filled))
    remarks.append(f"its sheet “{chosen}”")
    if len(matching) != 1:
        others = _listed([name for name in filled if name != chosen])
        warnings.append(
            DatasetWarning(
                "table-sheet",
                f"{path.name} has {counted(len(filled), 'sheet')}; “{chosen}” was read. "
                f"Use --sheet for another: {others}.",
                (path.name,),
            )
        )
    return filled[chosen]


# --- Header and rows ----------------------------------------------------------------------------


def _table(
    path: Path,
    cells: list[list[str]],
    decisions: Decisions,
    names_image: NamesImage,
    remarks: list[str],
    warnings: list[DatasetWarning],
) -> Table:
    numbers = [number for number, row in enumerate(cells, start=1) if any(row)]
    rows = [cells[number - 1] for number in numbers]
    is_sheet = path.suffix.lower() in spreadsheet.SUFFIXES
    n_before = _title_rows(rows) if is_sheet else 0
    if n_before:
        warnings.append(_about_preamble(path, numbers[n_before] - 1))
        rows, numbers = rows[n_before:], numbers[n_before:]
    if not rows:
        raise MedrecogError(f"The table {path} is empty. It needs a row for each image.")
    if decisions.header is None:
        has_header, is_sure = _has_header(rows, names_image)
        if not has_header and not is_sure:
            warnings.append(
                DatasetWarning(
                    "table-header",
                    f"The first row of {path.name} looks like the others, so its columns are "
                    "called column 1, column 2, … Use --header if it names the columns.",
                    (f"{path.name} row {numbers[0]}",),
                )
            )
    else:
        has_header = decisions.header
    if has_header and len(rows) < 2:
        raise MedrecogError(
            f"The table {path} has only one row. It needs a row for each image; use --no-header "
            "if its first row does not name the columns."
        )
    if not has_header:
        remarks.append("without a header")
    width = len(rows[0]) if has_header else max(map(len, rows[:_SAMPLE]))
    names = rows[0] if has_header else []
    if has_header and width and not names[-1]:
        width = min(width, max(map(_n_filled, rows)))
    _check_size(path, width, len(rows) - has_header)
    header = tuple((names[i] if i < len(names) else "") or f"column {i + 1}" for i in range(width))
    left_out: list[LeftOut] = []
    kept: list[list[str]] = []
    kept_numbers: list[int] = []
    for row, number in zip(rows[has_header:], numbers[has_header:], strict=True):
        if len(row) > width and any(row[width:]):
            left_out.append(
                LeftOut(
                    f"{path.name} row {number}",
                    f"it has {len(row):,} cells, more than the {width:,} columns of the table",
                )
            )
            continue
        kept.append(row[:width] + [""] * (width - len(row)))
        kept_numbers.append(number)
    if left_out:
        warnings.append(
            DatasetWarning(
                "long-rows",
                f"{counted(len(left_out), 'row')} of {path.name} with more cells than columns "
                "were not used. Put cells that contain the separator in quotation marks.",
                tuple(entry.path for entry in left_out),
            )
        )
    if not kept:
        raise MedrecogError(
            f"Every row of the table {path} has more cells than its first row has columns. "
            "Check its separators."
        )
    return Table(
        path,
        header,
        kept,
        kept_numbers,
        has_header,
        is_sheet,
        tuple(remarks),
        tuple(warnings),
        tuple(left_out),
    )


def _title_rows(rows: list[list[str]]) -> int:
    """Return how many rows of one cell are before those of a table with several columns."""
    for n, row in enumerate(rows[:_MOST_PREAMBLE]):
        if sum(map(bool, row)) > 1:
            return n
    return 0


def _n_filled(row: Sequence[str]) -> int:
    """Return the length of a row without the empty cells at its end."""
    return next((n for n in range(len(row), 0, -1) if row[n - 1]), 0)


def _check_size(path: Path, width: int, n_rows: int) -> None:
    if width > _MOST_COLUMNS or width * n_rows > spreadsheet.MOST_CELLS:
        raise MedrecogError(
            f"The table {path} has {width:,} columns and {n_rows:,} rows, more than the "
            f"{_MOST_COLUMNS:,} columns or {spreadsheet.MOST_CELLS:,} cells allowed. Delete the "
            "columns that are not needed."
        )


def _has_header(rows: list[list[str]], names_image: NamesImage) -> tuple[bool, bool]:
    """Return whether the first row names the columns, and whether that is sure."""
    first, others = rows[0], rows[1 : _SAMPLE + 1]
    if any(map(is_usual, first)):
        return True, True
    if any(map(names_image, first)):
        return False, True
    if any(map(_is_file, first)):
        return False, False
    has_numbers = False
    for position, cell in enumerate(first[:1000]):
        below = [row[position] for row in others if len(row) > position and row[position]]
        if below and all(map(_NUMBER.fullmatch, below)):
            if not _NUMBER.fullmatch(cell):
                return True, True
            has_numbers = True
    return not has_numbers, False


def _is_file(cell: str) -> bool:
    return Path(cell).suffix.lower() in IMAGE_SUFFIXES
