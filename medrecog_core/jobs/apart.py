"""Functions called in a process of their own, which gives its memory back and can be ended."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.process import command_line, environment

_MOST_BYTES = 4 * 2**30
_FAILED = 1
_ERRORS: dict[str, type[MedrecogError]] = {"UsageError": UsageError}


def call_apart(function: Callable[..., Any], arguments: list[Any], what: str, seconds: int) -> Any:
    """Call a function in a process of its own, and return its JSON value.

    Parameters
    ----------
    function
        A public function of a module of the package.
    arguments
        JSON values.
    what
        What is worked on, at the start of error messages.
    seconds
        Maximum time.

    Raises
    ------
    UsageError, MedrecogError
        As the function does; or if it takes too long or too much memory.
    """
    try:
        done = subprocess.run(
            command_line(__name__, [function.__module__, function.__name__]),
            env=environment(),
            input=json.dumps(arguments).encode(),
            capture_output=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise MedrecogError(
            f"{what} could not be read within {seconds:,} seconds. Use a smaller file."
        ) from error
    if done.returncode == 0:
        return json.loads(done.stdout)
    if done.returncode == _FAILED and done.stdout:
        answer = json.loads(done.stdout)
        raise _ERRORS.get(answer["error"], MedrecogError)(answer["message"])
    raise MedrecogError(f"{what} takes too much memory to read. Use a smaller file.")


def _main(module: str, name: str) -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    try:
        answer = getattr(importlib.import_module(module), name)(*json.load(sys.stdin))
    except MedrecogError as error:
        json.dump({"error": type(error).__name__, "message": str(error)}, sys.stdout)
        sys.exit(_FAILED)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
