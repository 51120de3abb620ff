"""Data sets whose labels stand in a table: image, label, and perhaps group and split."""

import csv
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from medrecog_core.datasets import spreadsheet
from medrecog_core.datasets.dataset import ImageRecord, LeftOut
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import is_image_file

SUFFIXES = frozenset({".csv", ".tsv", ".tab"}) | spreadsheet.SUFFIXES

_OTHER_SPREADSHEETS = (".xls", ".xlsm", ".xlsb", ".ods", ".numbers")
_USUAL_NAMES = {
    "image": ("image", "image_id", "filename", "file_name", "file", "path", "image_path", "name"),
    "label": ("label", "class", "dx", "diagnosis", "target", "category", "finding"),
    "group": ("group", "lesion_id", "patient_id", "patient", "lesion", "subject"),
    "split": ("split", "set", "subset", "partition"),
}
_SPLIT_WORDS = {
    "": "",
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns; group and split may be empty."""

    image: str
    label: str
    group: str = ""
    split: str = ""


def read_rows(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read a table with a header: CSV or TSV in UTF-8, or the first sheet of an Excel file.

    Which it is, its ending says.

    Returns
    -------
    header
        Names of the columns.
    rows
        A dictionary a row, every value as it is written but for spaces around it.

    Raises
    ------
    MedrecogError
        If the table cannot be read, is empty, or has two columns of one name.
    """
    suffix = table.suffix.lower()
    if suffix in _OTHER_SPREADSHEETS:
        raise MedrecogError(f"The table {table} cannot be read: save it as .xlsx or CSV.")
    try:
        if suffix in spreadsheet.SUFFIXES:
            header, rows = _with_header(spreadsheet.read_first_sheet(table))
        else:
            header, rows = _read_text(table, "\t" if suffix in (".tsv", ".tab") else ",")
    except FileNotFoundError:
        raise MedrecogError(f"There is no table {table}: give the path of a CSV file.") from None
    if not header or not rows:
        raise MedrecogError(f"The table {table} is empty: it needs a header and a row an image.")
    # Spreadsheets write nameless columns, often several, for cells that were once used.
    repeated = [name for name in header if name and header.count(name) > 1]
    if repeated:
        raise MedrecogError(f"The table {table} has two columns “{repeated[0]}”: rename one.")
    return header, rows


def _read_text(table: Path, delimiter: str) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            # Strict, because a quote that is never closed would swallow the rows after it.
            reader = csv.DictReader(file, delimiter=delimiter, restval="", strict=True)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = [{k: v.strip() for k, v in row.items() if k is not None} for row in reader]
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise MedrecogError(
            f"The table {table} cannot be read as UTF-8 CSV ({reason}): save it as such."
        ) from error
    return header, rows


def _with_header(cells: list[list[str]]) -> tuple[list[str], list[dict[str, str]]]:
    header = [name.strip() for name in cells[0]] if cells else []
    while header and not header[-1]:
        header.pop()
    rows = [dict(zip_longest(header, row[: len(header)], fillvalue="")) for row in cells[1:]]
    return header, rows


def guess_columns(header: list[str]) -> dict[str, str]:
    """Return the column that each of image, label, group and split probably is, or empty."""
    by_lower = {name.lower(): name for name in header}
    return {
        part: next((by_lower[name] for name in names if name in by_lower), "")
        for part, names in _USUAL_NAMES.items()
    }


def choose_columns(
    header: list[str],
    table: Path,
    image: str | None = None,
    label: str | None = None,
    group: str | None = None,
    split: str | None = None,
) -> Columns:
    """Return the columns as named, the others guessed from usual names.

    Raises
    ------
    UsageError
        If a named column is not in the table, or the image or label column cannot be guessed.
    """
    named = {"image": image, "label": label, "group": group, "split": split}
    columns = guess_columns([name for name in header if name not in named.values()])
    for part, name in named.items():
        if name and name not in header:
            raise UsageError(
                f"The table {table} has no column “{name}”: it has {', '.join(header)}."
            )
        if name is not None:
            columns[part] = name
    for part in ("image", "label"):
        if not columns[part]:
            raise UsageError(
                f"Which column of {table} is the {part}? Name it with --{part}-column; "
                f"the table has {', '.join(header)}."
            )
    return Columns(**columns)


def read_label_table(
    root: Path, table: Path, rows: list[dict[str, str]], columns: Columns
) -> tuple[list[ImageRecord], list[LeftOut], str]:
    """Match a table's rows with the image files below a folder.

    A row names its image by its path below the folder, by its file name, or by its file name
    without the ending, as HAM10000's table does.

    Returns
    -------
    images
        Sorted by path.
    left_out
        Rows without an image or label, and images without a row.
    layout
        In words, what was read.

    Raises
    ------
    MedrecogError
        If no row has an image, a split is not train, test or val, a cell that is needed holds the
        error of a formula, or one number is written in two ways as a label.
    """
    if not root.is_dir():
        raise MedrecogError(f"There is no folder {root}: give the folder that holds the images.")
    paths_of = _paths_by_name(root)
    every_path = {path for paths in paths_of.values() for path in paths}
    _check_formulas(table, rows, columns)
    images: list[ImageRecord] = []
    left_out: list[LeftOut] = []
    mentioned: set[str] = set()
    used: set[str] = set()
    for number, row in enumerate(rows, start=2):
        named = row[columns.image].replace("\\", "/").removeprefix("./")
        paths = [named] if named in every_path else paths_of.get(named, [])
        mentioned.update(paths)
        reason = ""
        if not paths:
            reason = "its image is not in the folder"
        elif len(paths) > 1:
            reason = f"{len(paths)} files bear that name; give the path"
        elif paths[0] in used:
            reason = "an earlier row has the same image"
        elif not row[columns.label]:
            reason = "its label is empty"
        elif paths[0] != shown(paths[0]):
            reason = "the name of its file or folder is not UTF-8; rename it"
        if reason:
            left_out.append(LeftOut(f"row {number}: {named or '(no image)'}", reason))
            continue
        used.add(paths[0])
        split = row.get(columns.split, "") if columns.split else ""
        if split.lower() not in _SPLIT_WORDS:
            raise MedrecogError(
                f"Row {number} of {table} has the split “{split}”: use train, test or val."
            )
        group = row.get(columns.group, "") if columns.group else ""
        images.append(ImageRecord(paths[0], row[columns.label], _SPLIT_WORDS[split.lower()], group))
    if not images:
        raise MedrecogError(
            f"No row of {table} has both its image below {root} and a label: check the folder and "
            f"the columns “{columns.image}” and “{columns.label}” "
            f"({left_out[0].path}: {left_out[0].reason})."
        )
    unnamed = sorted(every_path - mentioned)
    left_out += [LeftOut(shown(path), "no row of the table") for path in unnamed]
    layout = f"labels from {table.name}" + _remark_on_numbers(table, images)
    return sorted(images, key=lambda image: image.path), left_out, layout


def _check_formulas(table: Path, rows: list[dict[str, str]], columns: Columns) -> None:
    used = [name for name in (columns.image, columns.label, columns.group, columns.split) if name]
    header = list(rows[0])
    for number, row in enumerate(rows, start=2):
        for name in used:
            if row[name] in spreadsheet.FORMULA_ERRORS:
                cell = spreadsheet.cell_name(header.index(name), number)
                raise MedrecogError(
                    f"The cell {cell} of {table} (column “{name}”) holds {row[name]}, the error "
                    "of a formula: mend it, or put the value in its place."
                )


def _remark_on_numbers(table: Path, images: list[ImageRecord]) -> str:
    """Return what is to be said where labels are numbers, which are taken as they are written."""
    labels = {image.label for image in images}
    numbers = sorted(label for label in labels if _NUMBER.fullmatch(label))
    ways = Counter(float(label) for label in numbers)
    for label in numbers:
        if ways[float(label)] > 1:
            alike = [other for other in numbers if float(other) == float(label)]
            raise MedrecogError(
                f"{table} writes one label in two ways, “{alike[0]}” and “{alike[1]}”: "
                "write it in one."
            )
    if not numbers:
        return ""
    shown_numbers = ", ".join(f"“{label}”" for label in numbers[:3])
    return f"; labels that are numbers are taken as text ({shown_numbers})"


def _paths_by_name(root: Path) -> dict[str, list[str]]:
    """Map a path below the root, a file name and a file name without ending to the paths."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files_below(root):
        if is_image_file(file):
            path = file.relative_to(root).as_posix()
            for key in (path, path.rsplit(".", 1)[0], file.name, file.stem):
                found[key].add(path)
    return {key: sorted(paths) for key, paths in found.items()}
