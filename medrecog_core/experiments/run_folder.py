"""A run's folder: the truth about the run, the same for every process that reads it."""

import re
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.classification import Metrics
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.experiments.processes import ProcessIdentity, this_process
from medrecog_core.experiments.specification import RunSpecification
from medrecog_core.features import Cell, DescriptorSource
from medrecog_core.locations import cache_folder, create_folder, unwritable

ENDED = ("finished", "failed", "stopped", "interrupted")

_T = TypeVar("_T")

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")


@dataclass(frozen=True)
class RunState:
    """How a run is doing.

    Attributes
    ----------
    status
        `queued`, `running`, `finished`, `failed`, `stopped`, or `interrupted` where the process
        died without a word.
    stage, done, total, rate
        What it works on, how far that is, and how many a second; 0 while unknown.
    error
        One sentence, for a failed run.
    process
        The process that works on it or did so last.
    created, started, finished
        Seconds since 1970, 0 where that has not come.
    network_images
        From scale to images that went through the network, in all processes of the run.
    """

    status: str = "queued"
    stage: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    error: str = ""
    process: ProcessIdentity | None = None
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0
    network_images: tuple[tuple[int, int], ...] = ()

    @property
    def seconds_left(self) -> float | None:
        """Expected time to the end of the stage, None while it is unknown."""
        return (self.total - self.done) / self.rate if self.rate else None

    @property
    def has_ended(self) -> bool:
        """Whether no process works on the run or is about to."""
        return self.status in ENDED


@dataclass(frozen=True)
class RunImage:
    """An image as a run used it; `part` is `train` or `test`."""

    path: str
    sha256: str
    label: str
    group: str
    part: str


@dataclass(frozen=True)
class CellResult:
    """A cell with its result; `seconds` is the time of training and testing."""

    cell: Cell
    metrics: Metrics
    n_train: int
    n_test: int
    seconds: float

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values, flat as the command line prints it."""
        return {
            **asdict(self.cell),
            **self.metrics.to_document(),
            "n_train": self.n_train,
            "n_test": self.n_test,
            "seconds": self.seconds,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "CellResult":
        """Return the result that `to_document` gave."""
        return cls(
            Cell(document["layer"], document["scale"], document["pooling"]),
            Metrics.from_document(document),
            document["n_train"],
            document["n_test"],
            document["seconds"],
        )


class RunFolder:
    """Reads and writes what is known of one run."""

    def __init__(self, run_id: str) -> None:
        self.id = run_id
        self.path = cache_folder().runs / run_id

    @property
    def log(self) -> Path:
        """File that takes what a detached process prints."""
        return self.path / "log.txt"

    @property
    def _stop_flag(self) -> Path:
        return self.path / "stop"

    def specification(self) -> RunSpecification:
        """Return what the run was asked to do."""
        return self._read("specification.json", RunSpecification.from_document)

    def state(self) -> RunState:
        """Return how the run is doing, as its folder and its process say.

        A run whose folder is damaged has failed, for that reason.
        """
        try:
            state: RunState = self._read("state.json", _STATE.validate_python)
            at_work = state.process
            if state.status == "queued":
                at_work = self._read("launch.json", _PROCESS.validate_python, default=None)
        except StorageError as error:
            return RunState("failed", error=str(error))
        alive = at_work is not None and at_work.is_alive()
        return state if state.has_ended or alive else replace(state, status="interrupted")

    def write_state(self, state: RunState) -> None:
        """Replace what the folder says of how the run is doing."""
        atomic_file.write_json(self.path / "state.json", asdict(state))

    def write_launch(self, process: ProcessIdentity) -> None:
        """Note the process that was started to work on the run."""
        atomic_file.write_json(self.path / "launch.json", asdict(process))

    def ask_to_stop(self) -> None:
        """Leave a note that the run is to stop."""
        atomic_file.write_bytes(self._stop_flag, b"")

    def is_asked_to_stop(self) -> bool:
        """Return whether the run is to stop."""
        return self._stop_flag.exists()

    def forget_stop(self) -> None:
        """Take the note back, before the run goes on."""
        self._stop_flag.unlink(missing_ok=True)

    def cells(self) -> list[CellResult]:
        """Return the cells that are finished, in the order of the grid."""
        results = (self.cell(cell) for cell in self.specification().cells)
        return [result for result in results if result is not None]

    def cell(self, cell: Cell) -> CellResult | None:
        """Return a cell's result, or None where it is not finished or its file is damaged."""
        try:
            result: CellResult | None = self._read(
                f"cells/{cell.name}.json", CellResult.from_document, default=None
            )
        except StorageError:
            return None
        return result if result is not None and result.cell == cell else None

    def has_cell(self, cell: Cell) -> bool:
        """Return whether a cell's result and its scores are both there and whole."""
        result = self.cell(cell)
        if result is None:
            return False
        try:
            scores = self.scores(cell)
        except StorageError:
            return False
        return scores.shape == (result.n_test, len(result.metrics.classes))

    def write_cell(self, result: CellResult, scores: np.ndarray) -> None:
        """Keep a finished cell and the test images' scores, shape (n_test, n_classes)."""
        folder = create_folder(self.path / "cells")
        try:
            np.save(folder / f"{result.cell.name}.npy", scores.astype(np.float32))
        except OSError as error:
            raise StorageError(unwritable(folder, error)) from error
        atomic_file.write_json(folder / f"{result.cell.name}.json", result.to_document())

    def discard_cells(self) -> None:
        """Delete every finished cell."""
        shutil.rmtree(self.path / "cells", ignore_errors=True)

    def scores(self, cell: Cell) -> np.ndarray:
        """Return the test images' scores in a finished cell, float32, (n_test, n_classes)."""
        file = self.path / "cells" / f"{cell.name}.npy"
        try:
            scores: np.ndarray = np.load(file, allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise StorageError(_damaged(file)) from error
        return scores

    def images(self) -> list[RunImage]:
        """Return the images of the run; the test images stand in the order of the scores."""
        return self._read(
            "images.json", lambda document: [RunImage(*fields) for fields in document], default=[]
        )

    def write_images(self, images: Sequence[RunImage]) -> None:
        """Keep which images the run used, and how."""
        fields = [[i.path, i.sha256, i.label, i.group, i.part] for i in images]
        atomic_file.write_json(self.path / "images.json", fields)

    def record(self) -> dict[str, Any]:
        """Return what the run ran on and with; empty until the cells are begun."""
        return self._read("record.json", _RECORD.validate_python, default={})

    def source(self) -> DescriptorSource:
        """Return what the run's descriptors depend on besides image and cell.

        Raises
        ------
        StorageError
            If the record does not say.
        """
        record = self.record()
        try:
            return DescriptorSource(
                record["weights"]["identity"], record["preprocessing"], record["precision"]
            )
        except (KeyError, TypeError) as error:
            raise StorageError(_damaged(self.path / "record.json")) from error

    def write_record(self, record: dict[str, Any]) -> None:
        """Keep what the run runs on and with."""
        atomic_file.write_json(self.path / "record.json", record)

    def delete(self) -> None:
        """Delete the run; descriptors stay in the store.

        Raises
        ------
        MedrecogError
            If a process is working on it.
        """
        if not self.state().has_ended:
            raise MedrecogError(f"The run {self.id} is at work: stop it before deleting it.")
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise StorageError(unwritable(self.path, error)) from error

    def _read(self, name: str, parse: Callable[[Any], _T], **default: _T) -> _T:
        try:
            return parse(atomic_file.read_json(self.path / name))
        except FileNotFoundError:
            if "default" in default:
                return default["default"]
            raise StorageError(
                f"The run {self.id} is incomplete, it has no {name}: delete it and start another."
            ) from None
        except (AttributeError, KeyError, StorageError, TypeError, UsageError, ValueError) as error:
            raise StorageError(_damaged(self.path / name)) from error


_STATE = TypeAdapter(RunState)
_PROCESS = TypeAdapter(ProcessIdentity)
_RECORD = TypeAdapter(dict[str, Any])


def _damaged(file: Path) -> str:
    return f"{file} is damaged or cannot be read: resume or delete its run."


def create_run(specification: RunSpecification) -> RunFolder:
    """Create the folder of a new run, queued.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    now = time.time()
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
    run = RunFolder(f"{specification.dataset[:40]}-{stamp}-{secrets.token_hex(2)}")
    atomic_file.write_json(run.path / "specification.json", specification.to_document())
    # Until another process is started for it, the run waits in this one and ends with it.
    run.write_launch(this_process())
    run.write_state(RunState(created=now))
    return run


def find_run(run_id: str) -> RunFolder:
    """Return the run of that identity.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    run = RunFolder(run_id)
    if not _ID.fullmatch(run_id) or not (run.path / "state.json").is_file():
        raise MedrecogError(f"There is no run “{run_id}”: the command “runs” lists them.")
    return run


def all_runs() -> list[RunFolder]:
    """Return every run, the newest first."""
    files = cache_folder().runs.glob("*/state.json")
    runs = [RunFolder(file.parent.name) for file in files if _ID.fullmatch(file.parent.name)]
    return sorted(runs, key=lambda run: (run.state().created, run.id), reverse=True)
