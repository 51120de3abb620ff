"""Progress of long work, and requests to stop it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from medrecog_core.bounds import KNOWN_ONLY, Text
from medrecog_core.errors import StoppedError

MEGABYTE = 10**6

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Stage:
    """A part of long work.

    Attributes
    ----------
    id
        In kebab-case, such as `extract-224`. Records and tests identify the stage by it.
    label
        Text shown to users. Nothing depends on it.
    unit
        What is counted, in the plural, such as `images`; empty if nothing is.

    Raises
    ------
    ValueError
        If the id is not in kebab-case.
    """

    __pydantic_config__ = KNOWN_ONLY

    id: Text
    label: Text
    unit: Text = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id):
            raise ValueError(f"“{self.id}” is not the id of a stage")


@dataclass(frozen=True)
class Progress:
    """Progress of a stage.

    Attributes
    ----------
    stage
        The stage.
    done, total
        Counted in the stage's unit; a total of 0 while it is unknown.
    rate
        Units per second; 0 while it is unknown.
    scale
        Input size, while features are extracted.
    bytes_rate
        Bytes per second, while files are read; 0 if unknown.
    waits
        Whether the stage waits for another process.
    found
        Of `done`, what was there before the stage began, from an earlier attempt or other work.
    """

    stage: Stage
    done: int
    total: int
    rate: float = 0.0
    scale: int | None = None
    bytes_rate: float = 0.0
    waits: bool = False
    found: int = 0

    @property
    def seconds_left(self) -> float | None:
        """Expected remaining seconds of the stage, None while unknown."""
        return (self.total - self.done) / self.rate if self.rate else None


Report = Callable[[Progress], None]
"""Called with the progress of long work."""


def ignore(_: Progress) -> None:
    """Report progress to nobody."""


def never() -> bool:
    """Never request a stop."""
    return False


def stop_if(asked: bool) -> None:
    """Raise an error if the work was requested to stop.

    Raises
    ------
    StoppedError
        If a stop was requested.
    """
    if asked:
        raise StoppedError("The work was stopped. Completed work is saved.")


class Meter:
    """Counts the progress of a stage, from what was found, and reports it with the rate so far."""

    def __init__(
        self,
        stage: Stage,
        total: int,
        report: Report = ignore,
        scale: int | None = None,
        found: int = 0,
    ) -> None:
        self.stage, self.total, self.scale, self._report = stage, total, scale, report
        self.done = self.found = found
        self._start: float | None = None
        self._counted_from = 0
        self._tell(0.0)

    def add(self, n: int) -> None:
        """Count n more and report."""
        self.done += n
        now = time.monotonic()
        if self._start is None:
            # The first batch includes building the graph, so the rate is counted from its end.
            self._start, self._counted_from = now, self.done
            rate = 0.0
        else:
            rate = (self.done - self._counted_from) / max(now - self._start, 1e-9)
        self._tell(rate)

    def close(self) -> None:
        """Report the end of a stage that had less to do than expected."""
        if self.done < self.total:
            self.total = self.done
            self._tell(0.0)

    def _tell(self, rate: float) -> None:
        self._report(
            Progress(self.stage, self.done, self.total, rate, self.scale, found=self.found)
        )


def counting(report: Report, stage: Stage) -> Callable[[int, int], None]:
    """Return a function of (done, total) that reports a stage with its rate."""
    first: tuple[int, float] | None = None

    def count(done: int, total: int) -> None:
        nonlocal first
        now = time.monotonic()
        # Resumed work begins with work already done, which took no time.
        first = first or (done, now)
        report(Progress(stage, done, total, (done - first[0]) / max(now - first[1], 1e-9)))

    return count


def counting_files(report: Report, stage: Stage) -> Callable[[int, int, int], None]:
    """Return a function of (files done, total files, bytes done) that reports a stage."""
    start: float | None = None

    def count(done: int, total: int, n_bytes: int) -> None:
        nonlocal start
        start = time.monotonic() if start is None else start
        seconds = max(time.monotonic() - start, 1e-9)
        rates = (done / seconds, n_bytes / seconds) if done and seconds > 1e-6 else (0.0, 0.0)
        report(Progress(stage, done, total, rates[0], bytes_rate=rates[1]))

    return count


def counting_bytes(report: Report) -> Callable[[Stage, int, int], None]:
    """Return a function of (stage, bytes done, total bytes) that reports megabytes."""
    counts: dict[str, Callable[[int, int], None]] = {}

    def count(stage: Stage, done: int, total: int) -> None:
        if stage.id not in counts:
            counts[stage.id] = counting(report, replace(stage, unit="MB"))
        counts[stage.id](done // MEGABYTE, total // MEGABYTE)

    return count
