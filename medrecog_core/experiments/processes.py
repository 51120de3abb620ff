"""Processes that outlive whoever started them."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import ENVIRONMENT_VARIABLE, cache_folder, unwritable

_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told from a later one of the same number by when it started.

    Attributes
    ----------
    pid
        Its number.
    started
        Seconds since 1970, as the operating system says.
    """

    pid: int
    started: float

    def is_alive(self) -> bool:
        """Return whether the process is still there and not a zombie."""
        return self._process() is not None

    def terminate(self) -> None:
        """Ask the process to end, if it is still there."""
        process = self._process()
        if process is not None:
            try:
                process.terminate()
            except psutil.NoSuchProcess:
                return

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < 1
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def this_process() -> ProcessIdentity:
    """Return the identity of the calling process."""
    return identify(os.getpid())


def identify(pid: int) -> ProcessIdentity:
    """Return the identity of a process that has just been started."""
    return ProcessIdentity(pid, psutil.Process(pid).create_time())


def start_detached(arguments: Sequence[str], log: Path) -> ProcessIdentity:
    """Start `python -m medrecog_core` with arguments; it goes on when the caller ends.

    Parameters
    ----------
    arguments
        After the module's name.
    log
        File that takes what the process prints, at its end.

    Raises
    ------
    StorageError
        If the log cannot be written.
    """
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                _command_line(arguments),
                cwd=_PROJECT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise StorageError(unwritable(log, error)) from error
    return identify(process.pid)


def run_command(arguments: Sequence[str]) -> Any:
    """Run a short command of the command line, wait for it and return its JSON document.

    What it needs (scikit-learn, say) is loaded in the other process and gone afterwards.

    Raises
    ------
    MedrecogError
        With the command's own sentence, if it fails.
    """
    done = subprocess.run(
        _command_line([*arguments, "--json"]),
        cwd=_PROJECT,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"“{arguments[0]}” ended without a word."]
        raise MedrecogError(lines[-1].removeprefix("medrecog: "))
    return json.loads(done.stdout)


def _command_line(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "medrecog_core", *arguments]


def _environment() -> dict[str, str]:
    return {**os.environ, ENVIRONMENT_VARIABLE: str(cache_folder().root)}
