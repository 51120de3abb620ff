"""Processes that outlive whoever started them."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder, checkout_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.settings import CACHE_VARIABLE

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The kernel's own time of its start is rounded to a second, and may be rounded anew.
_TOLERANCE = 2.0
_SECONDS_TO_DIE = 5


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told from a later one of the same number by when it started.

    Attributes
    ----------
    pid
        Its number.
    started
        Seconds from the machine's start to the process's (Linux), elsewhere since 1970.
    boot
        The machine and its start, empty where the system does not tell: a process of another
        machine, or of this one before it was restarted, is not alive here.
    """

    pid: int
    started: float
    boot: str = ""

    def is_alive(self) -> bool:
        """Return whether the process is still there and not a zombie."""
        return self._process() is not None

    def terminate(self) -> None:
        """Ask the process to end, if it is still there."""
        process = self._process()
        if process is not None:
            with suppress(psutil.NoSuchProcess):
                process.terminate()

    def kill(self) -> None:
        """End the process, if it is still there, and wait until it is gone."""
        process = self._process()
        if process is not None:
            with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                process.kill()
                process.wait(_SECONDS_TO_DIE)

    def _process(self) -> psutil.Process | None:
        if self.boot != boot_identity():
            return None
        try:
            process = psutil.Process(self.pid)
            same = abs(_start_of(process) - self.started) < _TOLERANCE
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


def _start_of(process: psutil.Process) -> float:
    # Linux counts from the machine's start; psutil makes a time of day of it, which a changed
    # clock would shift for processes that started long ago.
    started: float = process.create_time() - (psutil.boot_time() if psutil.LINUX else 0)
    return started


@functools.cache
def boot_identity() -> str:
    """Return what tells this machine, as it was started last, from every other; empty if unknown.

    Linux makes a random number at every start (`proc_sys_kernel(5)`, `random/boot_id`).
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def this_process() -> ProcessIdentity:
    """Return the identity of the calling process."""
    return identify(os.getpid())


def identify(pid: int) -> ProcessIdentity:
    """Return the identity of a process that has just been started."""
    return ProcessIdentity(pid, _start_of(psutil.Process(pid)), boot_identity())


def start_module(module: str, arguments: Sequence[str], log: Path) -> ProcessIdentity:
    """Start `python -m MODULE` with arguments; it goes on when the caller ends.

    Parameters
    ----------
    module
        Dotted name.
    arguments
        After it.
    log
        File to which what the process prints is appended.

    Raises
    ------
    StorageError
        If the log cannot be written.
    """
    check_may_change("start work in the background")
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                _command_line(module, arguments),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise StorageError(unwritable(log, error)) from error
    return identify(process.pid)


def run_command(arguments: Sequence[str], content: bytes = b"") -> Any:
    """Run a short command of the command line, wait for it and return its JSON document.

    What it needs (scikit-learn, say) is loaded in the other process and gone afterwards.

    Parameters
    ----------
    arguments
        After the module's name.
    content
        What the command reads from standard input.

    Raises
    ------
    MedrecogError
        With the command's own sentence, if it fails.
    """
    done = subprocess.run(
        _command_line("medrecog_core", [*arguments, "--json"]),
        env=_environment(),
        input=content,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        otherwise = f"“{arguments[0]}” stopped unexpectedly without an error message. Try again."
        raise MedrecogError(lines[-1].removeprefix("medrecog: ") if lines else otherwise)
    return json.loads(done.stdout)


def _command_line(module: str, arguments: Sequence[str]) -> list[str]:
    # Of the working folder (-P) no module is imported: it is whatever the caller's is.
    return [sys.executable, "-P", "-m", module, *arguments]


def _environment() -> dict[str, str]:
    variables = {**os.environ, CACHE_VARIABLE: str(cache_folder().root)}
    checkout = checkout_folder()
    if checkout is not None:
        others = filter(None, [variables.get("PYTHONPATH")])
        variables["PYTHONPATH"] = os.pathsep.join([str(checkout), *others])
    return variables
