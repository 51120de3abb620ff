"""Checking a data set's health in a process that outlives the page, and following it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.datasets import HealthReport, check_health, library
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs.process import ProcessIdentity, start_detached, this_process
from medrecog_core.jobs.progress import Progress, ignore
from medrecog_core.locations import create_folder
from medrecog_core.mode import check_may_change

_FILE = "check.json"
_SECONDS_BETWEEN_WRITES = 0.5


@dataclass(frozen=True)
class HealthCheck:
    """How the check of a data set's health is doing.

    Attributes
    ----------
    process
        The process that checks or did so last.
    stage, done, total
        What it works on and how far that is; 0 while unknown.
    ended
        Whether it said its last word.
    error
        One sentence, where it failed.
    """

    process: ProcessIdentity
    stage: str = ""
    done: int = 0
    total: int = 0
    ended: bool = False
    error: str = ""

    @property
    def is_at_work(self) -> bool:
        """Whether the process is alive and has not ended the check."""
        return not self.ended and self.process.is_alive()


def launch_health_check(name: str, refresh: bool = False) -> None:
    """Start a process that checks a data set, unless one is at work on it; return at once.

    Parameters
    ----------
    name
        The data set.
    refresh
        Whether to take in first what the files are now.

    Raises
    ------
    StorageError
        If the cache folder cannot be written to.
    """
    check_may_change("check a data set")
    current = find_health_check(name)
    if current is not None and current.is_at_work:
        return
    folder = create_folder(library.folder_of(name))
    arguments = ["datasets", "check", name, *(["--refresh"] if refresh else [])]
    process = start_detached(arguments, folder / "check-log.txt")
    _write(name, HealthCheck(process, "starting"))


def find_health_check(name: str) -> HealthCheck | None:
    """Return how the last check of a data set is doing, None where there was none."""
    try:
        check: HealthCheck = _CHECK.validate_python(
            atomic_file.read_json(library.folder_of(name) / _FILE)
        )
    except (FileNotFoundError, StorageError, ValueError):
        return None
    return check


def carry_out_health_check(
    name: str, refresh: bool = False, report: Callable[[Progress], None] = ignore
) -> HealthReport:
    """Check a data set in this process, and let others see how far that is.

    Parameters
    ----------
    name
        The data set.
    refresh
        Whether to take in first what the files are now.
    report
        Called with the progress.

    Raises
    ------
    MedrecogError
        If there is no such data set, or it cannot be checked.
    """
    check_may_change("check a data set")
    check = HealthCheck(this_process(), "starting")
    last_write = 0.0

    def note(stage: str, done: int, total: int) -> None:
        nonlocal check, last_write
        report(Progress(stage, done, total))
        now = time.monotonic()
        if now - last_write >= _SECONDS_BETWEEN_WRITES or stage != check.stage:
            last_write = now
            check = replace(check, stage=stage, done=done, total=total)
            _write(name, check)

    library.load(name, lambda done, total: note("drawing the demo pictures", done, total))
    _write(name, check)
    try:
        dataset = library.complete(name, lambda done, total: note("looking at files", done, total))
        if refresh:
            dataset, _ = library.refresh(
                name, lambda done, total: note("comparing files", done, total)
            )
        health = check_health(dataset, note)
    except MedrecogError as error:
        _write(name, replace(check, ended=True, error=str(error)))
        raise
    except BaseException as error:
        sentence = f"The check ended before its time: {type(error).__name__}: {error}"
        _write(name, replace(check, ended=True, error=sentence))
        raise
    _write(name, replace(check, ended=True))
    return health


def _write(name: str, check: HealthCheck) -> None:
    atomic_file.write_json(library.folder_of(name) / _FILE, asdict(check))


_CHECK = TypeAdapter(HealthCheck)
