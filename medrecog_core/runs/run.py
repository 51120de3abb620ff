"""A run: its folder, which is the truth about it for every process, and the runs that there are."""

import io
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import Field, TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.access import Action
from medrecog_core.datasets import Split, library
from medrecog_core.datasets.small_test import SmallTest, find_small_test
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import AnyCell, DescriptorSource
from medrecog_core.images import PLAIN, Image, Rendering
from medrecog_core.images.rendering import rows_document, rows_of_document
from medrecog_core.jobs.job import JOB_ID, Job, Order, damaged
from medrecog_core.jobs.kinds import RUN
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_change, check_may_view
from medrecog_core.networks.stored_array import READ_ERRORS, read_npy
from medrecog_core.ownership import check_may_change_in, sign
from medrecog_core.regular_file import read_regular
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.labels import RunLabels
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.specification import RunSpecification
from medrecog_core.trash import Trash, remove_expired
from medrecog_core.wording import is_text

_T = TypeVar("_T")

LONGEST_TITLE = 100
"""Most characters of a title."""
RUN_TRASH = Trash("run", lambda: cache_folder().runs, lambda folder: Job(folder).title)
"""The deleted runs."""


class Run(Job):
    """Reads and writes what is known of one run, which is a job too."""

    def __init__(self, run_id: str) -> None:
        super().__init__(cache_folder().runs / run_id)

    def order(self) -> Order:
        """Return that the run is a run; what it is to do, its specification says."""
        return Order(RUN, "", self.id)

    def rename(self, title: str) -> None:
        """Give the run a title for people; an empty one takes it away.

        Raises
        ------
        UsageError
            If it is longer than 100 characters.
        """
        check_may_change_in(self.path, "rename a run")
        atomic_file.write_json(self.path / "title.json", _checked_title(title))

    def labels(self) -> RunLabels:
        """Return the labels of the run; none if their file is damaged."""
        try:
            return self._read("labels.json", RunLabels.from_document, default=RunLabels())
        except StorageError:
            return RunLabels()

    def write_labels(self, labels: RunLabels) -> None:
        """Replace the labels of the run."""
        check_may_change("label a run", Action.LABEL)
        atomic_file.write_json(self.path / "labels.json", labels.to_document())

    def specification(self) -> RunSpecification:
        """Return what the run was asked to do."""
        return self._read("specification.json", RunSpecification.from_document)

    def cells(self) -> list[CellResult]:
        """Return the cells that are finished, in the order of the grid."""
        results = (self.cell(cell) for cell in self.specification().cells)
        return [result for result in results if result is not None]

    def cell(self, cell: AnyCell) -> CellResult | None:
        """Return a cell's result, or None where it is not finished or its file is damaged."""
        try:
            result: CellResult | None = self._read(
                f"cells/{cell.name}.json", CellResult.from_document, default=None
            )
        except StorageError:
            return None
        return result if result is not None and result.cell == cell else None

    def has_cell(self, cell: AnyCell) -> bool:
        """Return whether a cell's result and its scores are both there and whole."""
        return not self._missing([cell])

    def missing_cells(self) -> list[AnyCell]:
        """Return the cells of the grid that are not finished and whole, in its order."""
        return self._missing(self.specification().cells)

    def is_whole(self) -> bool:
        """Return whether every cell of the grid is finished and whole."""
        return not self.missing_cells()

    def _missing(self, cells: Sequence[AnyCell]) -> list[AnyCell]:
        try:
            n_tested = len(self.split().tested)
        except StorageError:
            return list(cells)
        return [cell for cell in cells if not self._is_whole(cell, n_tested)]

    def _is_whole(self, cell: AnyCell, n_tested: int) -> bool:
        result = self.cell(cell)
        if result is None:
            return False
        try:
            return self.scores(cell).shape == (n_tested, len(result.metrics.classes))
        except StorageError:
            return False

    def write_cell(self, result: CellResult, scores: np.ndarray) -> None:
        """Keep a finished cell and the tested images' scores, shape (n_tested, n_classes)."""
        buffer = io.BytesIO()
        np.save(buffer, scores.astype(np.float32))
        atomic_file.write_bytes(self.path / f"cells/{result.cell.name}.npy", buffer.getvalue())
        atomic_file.write_json(self.path / f"cells/{result.cell.name}.json", result.to_document())

    def discard_cells(self) -> None:
        """Delete every finished cell, and the baselines beside them."""
        check_may_change_in(self.path, "delete cells of a run")
        (self.path / "baselines.json").unlink(missing_ok=True)
        shutil.rmtree(self.path / "cells", ignore_errors=True)

    def scores(self, cell: AnyCell) -> np.ndarray:
        """Return the scores of a finished cell, float32, a row for each of `tested_images`."""
        file = self.path / "cells" / f"{cell.name}.npy"
        try:
            return read_npy(read_regular(file))
        except READ_ERRORS as error:
            raise StorageError(damaged(file)) from error

    def read_baselines(self, read: Callable[[Any], _T]) -> _T | None:
        """Return what `read` makes of the document of the baselines, None where there is none.

        Raises
        ------
        StorageError
            If it is damaged.
        """
        return self._read("baselines.json", read, default=None)

    def write_baselines(self, document: Mapping[str, Any]) -> None:
        """Keep the baselines."""
        atomic_file.write_json(self.path / "baselines.json", dict(document), indent=None)

    def images(self) -> list[Image]:
        """Return the images that the run trains or tests with.

        Those of a run that came in a bundle are named relative to the images of its data set, and
        need not be here.
        """
        images: list[Image] = self._read("images.json", images_of_document, default=[])
        if all(Path(image.path).is_absolute() for image in images):
            return images
        root = library.root_of(self.specification().dataset)
        return [replace(image, path=str(root / image.path)) for image in images]

    def find_cell(self, name: str) -> AnyCell:
        """Return the cell of a name, finished or not.

        Raises
        ------
        MedrecogError
            If the run has none.
        """
        cell = next((cell for cell in self.specification().cells if cell.name == name), None)
        if cell is None:
            raise MedrecogError(f"Run {self.id} has no cell “{name}”. Choose another one.")
        return cell

    def write_images(self, images: Sequence[Image]) -> None:
        """Keep which images the run used, and how."""
        atomic_file.write_json(self.path / "images.json", images_document(images), indent=None)

    def split(self) -> Split:
        """Return the folds of the run: positions in `images`."""
        return self._read("split.json", Split.from_document)

    def write_split(self, split: Split) -> None:
        """Keep the folds."""
        atomic_file.write_json(self.path / "split.json", split.to_document(), indent=None)

    def tested_images(self) -> list[Image]:
        """Return the test images fold after fold, one for each row of a cell's scores."""
        return self._at(self.split().tested)

    def small_test(self) -> SmallTest | None:
        """Return the classes with too few test images; None if every class has enough."""
        classes = {image.label for image in self.images()}
        return find_small_test(self.tested_images(), sorted(classes))

    def trained_images(self) -> list[Image]:
        """Return the images that some classifier of the run is trained on."""
        return self._at(self.split().trained)

    def _at(self, positions: Sequence[int]) -> list[Image]:
        images = self.images()
        if not all(0 <= position < len(images) for position in positions):
            raise StorageError(damaged(self.path / "split.json"))
        return [images[position] for position in positions]

    def files(self) -> list[list[Any]]:
        """Return the data set's images and the state of their files, as the run found them."""
        return self._read("files.json", _FILES.validate_python, default=[])

    def write_files(self, files: Sequence[Sequence[Any]]) -> None:
        """Keep the data set's images and the state of their files."""
        atomic_file.write_json(self.path / "files.json", list(files), indent=None)

    def repeated(self) -> dict[str, Any] | None:
        """Return the document of the run that this one repeats, None where it repeats none."""
        return self._read("repeated.json", _REPEATED.validate_python, default=None)

    def write_repeated(self, document: Mapping[str, Any]) -> None:
        """Keep the document of the run that this one repeats."""
        atomic_file.write_json(self.path / "repeated.json", dict(document))

    def record(self) -> RunRecord | None:
        """Return what the run ran on and with; None until the cells are begun.

        Raises
        ------
        StorageError
            If the record is damaged.
        """
        record: RunRecord | None = self._read("record.json", RunRecord.from_document, default=None)
        return record

    def needed_record(self) -> RunRecord:
        """Return the record of a run whose cells are begun.

        Raises
        ------
        StorageError
            If there is none, or it is damaged.
        """
        record = self.record()
        if record is None:
            raise StorageError(damaged(self.path / "record.json"))
        return record

    def rendering(self) -> Rendering:
        """Return how stored values became pictures; the plain way where no record says.

        Raises
        ------
        StorageError
            If the run's record is damaged.
        """
        record = self.record()
        return PLAIN if record is None else record.rendering

    def source(self) -> DescriptorSource:
        """Return what the run's descriptors depend on besides image and cell.

        Raises
        ------
        StorageError
            If there is no record, or it is damaged.
        """
        return self.needed_record().source

    def write_record(self, record: RunRecord) -> None:
        """Keep what the run runs on and with."""
        atomic_file.write_json(self.path / "record.json", record.to_document())

    def _discard(self) -> None:
        RUN_TRASH.put(self.path)

    def remove_leftovers(self) -> None:
        """Delete the unfinished files of a process that was killed while writing."""
        super().remove_leftovers()
        for file in self.path.glob("cells/.*"):
            with suppress(OSError):
                file.unlink()


def images_document(images: Sequence[Image]) -> Any:
    """Return images as JSON values; see `rows_document`."""
    rows: list[list[Any]] = [[i.path, i.sha256, i.label, i.group] for i in images]
    return rows_document(rows, [image.rendering for image in images])


def images_of_document(document: Any) -> list[Image]:
    """Return the images in a document of `images_document`.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    return [
        Image(*_IMAGE.validate_python(row), rendering=rendering)
        for row, rendering in rows_of_document(document)
    ]


def create_run(
    specification: RunSpecification, repeated: Mapping[str, Any] | None = None, title: str = ""
) -> Run:
    """Create the folder of a new run, queued.

    Parameters
    ----------
    specification
        What it is asked to do.
    repeated
        The document of an earlier run that this one repeats, to be compared with it.
    title
        Its title for people; empty for none.

    Raises
    ------
    UsageError
        If the title is longer than 100 characters.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("start a run", Action.ADD)
    title = _checked_title(title)
    remove_expired()
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    run = Run(f"{specification.dataset[:40]}-{stamp}-{secrets.token_hex(2)}")
    atomic_file.write_json(run.path / "specification.json", specification.to_document())
    sign(run.path)
    if repeated is not None:
        run.write_repeated(repeated)
    if title:
        atomic_file.write_json(run.path / "title.json", title)
    # Until another process is started for it, the run waits in this one and ends with it.
    run.write_launch(this_process())
    run.write_state(JobState(created=now))
    return run


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not is_text(title):
        raise UsageError("The title is not Unicode text. Enter it in UTF-8.")
    if len(title) > LONGEST_TITLE:
        raise UsageError(f"The title has {len(title)} characters. Use at most {LONGEST_TITLE}.")
    return title


def find_run(run_id: str) -> Run:
    """Return the run of that identity.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    check_may_view()
    run = Run(run_id)
    if not JOB_ID.fullmatch(run_id) or not any(map(os.path.lexists, _marks(run.path))):
        raise MedrecogError(f"There is no run “{run_id}”. The command “runs” lists all runs.")
    return run


def all_runs() -> list[Run]:
    """Return every run, the newest first."""
    return [run for run, _ in runs_with_states()]


def runs_with_states() -> list[tuple[Run, JobState]]:
    """Return every run with its state now, the newest first.

    Raises
    ------
    StorageError
        If the folder of the runs cannot be read.
    """
    check_may_view()
    runs = cache_folder().runs
    try:
        if os.path.lexists(runs):
            os.scandir(runs).close()
    except OSError as error:
        raise StorageError(
            f"The runs in {runs} cannot be read ({error.strerror}). Allow reading that folder."
        ) from error
    there = {file.parent.name for mark in _marks(Path("*")) for file in runs.glob(str(mark))}
    found = [(run, run.state()) for run in map(Run, filter(JOB_ID.fullmatch, there))]
    return sorted(found, key=lambda each: (each[1].created, each[0].id), reverse=True)


def _marks(folder: Path) -> tuple[Path, ...]:
    """Return the files one of which makes a folder that of a run, even of a damaged one."""
    return folder / "state.json", folder / "record.json"


_REPEATED = TypeAdapter(dict[str, Any])
_FILES = TypeAdapter(list[Annotated[list[str | int], Field(min_length=6, max_length=7)]])
_IMAGE = TypeAdapter(tuple[str, str, str, str])


@dataclass(frozen=True, kw_only=True)
class CellImage(Image):
    """A test image as a cell classifies it.

    Attributes
    ----------
    predicted
        The class of the greatest score.
    score
        That score.
    """

    predicted: str
    score: float

    @property
    def is_right(self) -> bool:
        """Whether the prediction is the true class."""
        return self.label == self.predicted


def cell_images(run: Run, result: CellResult) -> list[CellImage]:
    """Return the test images of a cell, those of the greatest scores first.

    An image that is tested several times is there as often.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    scores = run.scores(result.cell)
    classes = [row.label for row in result.metrics.classes]
    images = [
        CellImage(**vars(image), predicted=classes[row.argmax()], score=float(row.max()))
        for image, row in zip(run.tested_images(), scores, strict=True)
    ]
    return sorted(images, key=lambda image: -image.score)
