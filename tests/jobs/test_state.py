import subprocess
import sys
import time
from dataclasses import replace

import pytest

from medrecog_core.jobs.process import ProcessIdentity, identify, this_process
from medrecog_core.jobs.state import SECONDS_OF_SILENCE, JobState


@pytest.fixture(scope="module")
def dead() -> ProcessIdentity:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return identify(process.pid)


def at_work(silent_for: float = 0, status: str = "running") -> JobState:
    return JobState(status, process=this_process(), heartbeat=time.monotonic() - silent_for)


@pytest.mark.parametrize("status", ["finished", "failed", "stopped", "interrupted"])
@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_what_has_ended_stays_as_it_is(
    dead: ProcessIdentity, status: str, asked_to_stop: bool
) -> None:
    state = JobState(status, process=dead)
    assert state.seen_now(None, asked_to_stop) == state


@pytest.mark.parametrize("status", ["queued", "running"])
def test_who_lives_and_speaks_is_at_work(status: str) -> None:
    state = at_work(status=status)
    assert state.seen_now(None, asked_to_stop=False) == state
    assert state.seen_now(None, asked_to_stop=True) == replace(state, status="stopping")
    assert not replace(state, status="stopping").has_ended


@pytest.mark.parametrize("status", ["queued", "running"])
@pytest.mark.parametrize("asked_to_stop", [False, True])
def test_who_died_is_interrupted_at_once(
    dead: ProcessIdentity, status: str, asked_to_stop: bool
) -> None:
    state = replace(at_work(status=status), process=dead)
    assert state.seen_now(None, asked_to_stop).status == "interrupted"


def test_who_hangs_is_interrupted_after_a_while_and_at_work_when_it_speaks_again() -> None:
    assert at_work(SECONDS_OF_SILENCE - 1).seen_now(None, False).status == "running"
    assert at_work(SECONDS_OF_SILENCE + 1).seen_now(None, False).status == "interrupted"
    assert SECONDS_OF_SILENCE <= 15


def test_a_changed_clock_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    state = at_work()
    for shift in (-(10**6), 10**6):
        monkeypatch.setattr(time, "time", lambda shift=shift: shift)
        assert state.seen_now(None, False).status == "running"


def test_a_folder_of_another_machine_or_of_before_its_restart_shows_no_run_at_work() -> None:
    state = at_work()
    assert state.process is not None
    elsewhere = replace(state, process=replace(state.process, boot="another"))
    assert elsewhere.seen_now(None, False).status == "interrupted"


def test_a_launched_process_counts_until_it_has_said_a_word(dead: ProcessIdentity) -> None:
    silent = JobState("queued")
    assert silent.seen_now(this_process(), False).status == "queued"
    assert silent.seen_now(dead, False).status == "interrupted"
    assert silent.seen_now(None, False).status == "interrupted"
    assert at_work(status="queued").seen_now(dead, False).status == "queued"


def test_the_time_left_follows_from_the_rate() -> None:
    assert JobState(done=2, total=10, rate=4.0).seconds_left == 2
    assert JobState(done=2, total=10).seconds_left is None
