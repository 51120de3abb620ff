import os
import shutil
from collections.abc import Sequence

import pytest

from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.jobs import queue
from medrecog_core.jobs.job import Job
from medrecog_core.jobs.process import ProcessIdentity, this_process
from medrecog_core.jobs.queue import jobs_at_once, jobs_before, join, leave, take_turn
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from tests.textures import specification

DEAD = ProcessIdentity(os.getpid(), this_process().started - 60, this_process().boot)


@pytest.fixture
def runs(cache: CacheFolder) -> list[Run]:
    """Give three runs that wait in the queue, in their order."""
    runs = [create_run(specification()) for _ in range(3)]
    for run in runs:
        join(run)
    return runs


def ids(runs: Sequence[Job]) -> list[str]:
    return [run.id for run in runs]


def asks(run: Run) -> list[str]:
    """Let a run ask for its turn, and return whom it has to wait for."""
    return ids(take_turn(run, lambda: run.write_state(JobState("running", process=this_process()))))


def end(run: Run, status: str = "finished") -> None:
    run.write_state(JobState(status, process=this_process()))
    leave(run)


def die(run: Run) -> None:
    run.write_state(JobState(run.state().status, process=DEAD))


class TestTurn:
    def test_first_come_is_first_served_one_at_a_time(self, runs: list[Run]) -> None:
        first, second, third = runs
        assert asks(second) == [first.id]
        assert asks(first) == []
        assert first.state().status == "running"
        assert asks(third) == [first.id, second.id]
        assert second.state().status == third.state().status == "queued"
        end(first)
        assert asks(third) == [second.id]
        assert asks(second) == []

    def test_the_setting_lets_more_work_at_once(
        self, runs: list[Run], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MEDRECOG_RUNS_AT_ONCE", "2")
        first, second, third = runs
        assert asks(third) == [first.id, second.id]
        assert asks(second) == []  # of the two places, it needs none that the first may want
        assert asks(first) == []
        assert asks(third) == [first.id, second.id]
        end(second)
        assert asks(third) == []

    @pytest.mark.parametrize("status", ["queued", "running"])
    def test_a_killed_one_holds_nobody_up(self, runs: list[Run], status: str) -> None:
        first, second, _ = runs
        first.write_state(JobState(status, process=this_process()))
        assert asks(second) == [first.id]
        die(first)
        assert asks(second) == []

    def test_one_whose_folder_is_gone_or_damaged_holds_nobody_up(self, runs: list[Run]) -> None:
        shutil.rmtree(runs[0].path)
        (runs[1].path / "state.json").write_text("{")
        assert asks(runs[2]) == []

    def test_one_that_works_out_of_turn_is_waited_for(self, runs: list[Run]) -> None:
        runs[2].write_state(JobState("running", process=this_process()))
        assert asks(runs[0]) == [runs[2].id]

    def test_one_that_was_passed_over_gets_the_last_place(self, runs: list[Run]) -> None:
        first, second, third = runs
        die(first)
        assert asks(second) == []
        first.write_state(JobState("queued", process=this_process()))
        assert asks(first) == [second.id, third.id]

    def test_joining_twice_keeps_the_place(self, runs: list[Run]) -> None:
        join(runs[0])
        assert ids(jobs_before(runs[1])) == [runs[0].id]
        assert jobs_before(runs[0]) == []

    def test_what_else_lies_in_the_folder_is_no_run(
        self, runs: list[Run], cache: CacheFolder
    ) -> None:
        for name in (".000000000001.x-1", "000000000000", "1.x", "x.000000000001"):
            (cache.queue / name).write_text("")
        assert jobs_before(runs[0]) == []

    def test_an_error_at_the_beginning_leaves_the_queue_open(self, runs: list[Run]) -> None:
        def fail() -> None:
            raise StorageError("Cannot write.")

        with pytest.raises(StorageError):
            take_turn(runs[0], fail)
        assert asks(runs[0]) == []


def test_who_works_is_found_without_looking_at_every_run(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {create_run(specification()).id for _ in range(3)}
    read, real = set(), Job.state

    def state(job: Job) -> JobState:
        read.add(job.id)
        return real(job)

    monkeypatch.setattr(Job, "state", state)
    assert ids(queue.working_jobs()) == ids(runs)
    assert read == set(ids(runs)) and not read & others


class TestSetting:
    @pytest.mark.parametrize(("text", "n"), [(None, 1), ("", 1), (" 3 ", 3)])
    def test_it_is_a_number(
        self, monkeypatch: pytest.MonkeyPatch, text: str | None, n: int
    ) -> None:
        if text is not None:
            monkeypatch.setenv("MEDRECOG_RUNS_AT_ONCE", text)
        assert jobs_at_once() == n

    @pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
    def test_anything_else_gives_a_sentence(
        self, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setenv("MEDRECOG_RUNS_AT_ONCE", text)
        with pytest.raises(UsageError, match=f"MEDRECOG_RUNS_AT_ONCE is “{text}”"):
            jobs_at_once()


def test_a_queue_that_cannot_be_written_gives_a_sentence(
    runs: list[Run], cache: CacheFolder
) -> None:
    shutil.rmtree(cache.queue)
    cache.queue.write_text("")
    with pytest.raises(StorageError, match="Cannot write to"):
        join(runs[0])


def test_a_process_that_hangs_in_the_queue_is_told_of(
    runs: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "_SECONDS_TO_GET_IN", 0.05)
    with (
        queue._alone(),
        pytest.raises(
            MedrecogError, match="The queue is locked by a process that does not respond"
        ),
    ):
        join(runs[0])
