"""Starting, stopping, resuming and executing jobs."""

import threading
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from medrecog_core.access import acting
from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.jobs import queue
from medrecog_core.jobs.job import Job, create_job, working_on
from medrecog_core.jobs.journal import Journal
from medrecog_core.jobs.kinds import RUN
from medrecog_core.jobs.process import start_module, this_process
from medrecog_core.jobs.progress import Progress, Report, Stage, ignore, stop_if
from medrecog_core.jobs.state import JobState
from medrecog_core.jobs.supervision import stop_on_signals, supervise
from medrecog_core.ownership import check_may_change_in, sign

WORKER = "medrecog_core.jobs.worker"
"""Module that the process of a job runs, with the identity of the job."""

_SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True)
class Work:
    """What the function of a job receives besides the job.

    Attributes
    ----------
    report
        Call it with the progress.
    should_stop
        Call it between two steps.
    expect
        Call it with a function from the progress to the expected remaining seconds of the job.
    seconds
        Seconds by stage id so far, over all attempts.
    heeded
        Set once `checked_report` has ended the work.
    """

    report: Report
    should_stop: Callable[[], bool]
    expect: Callable[[Callable[[Progress], float | None]], None]
    seconds: Callable[[], dict[str, float]]
    heeded: threading.Event = field(default_factory=threading.Event)

    @property
    def checked_report(self) -> Report:
        """`report`, but raise `StoppedError` if a stop was requested."""

        def report(progress: Progress) -> None:
            self.report(progress)
            if self.should_stop():
                self.heeded.set()
                stop_if(True)

        return report


def start(kind: str, subject: str, title: str, arguments: Mapping[str, Any] | None = None) -> Job:
    """Create a job and start its process; return immediately.

    Raises
    ------
    MedrecogError
        If another job works on the same subject.
    StorageError
        If the cache folder cannot be written to.
    """
    job = create_job(kind, subject, title, arguments)
    launch(job)
    return job


def start_once(
    kind: str, subject: str, title: str, arguments: Mapping[str, Any] | None = None
) -> Job:
    """Return the job of this kind that works on the subject, or start one.

    Raises
    ------
    MedrecogError
        If a job of another kind works on the same subject.
    StorageError
        If the cache folder cannot be written to.
    """
    working = working_on(kind, subject)
    if working is not None and working.kind.name == kind:
        return working
    return start(kind, subject, title, arguments)


def launch(job: Job) -> None:
    """Start a process for a queued job.

    Raises
    ------
    StorageError
        If it cannot be started.
    """
    try:
        if job.kind.lane:
            queue.join(job)
        job.write_launch(start_module(WORKER, [job.id], job.log.file))
    except MedrecogError as error:
        job.write_state(replace(job.state(), status="failed", error=str(error)))
        raise


def resume(job: Job) -> None:
    """Start a process that resumes an unfinished job.

    Raises
    ------
    MedrecogError
        If a process is working on it, or will start soon.
    """
    check_may_change_in(job.path, "resume a job")
    state = job.state()
    _check_unfinished(job, state)
    if state.has_ended:
        job.end_silent_process(state)
    with job.worked_on():  # prevents a second start
        state = job.state()
        if not state.has_ended:
            raise MedrecogError(f"{job.kind.title} {job.id} is already {state.status}.")
        job.forget_stop()
        if job.starter is not None and job.starter.id == acting().id:
            sign(job.path)  # with the role of today
        # Recorded here, because the process takes seconds to start.
        job.write_launch(this_process())
        job.write_state(replace(state, status="queued", error="", process=None, heartbeat=0.0))
    launch(job)


def stop(job: Job) -> None:
    """Ask a job to stop. Completed work is saved.

    Raises
    ------
    MedrecogError
        If no process is working on it.
    """
    check_may_change_in(job.path, "stop a job")
    state = job.state()
    if state.has_ended:
        raise MedrecogError(f"{job.kind.title} {job.id} is not running; it is {state.status}.")
    job.ask_to_stop()
    if state.process is not None:
        state.process.terminate()


def carry_out(job: Job, report: Report = ignore) -> None:
    """Execute a job in this process, wait in the queue of its lane, and record how it ended.

    Parameters
    ----------
    job
        A job that no process is working on.
    report
        Called with the progress.

    Raises
    ------
    StoppedError
        If the job was stopped.
    MedrecogError
        If it failed, or another process is working on it.
    """
    check_may_change_in(job.path, "execute a job")
    kind, state = job.kind, job.state()
    name = f"{kind.title} {job.id}"
    if state.status == "running":
        raise MedrecogError(f"{name} is already running.")
    _check_unfinished(job, state)
    job.end_silent_process(state)
    # Signals are caught until the final state is written, even if a second one arrives.
    with stop_on_signals() as interrupted, job.worked_on(), job.room_for_the_end() as free:
        if state.has_ended:
            job.forget_stop()  # a request made while the job was queued counts
        journal = Journal(job, report)

        def should_stop() -> bool:
            return interrupted.is_set() or job.is_asked_to_stop()

        def end_unfinished(status: str, error: str = "", details: str = "") -> None:
            free()
            # If even that cannot be written, the original error is reported.
            with suppress(StorageError):
                journal.end(status, error, details)

        work = Work(journal.progress, should_stop, journal.expect, lambda: journal.seconds)
        try:
            if kind.lane:
                _wait_for_turn(job, journal, should_stop)
            else:
                journal.begin()
            supervise(
                lambda: kind.function()(job, work), should_stop, journal.beat, work.heeded.is_set
            )
            journal.end("finished")
        except (StoppedError, KeyboardInterrupt):
            end_unfinished("stopped")
            raise StoppedError(
                f"{name} was stopped. Completed work is saved; resume it with “resume {job.id}”."
            ) from None
        except MedrecogError as error:
            end_unfinished("failed", str(error))
            raise
        except OSError as error:
            where = f" ({error.filename})" if error.filename else ""
            sentence = f"{name} failed: {error.strerror or error}{where}."
            end_unfinished("failed", sentence, traceback.format_exc())
            raise MedrecogError(sentence) from error
        except BaseException as error:
            sentence = f"{name} failed: {type(error).__name__}: {error}"
            end_unfinished("failed", sentence, traceback.format_exc())
            raise
        finally:
            if kind.lane:
                queue.leave(job)


def _check_unfinished(job: Job, state: JobState) -> None:
    # A finished run may lack cells whose files were damaged.
    if state.status == "finished" and job.kind.name != RUN:
        raise MedrecogError(f"{job.kind.title} {job.id} is already finished.")


def _wait_for_turn(job: Job, journal: Journal, should_stop: Callable[[], bool]) -> None:
    shown = ""
    while before := queue.take_turn(job, journal.begin):
        more = f" and {len(before) - 1} more" if len(before) > 1 else ""
        label = f"Waiting for {before[0].id}{more}"
        if label != shown:
            shown = label
            journal.progress(Progress(Stage("wait-for-turn", label), 0, 0, waits=True))
        journal.beat()
        stop_if(should_stop())
        time.sleep(_SECONDS_BETWEEN_LOOKS)
