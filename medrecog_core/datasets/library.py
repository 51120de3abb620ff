"""The data sets that this installation knows: the demo, and those added from disk."""

import contextlib
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.datasets import demo_folder
from medrecog_core.datasets.class_choice import CLASSES, read_choice, write_choice
from medrecog_core.datasets.dataset import CHOSEN, Dataset, Exclusion, check_name
from medrecog_core.datasets.file_changes import FileChange, find_changes, refreshed
from medrecog_core.datasets.file_state import HashReport, with_states
from medrecog_core.datasets.file_state import ignore as ignore_hashing
from medrecog_core.datasets.kept_exclusions import (
    REMOVED,
    kept_document,
    read_kept,
    with_kept,
)
from medrecog_core.datasets.manifest import (
    EXCLUSIONS,
    MANIFEST,
    excluding_as_written,
    read_dataset,
    read_imported,
    with_chosen_classes,
    write_exclusions,
    write_manifest,
)
from medrecog_core.datasets.moving import moved_to
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.kinds import DRAW_DEMO
from medrecog_core.jobs.progress import Stage, counting
from medrecog_core.jobs.work import Work, start_once
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.mode import check_may_change, is_viewer

Report = Callable[[int, int], None]

DRAWING = Stage("draw-demo", "Generating the demo images", "images")
HASHING = Stage("hash-files", "Reading files", "files")
COMPARING = Stage("compare-files", "Comparing files", "files")

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
    """Return numbers that change whenever a data set, its exclusions or its classes are written."""
    return tuple(_modified(folder_of(name) / file) for file in (MANIFEST, EXCLUSIONS, CLASSES))


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
    return with_chosen_classes(folder_of(check_name(name)), imported(name, report))


def imported(name: str, report: Report = _ignore) -> Dataset:
    """Return the data set of that name with the classes of its import, whatever was chosen since.

    Parameters and errors are those of `load`.
    """
    if name == demo_folder.NAME:
        return _load_demo(report)
    return _kept(check_name(name))


def _kept(name: str) -> Dataset:
    try:
        return read_imported(folder_of(name), name)
    except FileNotFoundError:
        raise MedrecogError(_unknown(name)) from None


def _load_demo(report: Report) -> Dataset:
    folder = folder_of(demo_folder.NAME)
    if is_viewer() and not demo_folder.is_drawn():
        # Of a bundle without its images: the description alone.
        return _kept(demo_folder.NAME)
    drawn = demo_folder.load(report)
    with contextlib.suppress(FileNotFoundError, StorageError):
        kept = read_imported(folder, demo_folder.NAME)
        if [replace(image, file=None) for image in kept.every_image] == list(drawn.images):
            return kept
    looked_at = with_states(drawn)
    # A full or read-only disk costs the demo a second look at its files, no more.
    with contextlib.suppress(StorageError):
        write_manifest(folder, looked_at)
    return excluding_as_written(folder, looked_at)


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
        The data set as it is kept: every image with the state of its file; and where a data set of
        that name was removed, with the exclusions and the choice of classes that it had, as far as
        images have the same content.

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
    folder = folder_of(dataset.name)
    kept, choice = with_kept(with_states(dataset, report), *read_kept(folder))
    # What is read with the manifest first: without one, there is no data set yet. An attempt that
    # failed may have left its own.
    for stale in (EXCLUSIONS, CLASSES):
        with contextlib.suppress(OSError):
            (folder / stale).unlink()
    if kept.excluded:
        write_exclusions(folder, kept)
    if not choice.is_empty:
        write_choice(folder, choice)
    write_manifest(folder, kept)
    with contextlib.suppress(OSError):
        (folder / REMOVED).unlink()
    return choice.applied(kept)


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
    return with_chosen_classes(folder_of(name), _completed(name, report))


def _completed(name: str, report: Report) -> Dataset:
    """Return the data set as it was imported, every file looked at."""
    dataset = imported(name)
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
    folder = folder_of(name)
    dataset = _completed(name, _ignore)
    changes = find_changes(dataset, report)
    if not changes:
        return with_chosen_classes(folder, dataset), ()
    now = refreshed(dataset, changes)
    chosen = read_choice(folder).applied(now)
    # The exclusions first: where the second write fails, they only name paths that are not known.
    if now.excluded != dataset.excluded:
        write_exclusions(folder, now)
    write_manifest(folder, now)
    return chosen, changes


def move(
    name: str, root: Path, report: HashReport = ignore_hashing
) -> tuple[Dataset, tuple[FileChange, ...]]:
    """Let a data set find its images below another folder, to which they were moved or copied.

    Every file is hashed. Labels, groups, splits, exclusions and chosen classes stay.

    Parameters
    ----------
    name
        The data set.
    root
        The folder that holds the images under the same relative paths.
    report
        Is told how far hashing the files is.

    Returns
    -------
    dataset
        As it is kept from now on; its fingerprint is the same.
    changes
        Images whose file is missing or has another content there. They stay in the data set as they
        were; `refresh` updates it.

    Raises
    ------
    UsageError
        If it is the demo.
    MedrecogError
        If there is no such data set or folder, or no image with the same content is in it.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change("move a data set")
    if name == demo_folder.NAME:
        raise UsageError("The demo data set belongs to the program and cannot be moved.")
    dataset = imported(name)
    root = resolved(root)
    if not root.is_dir():
        raise MedrecogError(f"{root} is not a folder. Give the folder that holds the images now.")
    moved, changes = moved_to(dataset, root, report)
    write_manifest(folder_of(name), moved)
    return with_chosen_classes(folder_of(name), moved), changes


def choose_classes(
    name: str,
    only: Collection[str] = (),
    exclude: Collection[str] = (),
    merge: Mapping[str, str] | None = None,
) -> Dataset:
    """Merge classes of a data set, and exclude those that are not wanted.

    A choice comes on top of earlier ones; `restore_classes` takes all of them back. Exclusions of
    single images stay.

    Parameters
    ----------
    name
        The data set.
    only
        Classes to use; all, where there is none.
    exclude
        Classes to exclude. As those to use, they are named as they are after merging.
    merge
        From the name of a class to its new one, which may be that of another class.

    Returns
    -------
    Dataset
        As it is kept from now on, with another fingerprint.

    Raises
    ------
    UsageError
        If there is no such class, or nothing is chosen.
    MedrecogError
        If there is no such data set, or it would be left with fewer than two classes.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change("choose classes")
    if not (only or exclude or merge):
        raise UsageError("No classes were given. Give classes to use, to exclude or to merge.")
    dataset = imported(name)
    folder = folder_of(name)
    choice = read_choice(folder).then(dataset, only, exclude, merge or {})
    chosen = choice.applied(dataset)
    write_choice(folder, choice)
    return chosen


def restore_classes(name: str) -> Dataset:
    """Use every class of a data set again, under the name that it was imported with.

    Raises
    ------
    MedrecogError
        If there is no such data set.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change("restore classes")
    dataset = imported(name)
    try:
        (folder_of(name) / CLASSES).unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(unwritable(folder_of(name) / CLASSES, error)) from error
    return dataset


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
    write_exclusions(folder_of(name), _without_classes(name, now))
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
    by_class = {
        image.path: image.label
        for image in imported(name).images
        if image.label in read_choice(folder_of(name)).excluded
    }
    for path in paths:
        if path in by_class:
            raise UsageError(
                f"The image {path} is excluded with its class “{by_class[path]}”. Restore the "
                f"class with “datasets classes {name} --restore”."
            )
    now = dataset.excluding(e for e in dataset.excluded if e.image.path not in taken_back)
    write_exclusions(folder_of(name), _without_classes(name, now))
    return now


def _without_classes(name: str, chosen: Dataset) -> Dataset:
    """Return a data set without the exclusions that the choice of classes makes."""
    excluded = read_choice(folder_of(name)).excluded
    if not excluded:
        return chosen
    by_class = {image.path for image in imported(name).images if image.label in excluded}
    return chosen.excluding(e for e in chosen.excluded if e.image.path not in by_class)


def remove(name: str) -> None:
    """Forget a data set; its images stay where they are, but those that were unpacked for it.

    Its exclusions and choice of classes are kept by content, for when it is added again under the
    same name.

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
        kept = kept_document(imported(name), read_choice(folder))
    except MedrecogError:
        kept = {}  # of a damaged one
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error
    if kept:
        # A disk that takes no more costs the exclusions, and not the removal.
        with contextlib.suppress(StorageError):
            atomic_file.write_json(folder / REMOVED, kept)


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


def start_drawing() -> Job:
    """Start a job that generates the demo's images, unless one does; return at once."""
    return start_once(DRAW_DEMO, demo_folder.NAME, "Generate the demo images")


def work_on_drawing(job: Job, work: Work) -> None:
    """Do the work of a job that `start_drawing` started."""
    load(job.order().subject, counting(work.checked_report, DRAWING))
