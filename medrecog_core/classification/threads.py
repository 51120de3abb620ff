"""Sharing the processor's cores between independent pieces of work.

BLAS libraries give one product of matrices all cores, and their threads wait for each other at
every step. Where there are several pieces of work it is better to give each a core: no waiting, and
never more threads than cores.
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def n_cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def each_on_one_core(
    work: Callable[[Item], Result], items: Iterable[Item], n_threads: int | None = None
) -> list[Result]:
    """Return `work` of each item, done in threads of one core each.

    Work that calls this again does its own items one after the other: the cores are taken. Python's
    lock is no hindrance, since NumPy and LAPACK let go of it while they calculate. BLAS is held to
    one thread in the whole process meanwhile. What several items need at a time adds up.

    Parameters
    ----------
    work
        Called with one item; it must not write what another call reads.
    items
        In the order of the results.
    n_threads
        By default the number of cores.
    """
    items = list(items)
    if getattr(_THREAD, "has_one_core", False) or len(items) < 2:
        return [work(item) for item in items]
    with (
        _one_blas_thread(),
        ThreadPoolExecutor(n_threads or n_cores(), initializer=_take_one_core) as threads,
    ):
        return list(threads.map(work, items))


_THREAD = threading.local()


def _take_one_core() -> None:
    _THREAD.has_one_core = True


class _Limit:
    """The limit on BLAS's threads, one for the whole process, for as long as anyone wants it.

    threadpoolctl heeds only the thread that was the first to set a limit, and whoever comes first
    need not be the last to leave: a thread of its own sets the limit and lifts it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_users = 0
        self._unwanted = threading.Event()
        self._holder = threading.Thread()

    def enter(self) -> None:
        with self._lock:
            if not self._n_users:
                self._unwanted, holds = threading.Event(), threading.Event()
                self._holder = threading.Thread(
                    target=_hold_one_blas_thread, args=(holds, self._unwanted), daemon=True
                )
                self._holder.start()
                holds.wait()
            self._n_users += 1

    def leave(self) -> None:
        with self._lock:
            self._n_users -= 1
            if not self._n_users:
                self._unwanted.set()
                self._holder.join()


def _hold_one_blas_thread(holds: threading.Event, unwanted: threading.Event) -> None:
    try:
        # A limit holds only for libraries that are loaded, and SciPy brings a BLAS of its own.
        import scipy.linalg  # noqa: F401
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            holds.set()
            unwanted.wait()
    finally:
        holds.set()


_LIMIT = _Limit()


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()
