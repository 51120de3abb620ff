"""Journal of a job: the state and log that its process writes for other processes."""

import dataclasses
import threading
import time
from collections.abc import Callable

from medrecog_core import __version__
from medrecog_core.errors import StorageError
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.progress import Progress
from medrecog_core.jobs.state import SECONDS_BETWEEN_HEARTBEATS

STARTED_BY = "started by "
"""Beginning of the line of the log that names a person; it is not in bundles."""
_SECONDS_BETWEEN_WRITES = 0.5


class Journal:
    """Keeps a job's state and log while a process works on it.

    The state is written a few times per second at most, except for batches, each of which is
    recorded. A journal is thread-safe; after its end it ignores further calls.

    Parameters
    ----------
    job
        The job; it becomes queued.
    report
        Also called with the progress.
    """

    def __init__(self, job: Job, report: Callable[[Progress], None]) -> None:
        self._job, self._report = job, report
        self._lock = threading.Lock()
        self._last_write = self._last_progress = time.monotonic()
        self._is_at_its_end = False
        self._seconds_left: Callable[[Progress], float | None] | None = None
        earlier = job.state()
        self._earlier_images = dict(earlier.network_images)
        self._seconds = dict(earlier.seconds)
        self._state = dataclasses.replace(
            earlier,
            status="queued",
            stage=None,
            done=0,
            total=0,
            rate=0.0,
            job_seconds_left=None,
            waits=False,
            error="",
            process=this_process(),
            attempts=earlier.attempts + 1,
        )
        # The log is in bundles, so it does not name the machine.
        if job.starter is not None:
            self._log(f"{STARTED_BY}{job.starter.name}")
        self._log(
            f"attempt {self._state.attempts}: medrecog {__version__}, process {this_process().pid}"
        )
        with self._lock:
            self._write()

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage id so far, over all attempts."""
        return dict(self._seconds)

    def expect(self, seconds_left: Callable[[Progress], float | None]) -> None:
        """Set the estimate of the remaining time of the job.

        Parameters
        ----------
        seconds_left
            Function from the progress to the expected remaining seconds, None while unknown.
        """
        self._seconds_left = seconds_left

    def begin(self) -> None:
        """Record that the job has started to work."""
        with self._lock:
            self._count_time()
            self._state = dataclasses.replace(
                self._state,
                status="running",
                stage=None,
                waits=False,
                started=self._state.started or time.time(),
            )
            self._write()

    def progress(self, progress: Progress) -> None:
        """Record and report the progress."""
        with self._lock:
            if self._is_at_its_end:
                return
            is_news = progress.stage != self._state.stage
            self._count_time()
            if is_news:
                self._log(progress.stage.label)
            images = dict(self._state.network_images)
            if progress.scale is not None:
                earlier = self._earlier_images.get(progress.scale, 0)
                images[progress.scale] = earlier + progress.done - progress.found
            self._state = dataclasses.replace(
                self._state,
                stage=progress.stage,
                done=progress.done,
                total=progress.total,
                rate=progress.rate,
                job_seconds_left=self._seconds_left(progress) if self._seconds_left else None,
                waits=progress.waits,
                network_images=tuple(images.items()),
            )
            is_due = time.monotonic() - self._last_write >= _SECONDS_BETWEEN_WRITES
            if is_news or is_due or progress.scale is not None:
                self._write()
        self._report(progress)

    def beat(self) -> None:
        """Show that the process is alive when there is no other progress."""
        with self._lock:
            if time.monotonic() - self._last_write >= SECONDS_BETWEEN_HEARTBEATS:
                try:
                    self._write()
                except StorageError:
                    # The work itself will fail and report it.
                    self._last_write = time.monotonic()

    def end(self, status: str, error: str = "", details: str = "") -> None:
        """Record how the work ended; further calls are ignored.

        Parameters
        ----------
        status
            `finished`, `failed` or `stopped`.
        error
            Error message of a failed job.
        details
            Details for the log.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        with self._lock:
            self._count_time()
            self._is_at_its_end = True
            self._log("\n".join(filter(None, (status, error, details))))
            self._state = dataclasses.replace(
                self._state, status=status, error=error, finished=time.time()
            )
            self._write()

    def _count_time(self) -> None:
        now = time.monotonic()
        stage = self._state.stage
        if stage and self._state.status == "running":
            self._seconds[stage.id] = self._seconds.get(stage.id, 0.0) + now - self._last_progress
        self._last_progress = now

    def _write(self) -> None:
        self._last_write = time.monotonic()
        self._state = dataclasses.replace(
            self._state, heartbeat=self._last_write, seconds=tuple(self._seconds.items())
        )
        self._job.write_state(self._state)

    def _log(self, text: str) -> None:
        self._job.log.write(text)
