import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from medrecog_core.errors import StoppedError
from medrecog_core.jobs import supervision
from medrecog_core.jobs.progress import ignore, never
from medrecog_core.jobs.supervision import is_work_left_behind, stop_on_signals, supervise

pytestmark = pytest.mark.slow


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """Give what work that does not heed a stop waits for."""
    event = threading.Event()
    yield event
    event.set()
    deadline = time.monotonic() + 20
    while is_work_left_behind() and time.monotonic() < deadline:
        time.sleep(0.01)


def no_beat() -> None:
    ignore(None)  # type: ignore[arg-type]


def test_the_work_is_done_in_another_thread_once() -> None:
    threads: list[threading.Thread] = []
    supervise(lambda: threads.append(threading.current_thread()), never, no_beat)
    assert len(threads) == 1 and threads[0] is not threading.current_thread()
    assert not is_work_left_behind()


@pytest.mark.parametrize("error", [ZeroDivisionError("oh"), StoppedError("enough")])
def test_what_the_work_raises_is_raised_as_it_is(error: Exception) -> None:
    def work() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        supervise(work, never, no_beat)
    assert caught.value is error


def test_it_beats_while_the_work_is_at_it(release: threading.Event) -> None:
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1
        if beats == 3:
            release.set()

    supervise(lambda: bool(release.wait(20)) or None, never, beat)
    assert beats >= 3


def test_work_that_heeds_a_stop_ends_as_it_will() -> None:
    asked = threading.Event()

    def work() -> None:
        asked.set()
        while not asked.wait(20):
            pass

    supervise(work, asked.is_set, no_beat)


def test_work_in_a_long_step_is_left_behind_within_five_seconds(release: threading.Event) -> None:
    start = time.monotonic()
    with pytest.raises(StoppedError):
        supervise(lambda: bool(release.wait(60)) or None, lambda: True, no_beat)
    assert is_work_left_behind()
    assert supervision._SECONDS_OF_GRACE < 4
    assert time.monotonic() - start >= supervision._SECONDS_OF_GRACE


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_becomes_a_wish_and_the_old_handler_comes_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_signals() as asked:
        assert not asked.is_set()
        os.kill(os.getpid(), number)
        assert asked.wait(20)
    assert signal.getsignal(number) is before


def test_a_second_interrupt_is_one() -> None:
    with stop_on_signals() as asked, pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
        assert asked.wait(20)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0)


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def look() -> None:
        with stop_on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
