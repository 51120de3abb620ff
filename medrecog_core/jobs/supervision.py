"""Work that is stopped in time, whatever it is in the middle of."""

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
"""Name of the thread that works."""

_SECONDS_OF_GRACE = 2.5
_SECONDS_TO_CLEAN_UP = 60
_SECONDS_BETWEEN_LOOKS = 0.2


def supervise(
    work: Callable[[], None],
    should_stop: Callable[[], bool],
    beat: Callable[[], None],
    cleans_up: Callable[[], bool] = never,
) -> None:
    """Do work in a thread, and leave it behind where it does not heed a stop in time.

    The work asks `should_stop` itself between two steps. One step can be long: a batch at a large
    scale, the training of an SVM, a file on a slow disk, none of which can be interrupted from
    Python. It is then left alone, and what it still does is lost with the process or kept like
    all that is done: it is never harmful, because it could be killed at that moment too.

    Parameters
    ----------
    work
        Called once, in another thread.
    should_stop
        Whether the work is to end.
    beat
        Called several times a second.
    cleans_up
        Whether the work has heeded the stop and deletes what it leaves unfinished, which is waited
        for longer.

    Raises
    ------
    StoppedError
        If the work was left behind, or raised it itself.
    BaseException
        What else the work raised.
    """
    raised: list[BaseException] = []

    def worker() -> None:
        try:
            work()
        except BaseException as error:
            raised.append(error)

    # A daemon: the process may end without it.
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
                raise StoppedError("The work was left in the middle of a step.")
    if raised:
        raise raised[0]


def is_work_left_behind() -> bool:
    """Return whether a thread still works that nobody waits for any more."""
    return any(thread.name == WORKER for thread in threading.enumerate())


def end_process(status: int) -> None:
    """End this process, at once where a thread still works that would hold it up.

    Python would wait for threads that read files, and tear the network down under a thread that is
    inside it.
    """
    if is_work_left_behind():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Turn SIGTERM and SIGINT into a wish to stop; a second SIGINT ends the process at once."""
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
