"""Import of data sets from folders, archives, tables and DICOM files."""

import contextlib
import itertools
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from medrecog_core.access import Action
from medrecog_core.data_roots import check_nameable, is_nameable
from medrecog_core.datasets import catalogue, library
from medrecog_core.datasets.archive import BOUNDS, NESTED, Bounds, is_archive, unpack
from medrecog_core.datasets.dataset import Dataset, LeftOut, check_name
from medrecog_core.datasets.files import HashReport, files_below, link_or_copy
from medrecog_core.datasets.files import ignore as ignore_hashing
from medrecog_core.datasets.intake.decisions import BY_EVIDENCE, Decisions
from medrecog_core.datasets.intake.interpretation import AmbiguousError, Interpretation
from medrecog_core.datasets.intake.proposal import Proposal, propose
from medrecog_core.datasets.library import IMAGES
from medrecog_core.errors import MedrecogError, StoppedError, StorageError, UsageError
from medrecog_core.images import UnreadableImageError, decode_image, is_image_file, read_file
from medrecog_core.jobs.job import Job, create_job
from medrecog_core.jobs.kinds import IMPORT
from medrecog_core.jobs.locks import locked
from medrecog_core.jobs.progress import Report as ProgressReport
from medrecog_core.jobs.progress import Stage, counting_bytes, counting_files
from medrecog_core.jobs.progress import ignore as ignore_progress
from medrecog_core.jobs.work import Work, carry_out, start
from medrecog_core.locations import cache_folder, create_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.quota import check_upload_quota

PREVIEWED = 200
"""Number of files whose pixels are read for a preview."""
_LONGEST_NAME = 60
UNPACKING = Stage("unpack", "Extracting archives")
HASHING = Stage("hash-files", "Reading files", "files")
ARCHIVES = ".zip, .tar, .tar.gz, .tgz, MedMNIST .npz"

Report = Callable[[Stage, int, int], None]
"""Called with a stage, the bytes done and the total bytes."""


def ignore(stage: Stage, done: int, total: int) -> None:
    """Report progress to nobody."""


def read_dataset(
    name: str,
    folder: Path,
    decisions: Decisions = BY_EVIDENCE,
    hashed: HashReport = ignore_hashing,
) -> Dataset:
    """Return the data set in a folder of images, without storing it.

    Raises
    ------
    AmbiguousError
        If two interpretations explain the images about equally.
    MedrecogError
        If the folder has no readable images with labels, or the table or tag cannot be read.
    """
    root = library.resolved(folder)
    dataset = propose(name, root, _resolved(decisions, root), report=hashed).dataset
    _check_readable(dataset)
    return dataset


def propose_dataset(
    name: str,
    sources: Sequence[Path],
    decisions: Decisions = BY_EVIDENCE,
    at_most: int | None = PREVIEWED,
    bounds: Bounds = BOUNDS,
    report: Report = ignore,
) -> Proposal:
    """Return what `add_dataset` would make of a folder or of archives, without storing anything.

    Archives are temporarily extracted below the cache folder.

    Parameters
    ----------
    name, sources, decisions, bounds, report
        As in `add_dataset`; the name may exist already.
    at_most
        Maximum number of files whose pixels are read; None for all.

    Raises
    ------
    UsageError
        If the sources do not fit together.
    AmbiguousError, MedrecogError, StorageError
        As in `add_dataset`.
    """
    paths = checked_sources(sources)
    if not paths[0].is_file():
        return propose(name, paths[0], _resolved(decisions, paths[0]), at_most)
    check_may_change("extract an archive", Action.ADD)
    parent = create_folder(cache_folder().datasets)
    with tempfile.TemporaryDirectory(prefix=".preview-", dir=parent) as temporary:
        opened = unpack_sources(paths, Path(temporary) / IMAGES, decisions, bounds, report)
        return opened.propose(name, decisions, at_most)


def add_dataset(
    name: str,
    sources: Sequence[Path],
    decisions: Decisions = BY_EVIDENCE,
    bounds: Bounds = BOUNDS,
    report: Report = ignore,
    hashed: HashReport = ignore_hashing,
) -> Dataset:
    """Make a data set from a folder or archives, and store it.

    The images of a folder are not copied. Archives are extracted below the cache folder, completely
    or not at all.

    Parameters
    ----------
    name
        Name of the data set.
    sources
        One folder; or archives with their tables and lists.
    decisions
        Decisions made already; tables may be in an archive.
    bounds
        Limits of each archive.
    report
        Called with the progress of extraction.
    hashed
        Called with the progress of hashing.

    Raises
    ------
    UsageError
        If the name is not valid or exists, or the sources do not fit together.
    AmbiguousError
        If two interpretations explain the images about equally.
    QuotaError
        If who is acting would store more than is allowed.
    MedrecogError
        If an archive is rejected, or there are no images with labels.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("add a data set", Action.ADD)
    _check_free(name)
    paths = checked_sources(sources)
    if not paths[0].is_file():
        with _alone(name):
            return library.save(read_dataset(name, paths[0], decisions, hashed))
    left = check_upload_quota(sum(path.stat().st_size for path in paths if not _is_kept(path)))
    if left is not None:
        bounds = replace(bounds, n_bytes=min(bounds.n_bytes, left))
    with _alone(name), _images_folder(name) as folder:
        opened = unpack_sources(paths, folder, decisions, bounds, report)
        dataset = opened.propose(name, decisions, None, hashed).dataset
        _check_readable(dataset)
        return library.save(dataset)


def free_name(source: Path) -> str:
    """Return an unused name for the data set of a folder or archive."""
    stem = re.sub(r"(\.tar)?\.[^.]*$", "", source.name) if source.is_file() else source.name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:_LONGEST_NAME] or "images"
    taken = library.names()
    numbered = (f"{name}-{i}" for i in itertools.count(2))
    return name if name not in taken else next(each for each in numbered if each not in taken)


def add_part(
    name: str,
    larger: Dataset,
    decisions: Decisions,
    report: Report = ignore,
    hashed: HashReport = ignore_hashing,
) -> Dataset:
    """Make a data set from some classes of another one, and store it.

    Extracted images of the other one get hard links, so that either data set can be deleted; other
    images are not copied.

    Parameters
    ----------
    name
        Name of the data set.
    larger
        The other one.
    decisions
        Its catalogue entry selects the classes.
    report, hashed
        As in `add_dataset`.

    Raises
    ------
    UsageError
        If the name is not valid or exists.
    MedrecogError
        If the classes have no images.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("add a data set", Action.ADD)
    if not larger.root.is_relative_to(library.folder_of(larger.name)):
        return add_dataset(name, [larger.root], decisions, report=report, hashed=hashed)
    _check_free(name)
    classes = set(catalogue.find(decisions.entry).classes)
    # Lists and tables are included.
    files = [
        file
        for file in files_below(larger.root)
        if not is_image_file(file) or file.parent.name in classes
    ]
    sizes = [file.stat().st_size for file in files]
    copying = Stage("copy-files", f"Copying files of {larger.name}")
    with _alone(name), _images_folder(name) as folder:
        done = 0
        for file, n_bytes in zip(files, sizes, strict=True):
            link_or_copy(file, folder / file.relative_to(larger.root))
            done += n_bytes
            report(copying, done, sum(sizes))
        return library.save(read_dataset(name, folder, decisions, hashed))


@dataclass(frozen=True)
class UnpackedSources:
    """Archives with their tables and lists, extracted into a folder.

    Attributes
    ----------
    sources
        The files.
    folder
        Folder of the extracted files.
    left_out
        What was not extracted.
    """

    sources: tuple[Path, ...]
    folder: Path
    left_out: tuple[LeftOut, ...]

    def propose(
        self,
        name: str,
        decisions: Decisions = BY_EVIDENCE,
        at_most: int | None = PREVIEWED,
        hashed: HashReport = ignore_hashing,
    ) -> Proposal:
        """Return the data set proposed for the folder; see `propose_dataset`.

        Tables in the decisions may be in an archive, both in the given and in the returned ones.
        """
        try:
            decided = _resolved(decisions, self.folder)
            proposal = propose(name, self.folder, decided, at_most, hashed)
        except AmbiguousError as error:
            again = tuple(map(self._repeatable, error.interpretations))
            raise AmbiguousError(str(error), again) from error
        except MedrecogError as error:
            inner = [entry.path for entry in self.left_out if entry.reason == NESTED]
            inner += [file.name for file in sorted(self.folder.rglob("*.npz"))]
            if not inner:
                # The folder no longer exists when this is read.
                sentence = str(error).replace(str(self.folder), str(self.sources[0]))
                raise type(error)(sentence) from error
            raise MedrecogError(
                f"{self.sources[0]} contains the archive {inner[0]}, which is not extracted, and "
                "no data set besides it. Extract it yourself and add its contents."
            ) from error
        dataset = proposal.dataset
        return replace(
            proposal,
            dataset=replace(dataset, left_out=(*self.left_out, *dataset.left_out)),
            decisions=_relative_tables(proposal.decisions, self.folder),
            alternatives=tuple(map(self._repeatable, proposal.alternatives)),
        )

    def _repeatable(self, found: Interpretation) -> Interpretation:
        # A command that repeats it finds these tables in the archive, not in this folder.
        return replace(found, decisions=_relative_tables(found.decisions, self.folder))


def unpack_sources(
    sources: Sequence[Path],
    folder: Path,
    decisions: Decisions = BY_EVIDENCE,
    bounds: Bounds = BOUNDS,
    report: Report = ignore,
) -> UnpackedSources:
    """Extract archives and copy their tables and lists into a new folder.

    Raises
    ------
    UsageError
        If there is no archive among the files.
    MedrecogError
        If an archive is rejected.
    StorageError
        If the folder cannot be written to.
    """
    archives = [path for path in sources if is_archive(path)]
    if not archives:
        raise UsageError(
            f"{sources[0]} is neither a folder nor an archive ({ARCHIVES}). Enter the folder of "
            "the images, and give a table with --labels."
        )
    left_out = _unpack(archives, folder, decisions, bounds, report)
    for path in sources:
        if path not in archives:
            _take_over(path, folder)
    return UnpackedSources(tuple(sources), folder, tuple(left_out))


def checked_sources(sources: Sequence[Path]) -> list[Path]:
    """Return absolute paths, either of one folder or of files.

    Raises
    ------
    UsageError
        If they do not fit together.
    NotAllowedError
        If who is acting may not name them.
    MedrecogError
        If a file or folder does not exist.
    """
    paths = [library.resolved(source) for source in sources]
    for path in paths:
        check_nameable(path)
        if not path.exists():
            raise MedrecogError(f"{path} not found. Check the path.")
    if len(paths) > 1 or paths[0].is_file():
        for path in paths:
            if not path.is_file():
                raise UsageError(
                    f"{path} is not a file. Enter one folder of images, or archives ({ARCHIVES}) "
                    "with their tables or lists."
                )
    return paths


def _is_kept(path: Path) -> bool:
    """Return whether a file is in the cache folder, where it was counted already."""
    return path.is_relative_to(cache_folder().datasets.resolve())


def _check_free(name: str) -> None:
    if check_name(name) in library.names():
        raise UsageError(f"A data set named “{name}” already exists. Choose another name.")


def _check_readable(dataset: Dataset) -> None:
    """Reject images if none can be read; usually the first can, and no others are read."""
    reasons: list[str] = []
    for image in dataset.images:
        try:
            content = read_file(dataset.absolute_path(image))
            decode_image(content, rendering=dataset.rendering_of(image))
        except UnreadableImageError as error:
            reasons.append(f"{image.path}: {error}")
        else:
            return
    raise MedrecogError(
        f"None of the {len(dataset.images):,} images in {dataset.root} can be read "
        f"({reasons[0]}). Check that the files are complete."
    )


def _unpack(
    archives: Sequence[Path], folder: Path, decisions: Decisions, bounds: Bounds, report: Report
) -> list[LeftOut]:
    classes = set(catalogue.find(decisions.entry).classes) if decisions.entry else set()

    def keep(path: str) -> bool:
        parts = path.split("/")
        return not classes or len(parts) < 2 or parts[-2] in classes

    return unpack(
        archives,
        folder,
        bounds,
        keep,
        lambda *count: report(UNPACKING, *count),
        decisions.encoding,
    )


def _take_over(path: Path, folder: Path) -> None:
    # A copy, because the original may be changed.
    try:
        shutil.copyfile(path, folder / path.name)
    except OSError as error:
        raise StorageError(unwritable(folder / path.name, error)) from error


def _resolved(decisions: Decisions, folder: Path | None = None) -> Decisions:
    """Return the decisions with absolute paths of tables on disk; others may be in the folder."""
    return replace(decisions, tables=tuple(_table(table, folder) for table in decisions.tables))


def _table(table: Path, folder: Path | None) -> Path:
    resolved = library.resolved(table)
    if folder is not None and not table.is_absolute() and ".." not in table.parts:
        inside = folder / table
        if inside.is_file() and not (is_nameable(resolved) and resolved.exists()):
            return inside
    check_nameable(resolved)
    return resolved


def _relative_tables(decisions: Decisions, folder: Path) -> Decisions:
    tables = (
        table.relative_to(folder) if table.is_relative_to(folder) else table
        for table in decisions.tables
    )
    return replace(decisions, tables=tuple(tables))


@contextlib.contextmanager
def _images_folder(name: str) -> Iterator[Path]:
    """Provide the folder for extracted images, and delete it if the block fails."""
    folder = create_folder(cache_folder().datasets / name) / IMAGES
    # Left by a killed process, because there is no data set of this name yet.
    shutil.rmtree(folder, ignore_errors=True)
    for unfinished in folder.parent.glob(".unpacking-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # unless it contains a download
        raise


def _alone(name: str) -> contextlib.AbstractContextManager[None]:
    return locked(
        cache_folder().datasets / f".adding-{name}.lock",
        f"Another process is adding the data set “{name}”. Wait until it has finished.",
    )


def start_import(
    name: str, sources: Sequence[Path], decisions: Decisions, uploaded: Path | None = None
) -> Job:
    """Start a job that adds a data set; return immediately.

    Parameters
    ----------
    name, sources, decisions
        As in `add_dataset`.
    uploaded
        Folder of uploaded sources, which is deleted afterwards.

    Raises
    ------
    UsageError
        If the name is not valid or exists.
    MedrecogError
        If another job works on a data set of this name.
    """
    _check_free(name)
    for source in sources:
        check_nameable(library.resolved(source))
    return start(*_order(name, sources, decisions, uploaded))


def carry_out_import(
    name: str,
    sources: Sequence[Path],
    decisions: Decisions = BY_EVIDENCE,
    report: ProgressReport = ignore_progress,
) -> Dataset:
    """Add a data set as a job in this process, which other processes can see and stop.

    Raises
    ------
    UsageError
        If the name is not valid or exists, or the sources do not fit together.
    AmbiguousError
        If two interpretations explain the images about equally.
    StoppedError
        If it was stopped.
    MedrecogError
        If another job works on a data set of this name, or it cannot be added.
    """
    check_may_change("add a data set", Action.ADD)
    _check_free(name)
    checked_sources(sources)
    carry_out(create_job(*_order(name, sources, decisions)), report)
    return library.load(name)


def work(job: Job, work: Work) -> None:
    """Do the work of a job that adds a data set."""
    order = job.order()
    uploaded = order.arguments["uploaded"]
    if uploaded and not Path(uploaded).is_dir():
        raise MedrecogError("The uploaded files have been deleted. Upload them again.")
    try:
        add_dataset(
            order.subject,
            [Path(path) for path in order.arguments["sources"]],
            Decisions.from_document(order.arguments["decisions"]),
            report=counting_bytes(work.checked_report),
            hashed=counting_files(work.checked_report, HASHING),
        )
    except StoppedError:
        raise  # the uploaded files are kept for another attempt
    except MedrecogError:
        _delete_uploaded(uploaded)
        raise
    _delete_uploaded(uploaded)


def _order(
    name: str, sources: Sequence[Path], decisions: Decisions, uploaded: Path | None = None
) -> tuple[str, str, str, dict[str, Any]]:
    # The job may be resumed from another working folder.
    tables = tuple(table.resolve() if table.exists() else table for table in decisions.tables)
    arguments = {
        "sources": [str(path.expanduser().resolve()) for path in sources],
        "decisions": replace(decisions, tables=tables).to_document(),
        "uploaded": str(uploaded) if uploaded else "",
    }
    return IMPORT, name, f"Import {name}", arguments


def _delete_uploaded(folder: str) -> None:
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
