"""A job: work in a separate process, with a folder that every process can read."""

import io
import os
import re
import secrets
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.access import Action, Person
from medrecog_core.bounds import KNOWN_ONLY, Text
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs.kinds import RUN, JobKind, find_kind
from medrecog_core.jobs.locks import locked
from medrecog_core.jobs.process import ProcessIdentity, this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import cache_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.ownership import check_may_change_in, owner_of, sign
from medrecog_core.regular_file import open_regular
from medrecog_core.wording import as_text


class Log:
    """Lines of text; those that the job itself wrote begin with the time in UTC.

    The output of a detached process goes to the same file. The log is not part of the results: if
    it cannot be written, the job continues.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, text: str) -> None:
        """Add one or more lines."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
        # A single write, because another process may append its own lines.
        with suppress(OSError), self.file.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{stamp}  {text.rstrip()}\n")

    def lines(self, last: int | None = None) -> list[str]:
        """Return all lines or the last ones; none if there is no log yet."""
        try:
            with io.TextIOWrapper(open_regular(self.file), "utf-8", errors="replace") as file:
                return [line.rstrip("\n") for line in deque(file, maxlen=last)]
        except OSError:
            return []


_T = TypeVar("_T")

JOB_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
"""What the identity of a job looks like, which is the name of its folder."""
_RESERVED_BYTES = 64 * 1024
# A killed process takes a moment to release its memory, and only then its locks.
_SECONDS_TO_LET_GO = 5
_SECONDS_KEPT = 30 * 24 * 3600


@dataclass(frozen=True)
class Order:
    """What a job does.

    Attributes
    ----------
    kind
        Name of a kind in `KINDS`.
    subject
        What it works on, such as the name of a data set. Only one job at a time works on it.
    title
        Title shown to users.
    arguments
        Further arguments of its function, as JSON values.
    """

    __pydantic_config__ = KNOWN_ONLY

    kind: Text
    subject: Text
    title: str
    arguments: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # It may name a folder whose name is not UTF-8.
        object.__setattr__(self, "title", as_text(self.title))


class Job:
    """Reads and writes the folder of one job.

    Parameters
    ----------
    path
        Its folder, whose name is the job's identity.
    """

    def __init__(self, path: Path) -> None:
        self.id = path.name
        self.path = path

    @property
    def log(self) -> Log:
        """Log of the job's processes."""
        return Log(self.path / "log.txt")

    def order(self) -> Order:
        """Return what the job does; runs store it in other files."""
        is_run = self.path.parent == cache_folder().runs
        default = {"default": Order(RUN, "", self.id)} if is_run else {}
        return self._read("job.json", _ORDER.validate_python, **default)

    @property
    def starter(self) -> Person | None:
        """Who started it, with the role at that time; None for the operator."""
        return owner_of(self.path)

    @property
    def kind(self) -> JobKind:
        """The kind of the job."""
        return find_kind(self.order().kind)

    @property
    def title(self) -> str:
        """Title of the job, or its identity if it has none."""
        with suppress(StorageError):
            title: str = self._read("title.json", _TITLE.validate_python, default="")
            return title or self.order().title
        return self.id

    def state(self) -> JobState:
        """Return the state of the job, from its folder and its process.

        A job whose folder is damaged, or whose kind is unknown, counts as failed for that reason.
        """
        try:
            self.kind  # noqa: B018
            state = self._read("state.json", JobState.from_document)
            launched = None
            if state.status == "queued" and state.process is None:
                launched = self._read("launch.json", _PROCESS.validate_python, default=None)
        except StorageError as error:
            return JobState("failed", error=str(error))
        return state.seen_now(launched, self.is_asked_to_stop())

    def write_state(self, state: JobState) -> None:
        """Write the state of the job."""
        atomic_file.write_json(self.path / "state.json", state.to_document())

    def write_launch(self, process: ProcessIdentity) -> None:
        """Record the process that was started for the job."""
        atomic_file.write_json(self.path / "launch.json", asdict(process))

    def ask_to_stop(self) -> None:
        """Request the job to stop."""
        check_may_change_in(self.path, "stop a job")
        atomic_file.write_bytes(self.path / "stop", b"")

    def is_asked_to_stop(self) -> bool:
        """Return whether the job was requested to stop."""
        return (self.path / "stop").exists()

    def forget_stop(self) -> None:
        """Withdraw the request to stop, before the job is resumed."""
        check_may_change_in(self.path, "resume a job")
        (self.path / "stop").unlink(missing_ok=True)

    def end_silent_process(self, state: JobState) -> None:
        """End the process of an interrupted job if it hangs."""
        if state.status == "interrupted" and state.process is not None:
            state.process.kill()

    def delete(self) -> None:
        """Delete the job.

        Raises
        ------
        MedrecogError
            If a process is working on it.
        """
        check_may_change_in(self.path, "delete a job")
        state = self.state()
        if not state.has_ended:
            raise MedrecogError(f"“{self.title}” is {state.status}. Stop it before deleting it.")
        self.end_silent_process(state)
        self._discard()

    def _discard(self) -> None:
        """Remove the folder of a job that has ended."""
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise StorageError(unwritable(self.path, error)) from error

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Prevent other processes from working on the job within the block.

        Raises
        ------
        MedrecogError
            If another process is working on it.
        """
        busy = f"{self.kind.title} {self.id} is already running."
        with locked(self.path / "lock", busy, _SECONDS_TO_LET_GO):
            self.remove_leftovers()
            yield

    def remove_leftovers(self) -> None:
        """Delete the unfinished files of a process that was killed while writing."""
        for file in self.path.glob(".*.json-*"):
            with suppress(OSError):
                file.unlink()

    @contextmanager
    def room_for_the_end(self) -> Iterator[Callable[[], None]]:
        """Reserve some disk space, and provide a function that frees it.

        On a full disk, a job can then still report that it failed, and why.
        """
        reserve = self.path / "reserve"

        def free() -> None:
            with suppress(OSError):
                reserve.unlink(missing_ok=True)

        # Random bytes, because a file system may compress others.
        with suppress(StorageError):
            atomic_file.write_bytes(reserve, os.urandom(_RESERVED_BYTES))
        try:
            yield free
        finally:
            free()

    def _read(self, name: str, parse: Callable[[Any], _T], **default: _T) -> _T:
        try:
            return parse(atomic_file.read_json(self.path / name))
        except FileNotFoundError:
            if "default" in default:
                return default["default"]
            raise StorageError(
                f"{self.id} is incomplete, it has no {name}. Delete it and start again."
            ) from None
        except (AttributeError, KeyError, StorageError, TypeError, UsageError, ValueError) as error:
            raise StorageError(damaged(self.path / name)) from error


def damaged(file: Path) -> str:
    """Return the error message for an unusable file of a job."""
    job = file.parent.parent if file.parent.name == "cells" else file.parent
    return (
        f"{job.name}/{file.relative_to(job).as_posix()} is damaged or cannot be read. Resume or "
        f"delete {job.name}."
    )


def create_job(
    kind: str, subject: str, title: str, arguments: Mapping[str, Any] | None = None
) -> Job:
    """Create the folder of a new job, queued.

    Raises
    ------
    MedrecogError
        If another job works on the same subject.
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("start a job", Action.ADD)
    find_kind(kind)
    _delete_old()
    folder = cache_folder().jobs
    with locked(folder / "lock", "Jobs cannot be started now. Try again.", _SECONDS_TO_LET_GO):
        other = working_on(kind, subject)
        if other is not None:
            raise MedrecogError(
                f"The {find_kind(kind).works_on} “{subject}” is in use by another job "
                f"({other.title}). Wait until it has finished, or stop it with “stop {other.id}”."
            )
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        job = Job(folder / f"{kind}-{stamp}-{secrets.token_hex(3)}")
        order = Order(kind, subject, title, dict(arguments or {}))
        atomic_file.write_json(job.path / "job.json", asdict(order))
        sign(job.path)
        # Until another process is started for it, the job belongs to this one and ends with it.
        job.write_launch(this_process())
        job.write_state(JobState(created=time.time()))
    return job


def all_jobs(*kinds: str) -> list[Job]:
    """Return all jobs except runs, or those of some kinds, the newest first."""
    files = cache_folder().jobs.glob("*/state.json")
    jobs = [Job(file.parent) for file in files if JOB_ID.fullmatch(file.parent.name)]
    found = [job for job in jobs if not kinds or _kind_in(job.id) in kinds]
    return sorted(found, key=lambda job: (_stamp_in(job.id), job.id), reverse=True)


def working_on(kind: str, subject: str) -> Job | None:
    """Return the job, if any, that works on what a job of this kind and subject would work on."""
    noun = find_kind(kind).works_on
    for job in all_jobs():
        with suppress(StorageError):
            is_it = noun and job.kind.works_on == noun and job.order().subject == subject
            if is_it and not job.state().has_ended:
                return job
    return None


def last_job(kind: str, subject: str) -> Job | None:
    """Return the newest job of a kind on a subject, ended or not."""
    for job in all_jobs(kind):
        with suppress(StorageError):
            if job.order().subject == subject:
                return job
    return None


def _kind_in(job_id: str) -> str:
    return job_id.rsplit("-", 3)[0]


def _stamp_in(job_id: str) -> list[str]:
    return job_id.rsplit("-", 3)[1:]


def find_job(job_id: str) -> Job:
    """Return the job or run with an identity.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    if JOB_ID.fullmatch(job_id):
        for folder in (cache_folder().jobs, cache_folder().runs):
            if (folder / job_id / "state.json").is_file():
                return Job(folder / job_id)
    raise MedrecogError(
        f"Run or job “{job_id}” not found. The commands “runs” and “jobs” list them."
    )


def _delete_old() -> None:
    for job in all_jobs():
        with suppress(OSError):
            last_written = (job.path / "state.json").stat().st_mtime
            if time.time() - last_written > _SECONDS_KEPT and job.state().has_ended:
                shutil.rmtree(job.path, ignore_errors=True)


_ORDER = TypeAdapter(Order)
_PROCESS = TypeAdapter(ProcessIdentity)
_TITLE: TypeAdapter[str] = TypeAdapter(Text)
