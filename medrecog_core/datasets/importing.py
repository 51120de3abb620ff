"""Making a data set of what people have: a folder, archives, tables, DICOM files."""

import contextlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from medrecog_core.datasets import catalogue, library
from medrecog_core.datasets.archive import BOUNDS, NESTED, Bounds, unpack
from medrecog_core.datasets.archive_members import is_archive
from medrecog_core.datasets.dataset import Dataset, ImageRecord, LeftOut, check_name
from medrecog_core.datasets.dicom_tags import PATIENT, read_tagged_images, with_patients
from medrecog_core.datasets.file_state import HashReport
from medrecog_core.datasets.file_state import ignore as ignore_hashing
from medrecog_core.datasets.files import files_below
from medrecog_core.datasets.label_table import choose_columns, read_label_table, read_rows
from medrecog_core.datasets.larger_set import link_or_copy
from medrecog_core.datasets.layouts import Found, read_layout
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.images import UnreadableImageError, is_image_file, read_image
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.mode import check_may_change

Report = Callable[[str, int, int], None]
"""Is told a stage, the bytes done and the bytes in all."""


def ignore(stage: str, done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class Reading:
    """How the labels, groups and splits of images are found.

    Attributes
    ----------
    table
        Table of labels; without one, the layout of the files tells them.
    image_column, label_column, group_column, split_column
        Names of its columns, None to guess; an empty name leaves group or split out.
    label_tag
        DICOM tag of the label, in place of a table.
    group_tag
        DICOM tag of the group, for DICOM images that have none; empty for none.
    has_groups
        Whether groups are taken over; without, every image stands for itself.
    keeps_val
        Whether images of the split val are training images; else they are left out when an
        experiment learns and tests.
    entry
        Name of a catalogue entry that selects classes, such as `mini-mit`.
    """

    table: Path | None = None
    image_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    split_column: str | None = None
    label_tag: str = ""
    group_tag: str = PATIENT
    has_groups: bool = True
    keeps_val: bool = False
    entry: str = ""

    def __post_init__(self) -> None:
        if self.table and self.label_tag:
            raise UsageError("The labels are in a table or in a DICOM tag: name one of them.")
        columns = (self.image_column, self.label_column, self.split_column)
        if not self.table and any(column is not None for column in columns):
            raise UsageError("Columns are those of a table of labels: name the table too.")
        if self.entry:
            catalogue.find(self.entry)


BY_LAYOUT = Reading()
"""Everything is told by the layout of the files."""


def read_dataset(name: str, folder: Path, reading: Reading = BY_LAYOUT) -> Dataset:
    """Return the data set that a folder of images holds, without keeping it.

    Raises
    ------
    MedrecogError
        If the folder has no images with labels or none that can be read, or the table or tag
        cannot be read.
    """
    root = library.resolved(folder)
    images, left_out, layout = _found(root, reading)
    if reading.keeps_val and any(image.split == "val" for image in images):
        images = [replace(i, split="train" if i.split == "val" else i.split) for i in images]
        layout += "; val kept as training images"
    takes_groups = reading.has_groups and reading.group_column != ""
    if not takes_groups and any(image.group for image in images):
        images = [replace(image, group="") for image in images]
        layout += "; groups not taken over"
    images, remark = with_patients(root, images, reading.group_tag if takes_groups else "")
    layout += f"; {remark}" if remark else ""
    _check_readable(root, images)
    return Dataset(name, root, tuple(images), layout, left_out=tuple(left_out))


def add_dataset(
    name: str,
    sources: Sequence[Path],
    reading: Reading = BY_LAYOUT,
    bounds: Bounds = BOUNDS,
    report: Report = ignore,
    hashed: HashReport = ignore_hashing,
) -> Dataset:
    """Make a data set of a folder or of archives, and keep it.

    A folder's images stay where they are. Archives are unpacked below the cache folder, wholly or,
    where anything is wrong with them, not at all.

    Parameters
    ----------
    name
        Of the data set.
    sources
        One folder; or archives, and beside them the tables and lists that belong to them.
    reading
        How labels, groups and splits are found; its table may lie in an archive.
    bounds
        What each archive may hold at most.
    report
        Is told how far unpacking is.
    hashed
        Is told how far hashing the images is.

    Raises
    ------
    UsageError
        If the name cannot be one or is taken, or the sources do not go together.
    MedrecogError
        If an archive is refused, or there are no images with labels.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("add a data set")
    if check_name(name) in library.names():
        raise UsageError(f"There is a data set “{name}” already: choose another name.")
    paths = [library.resolved(source) for source in sources]
    if len(paths) == 1 and not paths[0].is_file():
        return library.save(read_dataset(name, paths[0], reading), hashed)
    for path in paths:
        if not path.is_file():
            raise UsageError(
                f"{path} is no file: give one folder of images, or archives (.zip, .tar, .tar.gz, "
                ".tgz) with the tables or lists that belong to them."
            )
    archives = [path for path in paths if is_archive(path)]
    if not archives:
        raise UsageError(
            f"{paths[0]} is neither a folder nor an archive (.zip, .tar, .tar.gz, .tgz): "
            "give the folder of the images, and a table with --labels."
        )
    with _alone(), _images_folder(name) as folder:
        left_out = _unpack(archives, folder, reading, bounds, report)
        for path in paths:
            if path not in archives:
                _take_over(path, folder)
        with _inner_archives_named(left_out, paths[0]):
            dataset = read_dataset(name, folder, _with_unpacked_table(reading, folder))
        dataset = replace(dataset, left_out=(*left_out, *dataset.left_out))
        return library.save(dataset, hashed)


def add_part(
    name: str,
    larger: Dataset,
    reading: Reading,
    report: Report = ignore,
    hashed: HashReport = ignore_hashing,
) -> Dataset:
    """Make a data set of some classes of another one, and keep it.

    Images that were unpacked for the other get a second name, so that either can be removed;
    elsewhere they stay where they are.

    Parameters
    ----------
    name
        Of the data set.
    larger
        The other one, whose layout tells the classes.
    reading
        Its catalogue entry selects them.
    report, hashed
        As in `add_dataset`.

    Raises
    ------
    UsageError
        If the name cannot be one or is taken.
    MedrecogError
        If there are no images of the classes.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("add a data set")
    if not larger.root.is_relative_to(library.folder_of(larger.name)):
        return add_dataset(name, [larger.root], reading, report=report, hashed=hashed)
    if check_name(name) in library.names():
        raise UsageError(f"There is a data set “{name}” already: choose another name.")
    classes = set(catalogue.find(reading.entry).classes)
    # Lists and tables come along.
    files = [
        file
        for file in files_below(larger.root)
        if not is_image_file(file) or file.parent.name in classes
    ]
    sizes = [file.stat().st_size for file in files]
    with _alone(), _images_folder(name) as folder:
        done = 0
        for file, n_bytes in zip(files, sizes, strict=True):
            link_or_copy(file, folder / file.relative_to(larger.root))
            done += n_bytes
            report(f"taking over files of {larger.name}", done, sum(sizes))
        return library.save(read_dataset(name, folder, reading), hashed)


def _found(root: Path, reading: Reading) -> Found:
    if reading.label_tag:
        return read_tagged_images(root, reading.label_tag)
    if reading.table is None:
        return read_layout(root, catalogue.find(reading.entry).classes if reading.entry else ())
    table = library.resolved(reading.table)
    header, rows = read_rows(table)
    columns = choose_columns(
        header,
        table,
        reading.image_column,
        reading.label_column,
        reading.group_column,
        reading.split_column,
    )
    images, left_out, layout = read_label_table(root, table, rows, columns)
    if columns.group:
        layout += f", groups from its column {columns.group}"
    return images, left_out, layout


def _check_readable(root: Path, images: Sequence[ImageRecord]) -> None:
    """Refuse images of which none can be read; usually the first one can, and no other is read."""
    reasons: list[str] = []
    for image in images:
        try:
            read_image(root / image.path)
        except UnreadableImageError as error:
            reasons.append(f"{image.path}: {error}")
        else:
            return
    raise MedrecogError(
        f"None of the {len(images):,} images below {root} can be read ({reasons[0]}): "
        "check that the files are whole."
    )


def _unpack(
    archives: Sequence[Path], folder: Path, reading: Reading, bounds: Bounds, report: Report
) -> list[LeftOut]:
    classes = set(catalogue.find(reading.entry).classes) if reading.entry else set()

    def keep(path: str) -> bool:
        parts = path.split("/")
        return not classes or len(parts) < 2 or parts[-2] in classes

    return unpack(archives, folder, bounds, keep, lambda *count: report("unpacking", *count))


@contextlib.contextmanager
def _inner_archives_named(left_out: Sequence[LeftOut], archive: Path) -> Iterator[None]:
    """Where there are no images, point at the archive inside the archive, which may hold them."""
    try:
        yield
    except MedrecogError as error:
        inner = [entry.path for entry in left_out if entry.reason == NESTED]
        if not inner:
            raise
        raise MedrecogError(
            f"{archive} holds the archive {inner[0]}, which is not unpacked, and no data set "
            "beside it: unpack it by hand, and add what is in it."
        ) from error


def _take_over(path: Path, folder: Path) -> None:
    # A copy, since whoever gave the file may change it.
    try:
        shutil.copyfile(path, folder / path.name)
    except OSError as error:
        raise StorageError(unwritable(folder / path.name, error)) from error


def _with_unpacked_table(reading: Reading, folder: Path) -> Reading:
    """Return the reading with the table in the archive, where there is none on the disk."""
    if reading.table is None or library.resolved(reading.table).exists():
        return reading
    inside = folder / reading.table
    is_inside = not reading.table.is_absolute() and ".." not in reading.table.parts
    return replace(reading, table=inside) if is_inside and inside.is_file() else reading


@contextlib.contextmanager
def _images_folder(name: str) -> Iterator[Path]:
    """Give the place for unpacked images, and leave nothing there when the block fails."""
    folder = create_folder(cache_folder().datasets / name) / "images"
    # Of a process that was killed: there is no data set of this name yet.
    shutil.rmtree(folder, ignore_errors=True)
    for unfinished in folder.parent.glob(".unpacking-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # unless a download is kept there
        raise


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    lock = FileLock(create_folder(cache_folder().datasets) / ".adding.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise MedrecogError(
            "Another process is adding a data set: try again when it has ended."
        ) from error
    try:
        yield
    finally:
        lock.release()
