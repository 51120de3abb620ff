"""The list of runs: what one row shows of each, and which rows a search finds.

What takes long to compute is kept in a small file in the folder of each run.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from medrecog_core import atomic_file
from medrecog_core.classification import estimate
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs.state import JobState
from medrecog_core.mode import is_viewer
from medrecog_core.networks import find_network
from medrecog_core.runs.cell_evaluation import CellResult
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.description import run_settings
from medrecog_core.runs.labels import RunLabels
from medrecog_core.runs.naming import describe_run, numbered
from medrecog_core.runs.run import Run, runs_with_states
from medrecog_core.runs.search import Searched, matches, parse_query
from medrecog_core.runs.specification import RunSpecification

_FILE = "summary.json"
_FORMAT = 1
_MEASURE = "accuracy"
_READ: dict[Path, "_Kept"] = {}
_MOST_READ = 5_000


@dataclass(frozen=True)
class BestCell:
    """The best cell of a run by accuracy.

    Attributes
    ----------
    name
        Name of the cell.
    score, low, high
        Its accuracy with the 95 % confidence interval.
    n
        Number of test images.
    """

    name: str
    score: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class RunSummary:
    """What a list shows of a run besides its state and labels.

    Attributes
    ----------
    described
        Title of a run that was given none.
    dataset, network, protocol, parameter
        Data set, title of the network, split in words, and the hyper-parameter with its values.
    n_cells, n_finished
        Cells of the grid, and those that are finished.
    best
        The best finished cell; None if there is none.
    settings
        Every setting in words; see `run_settings`.
    """

    described: str
    dataset: str
    network: str
    protocol: str
    parameter: str
    n_cells: int
    n_finished: int
    best: BestCell | None
    settings: dict[str, str]


@dataclass(frozen=True)
class ListedRun:
    """A run in the list.

    Attributes
    ----------
    run, state, labels
        The run, its state now and its labels.
    name
        Its title, or a description if it was given none. No two runs of a list share it.
    summary
        None if the run's folder is damaged.
    damage
        Why the run cannot be read, and what to do; empty if it can.
    started_by
        Name of who started it; empty for the operator.
    """

    run: Run
    state: JobState
    labels: RunLabels
    name: str
    summary: RunSummary | None
    damage: str = ""
    started_by: str = ""

    @property
    def seconds(self) -> float:
        """Time of work in seconds, over all attempts; 0 if unknown."""
        return sum(seconds for _, seconds in self.state.seconds)

    @property
    def status(self) -> str:
        """Status of the run; `unreadable` if its folder is damaged."""
        return "unreadable" if self.damage else self.state.status

    @property
    def reason(self) -> str:
        """Why the run cannot be read, or why it failed; empty otherwise."""
        return self.damage or self.state.error

    @property
    def progress(self) -> str:
        """What is done of an unfinished run, such as `184 of 240 images`; empty if unknown."""
        state, unit = self.state, ""
        if state.status == "finished":
            return ""
        if state.stage is not None and state.total:
            unit = f" {state.stage.unit}" if state.stage.unit else ""
            return f"{state.done:,} of {state.total:,}{unit}"
        if self.summary is not None and self.summary.n_finished:
            return f"{self.summary.n_finished:,} of {self.summary.n_cells:,} cells"
        return ""


@dataclass(frozen=True)
class _Kept:
    format: int
    version: tuple[int, ...]
    summary: RunSummary


def list_runs() -> list[ListedRun]:
    """Return every run, pinned ones first, then the newest first."""
    runs = runs_with_states()
    titles = {run.id: run.title for run, _ in runs}
    summaries, damage = {}, {}
    for run, _ in runs:
        try:
            summaries[run.id] = summarise(run)
        except MedrecogError as error:
            damage[run.id] = str(error)
    names: dict[str, str] = {}
    taken = {title for run_id, title in titles.items() if title != run_id}
    # The oldest first, so that a new run changes no name.
    for run, _ in reversed(runs):
        name, summary = titles[run.id], summaries.get(run.id)
        if name == run.id and summary is not None:
            name = summary.described
            if name in taken:
                name = numbered(name, taken)
        elif name in names.values():  # as earlier versions allowed
            name = numbered(name, taken)
        names[run.id] = name
        taken.add(name)
    rows = [
        ListedRun(
            run,
            state,
            run.labels(),
            names[run.id],
            summaries.get(run.id),
            damage.get(run.id, ""),
            starter.name if (starter := run.starter) is not None else "",
        )
        for run, state in runs
    ]
    return sorted(rows, key=lambda row: not row.labels.pinned)


def suggest_title(specification: RunSpecification) -> str:
    """Return the title of `describe_run`, with a number if a run is listed under it."""
    title, taken = describe_run(specification), {row.name for row in list_runs()}
    return title if title not in taken else numbered(title, taken)


def summarise(run: Run) -> RunSummary:
    """Return the summary of a run, from its file if that is up to date.

    Raises
    ------
    MedrecogError
        If the run's folder is damaged.
    """
    version = _version(run)
    kept = _READ.get(run.path) or _read(run)
    if kept is None or (kept.format, kept.version) != (_FORMAT, version):
        kept = _Kept(_FORMAT, version, _compute(run))
        _write(run, kept)
    if len(_READ) >= _MOST_READ:
        _READ.clear()
    _READ[run.path] = kept
    return kept.summary


def search_runs(rows: Sequence[ListedRun], text: str) -> list[ListedRun]:
    """Return the runs that a query finds, in their order; see `parse_query`."""
    if not text.strip():
        return list(rows)
    searched = [_searched(row) for row in rows]
    query = parse_query(text, {name for each in searched for name in each.settings})
    return [row for row, each in zip(rows, searched, strict=True) if matches(query, each)]


def _searched(row: ListedRun) -> Searched:
    settings = {
        "name": row.name,
        "status": row.status,
        "tags": ", ".join(row.labels.tags),
        "note": row.labels.note,
        "started by": row.started_by,
        "date": time.strftime("%Y-%m-%d", time.localtime(row.state.created)),
    }
    if row.summary is not None:
        best = row.summary.best
        settings |= row.summary.settings | {"network": row.summary.network}
        settings["network"] += f", {row.summary.settings['network']}"
        if best is not None:
            settings |= {_MEASURE: repr(best.score), "score": repr(best.score), "n": str(best.n)}
            settings["best cell"] = best.name
    return Searched("\n".join((row.run.id, *settings.values())), settings)


def _compute(run: Run) -> RunSummary:
    asked, record, settings = run.specification(), run.record(), run_settings(run)
    results = run.cells()
    parameter = asked.trained_classifier.parameter.name
    return RunSummary(
        described=describe_run(asked),
        dataset=asked.dataset,
        network=record.network if record is not None else find_network(asked.network).title,
        protocol=record.split.kind if record is not None else asked.protocol,
        parameter=f"{parameter} = {settings[parameter]}",
        n_cells=len(asked.cells),
        n_finished=len(results),
        best=_best(run, results),
        settings=settings,
    )


def _best(run: Run, results: Sequence[CellResult]) -> BestCell | None:
    if not results:
        return None
    best = max(results, key=lambda result: result.metrics.accuracy)
    found = estimate(score_images(run, best), [_MEASURE])[_MEASURE]
    return BestCell(best.cell.name, found.value, found.low, found.high, found.n_images)


def _version(run: Run) -> tuple[int, ...]:
    """Return what changes whenever the record or a cell is written, 0 for what does not exist."""
    return tuple(
        _changed(run.path / name) for name in ("specification.json", "record.json", "cells")
    )


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(run: Run) -> _Kept | None:
    try:
        return _KEPT.validate_python(atomic_file.read_json(run.path / _FILE))
    except (FileNotFoundError, StorageError, ValidationError):
        return None


def _write(run: Run, kept: _Kept) -> None:
    # The list is right without the file, only slower.
    if not is_viewer():
        with suppress(StorageError):
            atomic_file.write_json(run.path / _FILE, asdict(kept))


_KEPT = TypeAdapter(_Kept)
