"""The data sets that this installation knows: the demo, and those added from disk."""

import contextlib
import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from pathlib import Path

from medrecog_core.datasets import demo_folder
from medrecog_core.datasets.class_folders import read_class_folders
from medrecog_core.datasets.dataset import CHOSEN, Dataset, Exclusion, check_name
from medrecog_core.datasets.file_changes import FileChange, find_changes, refreshed
from medrecog_core.datasets.file_state import HashReport, with_states
from medrecog_core.datasets.file_state import ignore as ignore_hashing
from medrecog_core.datasets.label_table import (
    Columns,
    choose_columns,
    read_label_table,
    read_rows,
)
from medrecog_core.datasets.manifest import (
    EXCLUSIONS,
    MANIFEST,
    excluding_as_written,
    read_dataset,
    write_exclusions,
    write_manifest,
)
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.mode import check_may_change, is_viewer

Report = Callable[[int, int], None]

IMAGES = "images"
"""Folder of a data set whose images lie in the cache folder."""


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""


def names() -> list[str]:
    """Return the names of all data sets, the demo first.

    A read-only view, which cannot draw the demo, has it only where it is there already.
    """
    saved = sorted(file.parent.name for file in cache_folder().datasets.glob(f"*/{MANIFEST}"))
    if demo_folder.NAME not in saved and is_viewer() and not demo_folder.is_drawn():
        return saved
    return [demo_folder.NAME, *(name for name in saved if name != demo_folder.NAME)]


def folder_of(name: str) -> Path:
    """Return the folder that holds what is known of a data set."""
    return cache_folder().datasets / name


def root_of(name: str) -> Path:
    """Return the folder that a data set's images lie under, or would if they were here."""
    try:
        return read_dataset(folder_of(name), name).root
    except (FileNotFoundError, MedrecogError):
        return folder_of(name) / IMAGES


def version(name: str) -> tuple[int, ...]:
    """Return numbers that change whenever a data set or its exclusions are written."""
    return tuple(_modified(folder_of(name) / file) for file in (MANIFEST, EXCLUSIONS))


def load(name: str, report: Report = _ignore) -> Dataset:
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
        return _load_demo(report)
    return _kept(check_name(name))


def _kept(name: str) -> Dataset:
    try:
        return read_dataset(folder_of(name), name)
    except FileNotFoundError:
        raise MedrecogError(_unknown(name)) from None


def _load_demo(report: Report) -> Dataset:
    folder = folder_of(demo_folder.NAME)
    if is_viewer() and not demo_folder.is_drawn():
        # Of a bundle without its images: the description alone.
        return _kept(demo_folder.NAME)
    drawn = demo_folder.load(report)
    with contextlib.suppress(FileNotFoundError, StorageError):
        kept = read_dataset(folder, demo_folder.NAME)
        if [replace(image, file=None) for image in kept.every_image] == list(drawn.images):
            return kept
    looked_at = with_states(drawn)
    # A full or read-only disk costs the demo a second look at its files, no more.
    with contextlib.suppress(StorageError):
        write_manifest(folder, looked_at)
    return excluding_as_written(folder, looked_at)


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


def save(dataset: Dataset, report: HashReport = ignore_hashing) -> Dataset:
    """Keep a data set's manifest; its images stay where they are.

    Parameters
    ----------
    dataset
        The data set.
    report
        Is told how far hashing the files is.

    Returns
    -------
    Dataset
        The data set as it is kept: every image with the state of its file.

    Raises
    ------
    UsageError
        If there is a data set of that name.
    StorageError
        If the manifest cannot be written.
    """
    check_may_change("add a data set")
    if dataset.name in names():
        raise UsageError(f"There is a data set “{dataset.name}” already: choose another name.")
    kept = with_states(dataset, report)
    write_manifest(folder_of(dataset.name), kept)
    if kept.excluded:
        write_exclusions(folder_of(dataset.name), kept)
    return kept


def complete(name: str, report: Report = _ignore) -> Dataset:
    """Return a data set after looking at the files that have not been looked at yet.

    Only data sets that earlier versions added have such files, and those whose files were not
    there.

    Raises
    ------
    MedrecogError
        If there is no such data set.
    StorageError
        If it is damaged or cannot be written.
    """
    dataset = load(name)
    completed = with_states(dataset, lambda done, total, _: report(done, total))
    if completed != dataset:
        write_manifest(folder_of(name), completed)
    return completed


def refresh(name: str, report: Report = _ignore) -> tuple[Dataset, tuple[FileChange, ...]]:
    """Take in what the files of a data set are now; see `refreshed`.

    Returns
    -------
    dataset
        As it is kept from now on, with another fingerprint where something was different.
    changes
        What was different.

    Raises
    ------
    MedrecogError
        If there is no such data set, its folder is gone, or it would be left with fewer than two
        classes.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change("change a data set")
    dataset = complete(name)
    changes = find_changes(dataset, report)
    if not changes:
        return dataset, ()
    now = refreshed(dataset, changes)
    # The exclusions first: where the second write fails, they only name paths that are not known.
    if now.excluded != dataset.excluded:
        write_exclusions(folder_of(name), now)
    write_manifest(folder_of(name), now)
    return now, changes


def exclude(name: str, paths: Collection[str], finding: str = CHOSEN, reason: str = "") -> Dataset:
    """Leave images out of all that follows; `include` takes it back.

    Parameters
    ----------
    name
        The data set.
    paths
        The images; those that are excluded already stay so for the reason they have.
    finding
        Kind of the finding they are excluded for.
    reason
        In words.

    Returns
    -------
    Dataset
        As it is kept from now on, with another fingerprint.

    Raises
    ------
    UsageError
        If the data set has no such image.
    MedrecogError
        If it would be left with images of fewer than two classes.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change("exclude images")
    dataset = load(name)
    image_of = {image.path: image for image in dataset.images}
    known = {image.path for image in dataset.every_image}
    _check_known(name, paths, known)
    added = [Exclusion(image_of[p], finding, reason) for p in paths if p in image_of]
    now = dataset.excluding((*dataset.excluded, *added))
    write_exclusions(folder_of(name), now)
    return now


def include(name: str, paths: Collection[str]) -> Dataset:
    """Use images again that were excluded.

    Raises
    ------
    UsageError
        If the data set has no such image.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change("use excluded images again")
    dataset = load(name)
    _check_known(name, paths, {image.path for image in dataset.every_image})
    taken_back = set(paths)
    now = dataset.excluding(e for e in dataset.excluded if e.image.path not in taken_back)
    write_exclusions(folder_of(name), now)
    return now


def remove(name: str) -> None:
    """Forget a data set; its images stay where they are, but those that were unpacked for it.

    Raises
    ------
    MedrecogError
        If there is none of that name, or it is the demo.
    StorageError
        If its description cannot be deleted.
    """
    check_may_change("remove a data set")
    if name == demo_folder.NAME:
        raise UsageError("The demo data set belongs to the program and cannot be removed.")
    if check_name(name) not in names():
        raise MedrecogError(_unknown(name))
    folder = folder_of(name)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error


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


def _unknown(name: str) -> str:
    return f"There is no data set “{name}”: there are {', '.join(names()) or 'none yet'}."


def _check_known(name: str, paths: Iterable[str], known: set[str]) -> None:
    for path in paths:
        if path not in known:
            raise UsageError(
                f"The data set “{name}” has no image “{path}”: give its path below the data "
                "set's folder, as “datasets check” shows it."
            )


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
