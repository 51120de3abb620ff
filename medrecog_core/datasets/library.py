"""The data sets that this installation knows: the demo, and those added from disk."""

import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.datasets import demo_folder
from medrecog_core.datasets.class_folders import read_class_folders
from medrecog_core.datasets.dataset import Dataset, ImageRecord, LeftOut, check_name
from medrecog_core.datasets.label_table import (
    Columns,
    choose_columns,
    read_label_table,
    read_rows,
)
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.locations import cache_folder, unwritable

_FILE = "dataset.json"


def names() -> list[str]:
    """Return the names of all data sets, the demo first."""
    saved = sorted(file.parent.name for file in cache_folder().datasets.glob(f"*/{_FILE}"))
    return [demo_folder.NAME, *saved]


def load(name: str, report: Callable[[int, int], None] = lambda done, total: None) -> Dataset:
    """Return the data set of that name.

    Parameters
    ----------
    name
        One of `names()`.
    report
        Called with (done, total) while the demo's pictures are drawn for the first time.

    Raises
    ------
    MedrecogError
        If there is none. A folder of images that is gone shows when they are read.
    StorageError
        If its description is damaged.
    """
    if name == demo_folder.NAME:
        return demo_folder.load(report)
    check_name(name)
    folder = cache_folder().datasets / name
    try:
        document = atomic_file.read_json(folder / _FILE)
    except FileNotFoundError:
        raise MedrecogError(
            f"There is no data set “{name}”: there are {', '.join(names())}."
        ) from None
    try:
        return Dataset(
            name,
            folder / document["root"],
            tuple(ImageRecord(*fields) for fields in document["images"]),
            document["layout"],
            document.get("synthetic", False),
            left_out=tuple(LeftOut(**fields) for fields in document["left_out"]),
        )
    except (AttributeError, KeyError, TypeError, MedrecogError) as error:
        raise StorageError(
            f"The description of the data set “{name}” in {folder} is damaged: "
            "remove it and add it again."
        ) from error


def read_folder(name: str, root: Path) -> Dataset:
    """Return the data set that a folder of class folders holds, without keeping it.

    Raises
    ------
    MedrecogError
        If it holds none.
    """
    root = resolved(root)
    images, left_out, layout = read_class_folders(root)
    return Dataset(name, root, tuple(images), layout, left_out=tuple(left_out))


def read_table(
    name: str,
    root: Path,
    table: Path,
    image: str | None = None,
    label: str | None = None,
    group: str | None = None,
    split: str | None = None,
) -> Dataset:
    """Return the data set that a folder of images and a table of labels hold, without keeping it.

    Columns that are not named are guessed; an empty name leaves group or split out.

    Raises
    ------
    MedrecogError
        If they hold none, or the table cannot be read or has not the named columns.
    """
    root, table = resolved(root), resolved(table)
    header, rows = read_rows(table)
    columns: Columns = choose_columns(header, table, image, label, group, split)
    images, left_out, layout = read_label_table(root, table, rows, columns)
    return Dataset(name, root, tuple(images), layout, left_out=tuple(left_out))


def save(dataset: Dataset) -> None:
    """Keep a data set's description; its images stay where they are.

    Raises
    ------
    UsageError
        If there is a data set of that name.
    StorageError
        If the description cannot be written.
    """
    if dataset.name in names():
        raise UsageError(f"There is a data set “{dataset.name}” already: choose another name.")
    atomic_file.write_json(
        cache_folder().datasets / dataset.name / _FILE,
        {
            "name": dataset.name,
            "root": _kept_root(dataset),
            "layout": dataset.layout,
            "synthetic": dataset.synthetic,
            "images": [[i.path, i.label, i.split, i.group] for i in dataset.images],
            "left_out": [asdict(entry) for entry in dataset.left_out],
        },
    )


def remove(name: str) -> None:
    """Forget a data set; its images stay where they are, but those that were unpacked for it.

    Raises
    ------
    MedrecogError
        If there is none of that name, or it is the demo.
    StorageError
        If its description cannot be deleted.
    """
    if name == demo_folder.NAME:
        raise UsageError("The demo data set belongs to the program and cannot be removed.")
    if check_name(name) not in names():
        raise MedrecogError(f"There is no data set “{name}”: there are {', '.join(names())}.")
    folder = cache_folder().datasets / name
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error


def _kept_root(dataset: Dataset) -> str:
    """Return the root, relative where it lies in the cache folder, which can be copied."""
    folder = cache_folder().datasets / dataset.name
    root = dataset.root
    return str(root.relative_to(folder) if root.is_relative_to(folder) else root)


def resolved(path: Path) -> Path:
    """Return the absolute path, refusing what people can type and no file can be called.

    Raises
    ------
    MedrecogError
        If it is no path that can be looked at.
    """
    try:
        resolved = path.expanduser().resolve()
        resolved.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MedrecogError(f"{path} cannot be read ({reason}): check the path.") from error
    return resolved
