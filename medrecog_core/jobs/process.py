"""Processes that outlive their parent."""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import psutil
from pydantic import Field

from medrecog_core.access import Action
from medrecog_core.bounds import KNOWN_ONLY, Finite
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder, checkout_folder, unwritable
from medrecog_core.mode import check_may_change
from medrecog_core.settings import CACHE_VARIABLE

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# The kernel rounds its start time to a second, and may round it differently later.
_TOLERANCE = 2.0
_SECONDS_TO_DIE = 5


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, distinguished from later ones of the same number by its start time.

    Attributes
    ----------
    pid
        Process number.
    started
        Start time in seconds, since the start of the machine (Linux) or since 1970 (elsewhere).
    boot
        Identity of the machine and its last start; empty if unknown. A process of another machine,
        or from before a restart, is not alive.
    """

    __pydantic_config__ = KNOWN_ONLY

    pid: Annotated[int, Field(gt=0, lt=2**31)]
    started: Finite
    boot: str = ""

    def is_alive(self) -> bool:
        """Return whether the process exists and is not a zombie."""
        return self._process() is not None

    def terminate(self) -> None:
        """Ask the process to end, if it exists."""
        process = self._process()
        if process is not None:
            with suppress(psutil.NoSuchProcess):
                process.terminate()

    def kill(self) -> None:
        """Kill the process, if it exists, and wait until it has ended."""
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
    # Linux counts from the start of the machine; psutil converts it to a time of day, which a
    # changed clock would shift.
    started: float = process.create_time() - (psutil.boot_time() if psutil.LINUX else 0)
    return started


@functools.cache
def boot_identity() -> str:
    """Return an identity of this machine since its last start; empty if unknown.

    Linux generates a random number at every start (`proc_sys_kernel(5)`, `random/boot_id`).
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def this_process() -> ProcessIdentity:
    """Return the identity of the calling process."""
    return identify(os.getpid())


def identify(pid: int) -> ProcessIdentity:
    """Return the identity of a process that was just started."""
    return ProcessIdentity(pid, _start_of(psutil.Process(pid)), boot_identity())


def start_module(module: str, arguments: Sequence[str], log: Path) -> ProcessIdentity:
    """Start `python -m MODULE` with arguments; it continues when the caller ends.

    Parameters
    ----------
    module
        Dotted name.
    arguments
        Its arguments.
    log
        File to which the output of the process is appended.

    Raises
    ------
    StorageError
        If the log cannot be written.
    """
    check_may_change("start work in the background", Action.ADD)
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(
                command_line(module, arguments),
                env=environment(),
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

    Packages that it needs, such as scikit-learn, are loaded in the other process only.

    Parameters
    ----------
    arguments
        Arguments after the name of the module.
    content
        Standard input of the command.

    Raises
    ------
    MedrecogError
        With the error message of the command, if it fails.
    """
    done = subprocess.run(
        command_line("medrecog_core", [*arguments, "--json"]),
        env=environment(),
        input=content,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        otherwise = f"“{arguments[0]}” stopped unexpectedly without an error message. Try again."
        raise MedrecogError(lines[-1].removeprefix("medrecog: ") if lines else otherwise)
    return json.loads(done.stdout)


def command_line(module: str, arguments: Sequence[str]) -> list[str]:
    """Return the command line that runs a module of the package with arguments."""
    # No modules are imported from the working folder (-P), which is the caller's.
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Return the environment of other processes of the program."""
    variables = {**os.environ, CACHE_VARIABLE: str(cache_folder().root)}
    checkout = checkout_folder()
    if checkout is not None:
        others = filter(None, [variables.get("PYTHONPATH")])
        variables["PYTHONPATH"] = os.pathsep.join([str(checkout), *others])
    return variables
