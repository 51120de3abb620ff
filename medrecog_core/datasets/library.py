"""Library of data sets: the demo, and those added by users."""

import contextlib
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.access import Action
from medrecog_core.data_roots import check_nameable
from medrecog_core.datasets import demo
from medrecog_core.datasets.dataset import (
    CHOSEN,
    Dataset,
    DatasetWarning,
    Exclusion,
    check_name,
)
from medrecog_core.datasets.exclusions import (
    CLASSES,
    REMOVED,
    ClassChoice,
    kept_document,
    read_choice,
    read_kept,
    with_kept,
    write_choice,
)
from medrecog_core.datasets.files import (
    FileChange,
    HashReport,
    find_changes,
    moved_to,
    refreshed,
    with_states,
)
from medrecog_core.datasets.files import ignore as ignore_hashing
from medrecog_core.datasets.label_review import (
    EXCLUDE,
    LABEL_ERROR,
    LABELS,
    RELABEL,
    LabelReview,
    imported_class,
    kept_labels,
    kept_review,
    read_review,
    write_review,
)
from medrecog_core.datasets.manifest import (
    EXCLUSIONS,
    MANIFEST,
    as_used,
    excluding_as_written,
    read_dataset,
    read_imported,
    write_exclusions,
    write_manifest,
)
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.kinds import DRAW_DEMO
from medrecog_core.jobs.locks import locked
from medrecog_core.jobs.progress import Stage, counting
from medrecog_core.jobs.work import Work, start_once
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.mode import check_may_change, check_may_view, is_viewer
from medrecog_core.ownership import check_may_change_in, may_change, sign
from medrecog_core.wording import counted

Report = Callable[[int, int], None]
_SECONDS_TO_CHANGE = 30

DRAWING = Stage("draw-demo", "Generating the demo images", "images")
HASHING = Stage("hash-files", "Reading files", "files")
COMPARING = Stage("compare-files", "Comparing files", "files")

IMAGES = "images"
"""Folder of the images of a data set in the cache folder."""


def lock_dataset(name: str) -> contextlib.AbstractContextManager[None]:
    """Return a lock on the name of a data set, held while it is changed.

    Raises
    ------
    MedrecogError
        If another process holds it for long.
    """
    return locked(
        cache_folder().datasets / f".changing-{check_name(name)}.lock",
        f"Another process is changing the data set “{name}”. Try again when it has finished.",
        _SECONDS_TO_CHANGE,
    )


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""


def names() -> list[str]:
    """Return the names of all data sets, the demo first.

    A read-only view, which cannot generate the demo, has it only if it exists already.
    """
    check_may_view()
    saved = sorted(file.parent.name for file in cache_folder().datasets.glob(f"*/{MANIFEST}"))
    if demo.NAME not in saved and is_viewer() and not demo.is_drawn():
        return saved
    return [demo.NAME, *(name for name in saved if name != demo.NAME)]


def folder_of(name: str) -> Path:
    """Return the folder of a data set in the cache folder."""
    return cache_folder().datasets / name


def is_changeable(name: str) -> bool:
    """Return whether who is acting may change or delete a data set."""
    return may_change(folder_of(name))


def root_of(name: str) -> Path:
    """Return the folder of a data set's images, even if it does not exist."""
    try:
        return read_dataset(folder_of(name), name).root
    except (FileNotFoundError, MedrecogError):
        return folder_of(name) / IMAGES


def version(name: str) -> tuple[int, ...]:
    """Return numbers that change whenever a data set or what people decided about it changes."""
    files = (MANIFEST, EXCLUSIONS, CLASSES, LABELS)
    return tuple(_modified(folder_of(name) / file) for file in files)


def load(name: str, report: Report = _ignore) -> Dataset:
    """Return the data set of a name.

    Parameters
    ----------
    name
        One of `names()`.
    report
        Called with (done, total) while the demo images are generated for the first time.

    Raises
    ------
    MedrecogError
        If it is unknown. A missing folder of images is reported when they are read.
    StorageError
        If its manifest is damaged.
    """
    return as_used(folder_of(check_name(name)), imported(name, report))


def find_kept(name: str) -> Dataset | None:
    """Return the data set of a name as it is kept now; no picture of the demo is drawn for that.

    Returns
    -------
    Dataset or None
        None if there is none, or it cannot be read.
    """
    try:
        return read_dataset(folder_of(name), name)
    except (FileNotFoundError, MedrecogError):
        return None


def imported(name: str, report: Report = _ignore) -> Dataset:
    """Return the data set of a name with its imported classes, without any choice of classes.

    Parameters and errors are those of `load`.
    """
    check_may_view()
    if name == demo.NAME:
        return _load_demo(report)
    return _kept(check_name(name))


def _kept(name: str) -> Dataset:
    try:
        return read_imported(folder_of(name), name)
    except FileNotFoundError:
        raise MedrecogError(_unknown(name)) from None


def _load_demo(report: Report) -> Dataset:
    folder = folder_of(demo.NAME)
    if is_viewer() and not demo.is_drawn():
        # From a bundle without images: only the manifest.
        return _kept(demo.NAME)
    drawn = demo.load(report)
    with contextlib.suppress(FileNotFoundError, StorageError):
        kept = read_imported(folder, demo.NAME)
        if [replace(image, file=None) for image in kept.every_image] == list(drawn.images):
            return kept
    looked_at = with_states(drawn)
    # On a full or read-only disk, the files of the demo are only scanned again.
    with contextlib.suppress(StorageError):
        write_manifest(folder, looked_at)
    return excluding_as_written(folder, looked_at)


def save(dataset: Dataset, report: HashReport = ignore_hashing) -> Dataset:
    """Store the manifest of a data set; its images are not copied.

    Parameters
    ----------
    dataset
        The data set.
    report
        Called with the progress of hashing.

    Returns
    -------
    Dataset
        The stored data set, with the state of each file; if a data set of that name was deleted,
        with its exclusions and its choice of classes for images of the same content.

    Raises
    ------
    UsageError
        If a data set of that name exists.
    StorageError
        If the manifest cannot be written.
    """
    check_may_change("add a data set", Action.ADD)
    complete = with_states(dataset, report)
    with lock_dataset(dataset.name):
        return _save(complete)


def _save(dataset: Dataset) -> Dataset:
    if dataset.name in names():
        raise UsageError(f"A data set named “{dataset.name}” already exists. Choose another name.")
    folder = folder_of(dataset.name)
    kept, choice = with_kept(dataset, *read_kept(folder))
    review = kept_review(folder, dataset)
    if review.labels:
        kept = replace(kept, warnings=(*kept.warnings, _restored(dataset.name, review)))
    # The manifest is written last, because it makes the data set exist. A failed attempt may have
    # left other files.
    for stale in (EXCLUSIONS, CLASSES, LABELS):
        with contextlib.suppress(OSError):
            (folder / stale).unlink()
    if kept.excluded:
        write_exclusions(folder, kept)
    if not choice.is_empty:
        write_choice(folder, choice)
    if review.labels:
        write_review(folder, review)
    sign(folder)
    write_manifest(folder, kept)
    with contextlib.suppress(OSError):
        (folder / REMOVED).unlink()
    return as_used(folder, kept)


def _restored(name: str, review: LabelReview) -> DatasetWarning:
    return DatasetWarning(
        "labels-restored",
        f"{counted(len(review.labels), 'reviewed label')} of the deleted data set “{name}” apply "
        "again, because the images have the same content. Use “datasets review "
        f"{name} --undo --image PATH” to undo it.",
        tuple(sorted(review.labels)),
    )


def complete(name: str, report: Report = _ignore) -> Dataset:
    """Return a data set after scanning the files that have not been scanned yet.

    Only data sets from earlier versions, or with missing files, have such files.

    Raises
    ------
    MedrecogError
        If the data set is unknown.
    StorageError
        If it is damaged or cannot be written.
    """
    return as_used(folder_of(name), _completed(name, report))


def _completed(name: str, report: Report) -> Dataset:
    """Return the data set as imported, with all files scanned."""
    dataset = imported(name)
    completed = with_states(dataset, lambda done, total, _: report(done, total))
    if completed != dataset:
        write_manifest(folder_of(name), completed)
    return completed


def refresh(name: str, report: Report = _ignore) -> tuple[Dataset, tuple[FileChange, ...]]:
    """Update a data set to its current files; see `refreshed`.

    Returns
    -------
    dataset
        The updated data set, with a new fingerprint if something changed.
    changes
        What changed.

    Raises
    ------
    MedrecogError
        If the data set is unknown, its folder is missing, or fewer than two classes would be left.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "change a data set")
    with lock_dataset(name):
        folder = folder_of(name)
        dataset = _completed(name, _ignore)
        changes = find_changes(dataset, report)
        if not changes:
            return as_used(folder, dataset), ()
        now = refreshed(dataset, changes)
        chosen = read_choice(folder).applied(read_review(folder).applied(now))
        # The exclusions are written first: if the second write fails, they only contain unknown
        # paths.
        if now.excluded != dataset.excluded:
            write_exclusions(folder, now)
        write_manifest(folder, now)
        return chosen, changes


def move(
    name: str, root: Path, report: HashReport = ignore_hashing
) -> tuple[Dataset, tuple[FileChange, ...]]:
    """Use another folder for the images of a data set, to which they were moved or copied.

    Every file is hashed. Labels, groups, splits, exclusions and chosen classes are kept.

    Parameters
    ----------
    name
        The data set.
    root
        The folder with the images under the same relative paths.
    report
        Called with the progress of hashing.

    Returns
    -------
    dataset
        The updated data set, with the same fingerprint.
    changes
        Images whose file is missing or different there. They are not changed; `refresh` updates
        them.

    Raises
    ------
    UsageError
        If it is the demo.
    MedrecogError
        If the data set or folder is unknown, or the folder has no image with the same content.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "move a data set")
    with lock_dataset(name):
        if name == demo.NAME:
            raise UsageError("The demo data set belongs to the program and cannot be moved.")
        dataset = imported(name)
        root = resolved(root)
        check_nameable(root)
        if not root.is_dir():
            raise MedrecogError(
                f"{root} is not a folder. Enter the folder that contains the images now."
            )
        moved, changes = moved_to(dataset, root, report)
        write_manifest(folder_of(name), moved)
        return as_used(folder_of(name), moved), changes


def choose_classes(
    name: str,
    only: Collection[str] = (),
    exclude: Collection[str] = (),
    merge: Mapping[str, str] | None = None,
) -> Dataset:
    """Choose, exclude and merge classes of a data set.

    Choices add up; `restore_classes` undoes all of them. Exclusions of single images are kept.

    Parameters
    ----------
    name
        The data set.
    only
        Classes to use; empty: all.
    exclude
        Classes to exclude; names as after merging, like those to use.
    merge
        New names by class, possibly those of other classes.

    Returns
    -------
    Dataset
        The changed data set, with a new fingerprint.

    Raises
    ------
    UsageError
        If a class is unknown, or nothing is chosen.
    MedrecogError
        If the data set is unknown, or fewer than two classes would be left.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "choose classes")
    with lock_dataset(name):
        if not (only or exclude or merge):
            raise UsageError("No classes selected. Select classes to use, to exclude or to merge.")
        dataset = imported(name)
        folder = folder_of(name)
        choice = read_choice(folder).then(dataset, only, exclude, merge or {})
        chosen = choice.applied(read_review(folder).applied(dataset))
        write_choice(folder, choice)
        return chosen


def restore_classes(name: str) -> Dataset:
    """Use every class of a data set again, under its imported name.

    Raises
    ------
    MedrecogError
        If the data set is unknown.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "restore classes")
    with lock_dataset(name):
        dataset = _reviewed(name)
        try:
            (folder_of(name) / CLASSES).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(unwritable(folder_of(name) / CLASSES, error)) from error
        return dataset


def exclude(name: str, paths: Collection[str], finding: str = CHOSEN, reason: str = "") -> Dataset:
    """Exclude images from runs and checks; `include` undoes it.

    Parameters
    ----------
    name
        The data set.
    paths
        The images; those already excluded keep their reason.
    finding
        Kind of the finding that they are excluded for.
    reason
        Reason shown to users.

    Returns
    -------
    Dataset
        The changed data set, with a new fingerprint.

    Raises
    ------
    UsageError
        If an image is unknown.
    MedrecogError
        If fewer than two classes would be left.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "exclude images")
    with lock_dataset(name):
        dataset = load(name)
        image_of = {image.path: image for image in dataset.images}
        known = {image.path for image in dataset.every_image}
        _check_known(name, paths, known)
        added = [Exclusion(image_of[p], finding, reason) for p in paths if p in image_of]
        now = dataset.excluding((*dataset.excluded, *added))
        write_exclusions(folder_of(name), _without_classes(name, now))
        return now


def include(name: str, paths: Collection[str]) -> Dataset:
    """Restore excluded images.

    Raises
    ------
    UsageError
        If an image is unknown.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "restore excluded images")
    with lock_dataset(name):
        dataset = load(name)
        _check_known(name, paths, {image.path for image in dataset.every_image})
        taken_back = set(paths)
        by_class = {
            image.path: image.label
            for image in _reviewed(name).images
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


def review_labels(name: str, paths: Collection[str], decision: str, label: str = "") -> Dataset:
    """Decide about the labels of images; the decision `undo` takes the last one back.

    Parameters
    ----------
    name
        The data set.
    paths
        The images.
    decision
        One of `DECISIONS` of `label_review`. Images that are excluded here have the reason
        `label-error`; those that were excluded for another one keep it.
    label
        The new label for the decision `relabel`, one of the classes in use.

    Returns
    -------
    Dataset
        The changed data set; with a new fingerprint, unless labels were only confirmed.

    Raises
    ------
    UsageError
        If an image, the decision or the label is unknown.
    MedrecogError
        If fewer than two classes would be left.
    StorageError
        If it is damaged or cannot be written.
    """
    check_may_change_in(folder_of(name), "review labels")
    with lock_dataset(name):
        folder, dataset = folder_of(name), imported(name)
        _check_known(name, paths, {image.path for image in dataset.every_image})
        choice = read_choice(folder)
        given = imported_class(label, dataset, choice) if decision == RELABEL else ""
        review = read_review(folder).then(dataset, paths, decision, given)
        excluded = [
            each
            for each in dataset.excluded
            if each.finding != LABEL_ERROR or each.image.path not in set(paths)
        ]
        if decision == EXCLUDE:
            there = {each.image.path for each in excluded}
            excluded += [
                Exclusion(image, LABEL_ERROR, "the label is wrong or uncertain")
                for image in dataset.images
                if image.path in set(paths) - there
            ]
        now = dataset.excluding(excluded)
        used = choice.applied(review.applied(now))
        if now.excluded != dataset.excluded:
            write_exclusions(folder, now)
        write_review(folder, review)
        return used


def _reviewed(name: str) -> Dataset:
    """Return a data set with its imported classes and the reviewed labels."""
    return read_review(folder_of(name)).applied(imported(name))


def _without_classes(name: str, chosen: Dataset) -> Dataset:
    """Return a data set without the exclusions of the choice of classes."""
    excluded = read_choice(folder_of(name)).excluded
    if not excluded:
        return chosen
    by_class = {image.path for image in _reviewed(name).images if image.label in excluded}
    return chosen.excluding(e for e in chosen.excluded if e.image.path not in by_class)


def remove(name: str) -> None:
    """Delete a data set; its image files are kept unless medrecog extracted or downloaded them.

    Its exclusions and choice of classes are stored by content, in case it is added again under the
    same name.

    Raises
    ------
    MedrecogError
        If it is unknown, or the demo.
    StorageError
        If it cannot be deleted.
    """
    check_may_change_in(folder_of(name), "delete a data set")
    with lock_dataset(name):
        if name == demo.NAME:
            raise UsageError("The demo data set belongs to the program and cannot be deleted.")
        if check_name(name) not in names():
            raise MedrecogError(_unknown(name))
        folder = folder_of(name)
        try:
            dataset = imported(name)
            kept = kept_document(dataset, read_choice(folder))
            if labels := kept_labels(dataset, read_review(folder)):
                kept = {"exclusions": [], "classes": ClassChoice().to_document(), **kept, **labels}
        except MedrecogError:
            kept = {}  # the data set is damaged
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(unwritable(folder, error)) from error
        if kept:
            # On a full disk, the exclusions are lost, but the data set can be deleted.
            with contextlib.suppress(StorageError):
                atomic_file.write_json(folder / REMOVED, kept)


def resolved(path: Path) -> Path:
    """Return the absolute path, after rejecting invalid file names.

    Raises
    ------
    MedrecogError
        If it is not a valid path.
    """
    try:
        resolved = path.expanduser().resolve()
        resolved.is_file()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MedrecogError(f"{path} cannot be read ({reason}). Check the path.") from error
    return resolved


def _unknown(name: str) -> str:
    return f"Unknown data set “{name}”. Available: {', '.join(names()) or 'none'}."


def _check_known(name: str, paths: Iterable[str], known: set[str]) -> None:
    for path in paths:
        if path not in known:
            raise UsageError(
                f"The data set “{name}” has no image “{path}”. Enter its path below the folder of "
                "the data set, as in “datasets check”."
            )


def _modified(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def start_drawing() -> Job:
    """Start a job that generates the demo images, unless there is one; return immediately."""
    return start_once(DRAW_DEMO, demo.NAME, "Generate the demo images")


def work_on_drawing(job: Job, work: Work) -> None:
    """Do the work of a job of `start_drawing`."""
    load(job.order().subject, counting(work.checked_report, DRAWING))
