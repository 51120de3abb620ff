"""What commands print: one JSON document or tables, and progress on standard error."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from medrecog_core.jobs.progress import MEGABYTE, Progress, Report, Stage, counting_bytes

_FILE_WIDTH = 200


def write_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    # In ASCII, because standard output may not be able to encode the name of a file.
    click.echo(json.dumps(document, indent=1))


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people; numbers are right-aligned."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    lines = [list(row) for row in rows]
    for i, column in enumerate(columns):
        numeric = bool(lines) and all(isinstance(line[i], int | float) for line in lines)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for line in lines:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in line))
    # A pipe or file has no width; brackets and colons in file names are not markup.
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def fail_after_output() -> None:
    """Exit with status 1 when the output has already given the reason."""
    raise SystemExit(1)


# --- Progress: a bar in a terminal, occasional lines in a log ------------------------------------

_MOST_SECONDS_BETWEEN_LINES = 10


@contextlib.contextmanager
def shown_progress() -> Iterator[Report]:
    """Provide a function that shows progress within the block."""
    if sys.stderr.isatty():
        with Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as bars:
            yield _BarReport(bars)
    else:
        yield _LineReport()


@contextlib.contextmanager
def shown_bytes() -> Iterator[Callable[[Stage, int, int], None]]:
    """Provide a function of (stage, bytes done, total bytes) that shows progress in megabytes."""
    with shown_progress() as report:
        yield counting_bytes(report)


class _BarReport:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._shown: Stage | None = None

    def __call__(self, progress: Progress) -> None:
        rate = f"{progress.rate:.1f}/s" if progress.rate else ""
        if progress.bytes_rate:
            rate += f", {progress.bytes_rate / MEGABYTE:.1f} MB/s"
        if progress.waits:
            if progress.stage != self._shown:
                self._shown = progress.stage
                self._bars.console.print(progress.stage.label, markup=False, highlight=False)
            return
        if progress.stage.id not in self._tasks:
            if not progress.total:
                return
            unit = f" ({progress.stage.unit})" if progress.stage.unit else ""
            task = self._bars.add_task(f"{progress.stage.label}{unit}", rate=rate)
            self._tasks[progress.stage.id] = task
        self._bars.update(
            self._tasks[progress.stage.id],
            completed=progress.done,
            total=progress.total,
            rate=rate,
        )


class _LineReport:
    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._begun = self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        ends = progress.done == progress.total and not progress.waits
        is_new = progress.stage != self._stage
        lately = now - self._last < self._pause(now)
        if lately and not is_new and not ends:
            return
        if is_new:
            self._stage, self._begun = progress.stage, now
        self._last = now
        if progress.waits:
            print(progress.stage.label, file=sys.stderr, flush=True)
        if not progress.total:
            return
        left = progress.seconds_left
        unit = f" {progress.stage.unit}" if progress.stage.unit else ""
        rate = f", {progress.rate:.1f} per second" if progress.rate else ""
        if progress.bytes_rate:
            rate += f", {progress.bytes_rate / MEGABYTE:.1f} MB per second"
        remaining = f", {left:.0f} s left" if left else ""
        print(
            f"{progress.stage.label}: {progress.done}/{progress.total}{unit}{rate}{remaining}",
            file=sys.stderr,
            flush=True,
        )

    def _pause(self, now: float) -> float:
        """Return the seconds between two lines, which grow with the time of the stage."""
        return min(max(1.0, (now - self._begun) / 10), _MOST_SECONDS_BETWEEN_LINES)
