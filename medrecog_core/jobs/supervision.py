"""Work that stops in time, even in the middle of a step."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from medrecog_core.errors import StoppedError
from medrecog_core.jobs.progress import never

WORKER = "work on a job"
"""Name of the working thread."""

_SECONDS_OF_GRACE = 2.5
_SECONDS_TO_CLEAN_UP = 60
_SECONDS_BETWEEN_LOOKS = 0.2


def supervise(
    work: Callable[[], None],
    should_stop: Callable[[], bool],
    beat: Callable[[], None],
    cleans_up: Callable[[], bool] = never,
) -> None:
    """Do work in a thread, and abandon it if it does not stop in time.

    The work checks `should_stop` between two steps. One step can be long: a batch at a large input
    size, the training of an SVM, a file on a slow disk; Python cannot interrupt any of these. The
    thread is then abandoned, which is safe because the process could be killed at that moment too.

    Parameters
    ----------
    work
        Called once, in another thread.
    should_stop
        Whether a stop was requested.
    beat
        Called several times per second.
    cleans_up
        Whether the work is already stopping and deleting unfinished files, which gets more time.

    Raises
    ------
    StoppedError
        If the work was abandoned, or raised it itself.
    BaseException
        Any other error of the work.
    """
    raised: list[BaseException] = []

    def worker() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    # A daemon thread does not keep the process alive.
    thread = threading.Thread(target=worker, name=WORKER, daemon=True)
    thread.start()
    asked_at: float | None = None
    while thread.is_alive():
        thread.join(_SECONDS_BETWEEN_LOOKS)
        beat()
        if should_stop():
            now = time.monotonic()
            asked_at = now if asked_at is None else asked_at
            grace = _SECONDS_TO_CLEAN_UP if cleans_up() else _SECONDS_OF_GRACE
            if thread.is_alive() and now - asked_at > grace:
                raise StoppedError("The work was abandoned in the middle of a step.")
    if raised:
        raise raised[0]


def is_work_left_behind() -> bool:
    """Return whether an abandoned thread is still at work."""
    return any(thread.name == WORKER for thread in threading.enumerate())


def end_process(status: int) -> None:
    """End this process, immediately if an abandoned thread would delay it.

    Python would wait for threads that read files, and destroy the network while a thread still uses
    it.
    """
    if is_work_left_behind():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into a request to stop; a second SIGINT ends the process."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def stop(number: int, _: Any) -> None:
        if event.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        event.set()

    kept = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
