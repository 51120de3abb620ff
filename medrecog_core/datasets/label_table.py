"""Data sets whose labels stand in a table: image, label, and perhaps group and split."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.datasets.dataset import ImageRecord, LeftOut
from medrecog_core.datasets.files import files_below, shown
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.images import SUFFIXES

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


@dataclass(frozen=True)
class Columns:
    """Names of a table's columns; group and split may be empty."""

    image: str
    label: str
    group: str = ""
    split: str = ""


def read_rows(table: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Read a CSV file (or TSV, by its ending), UTF-8, with a header.

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
    delimiter = "\t" if table.suffix.lower() in (".tsv", ".tab") else ","
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            # Strict, because a quote that is never closed would swallow the rows after it.
            reader = csv.DictReader(file, delimiter=delimiter, restval="", strict=True)
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = [{k: v.strip() for k, v in row.items() if k is not None} for row in reader]
    except FileNotFoundError:
        raise MedrecogError(f"There is no table {table}: give the path of a CSV file.") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise MedrecogError(
            f"The table {table} cannot be read as UTF-8 CSV ({reason}): save it as such."
        ) from error
    if not header or not rows:
        raise MedrecogError(f"The table {table} is empty: it needs a header and a row an image.")
    # Spreadsheets write nameless columns, often several, for cells that were once used.
    repeated = [name for name in header if name and header.count(name) > 1]
    if repeated:
        raise MedrecogError(f"The table {table} has two columns “{repeated[0]}”: rename one.")
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
        If no row has an image, or a split is not train, test or val.
    """
    if not root.is_dir():
        raise MedrecogError(f"There is no folder {root}: give the folder that holds the images.")
    paths_of = _paths_by_name(root)
    every_path = {path for paths in paths_of.values() for path in paths}
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
    return sorted(images, key=lambda image: image.path), left_out, f"labels from {table.name}"


def _paths_by_name(root: Path) -> dict[str, list[str]]:
    """Map a path below the root, a file name and a file name without ending to the paths."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files_below(root):
        if file.suffix.lower() in SUFFIXES:
            path = file.relative_to(root).as_posix()
            for key in (path, path.rsplit(".", 1)[0], file.name, file.stem):
                found[key].add(path)
    return {key: sorted(paths) for key, paths in found.items()}
