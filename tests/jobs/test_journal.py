import threading
import time

import pytest

from medrecog_core import atomic_file
from medrecog_core.errors import StorageError
from medrecog_core.jobs import journal
from medrecog_core.jobs.journal import Journal
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.progress import Progress, Stage, ignore
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from tests.textures import specification

READING = Stage("read-files", "Reading files", "files")
TRAINING = Stage("train", "Training classifiers")
EXTRACTING = Stage("extract-224", "Extracting features at 224 px", "images")
WAITING = Stage("wait-for-turn", "Waiting for another")


class Clock:
    """A clock that stands still until it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(journal, "time", clock)
    return clock


@pytest.fixture
def run(cache: CacheFolder) -> Run:
    return create_run(specification())


def written(run: Run) -> JobState:
    return JobState.from_document(atomic_file.read_json(run.path / "state.json"))


def test_a_run_waits_then_works_then_has_ended(run: Run, clock: Clock) -> None:
    kept = Journal(run, ignore)
    first = written(run)
    assert (first.status, first.process, first.attempts) == ("queued", this_process(), 1)
    assert first.heartbeat == clock.now
    kept.begin()
    assert written(run).status == "running"
    assert written(run).started > 0
    kept.end("failed", "It did not work.")
    last = written(run)
    assert (last.status, last.error) == ("failed", "It did not work.")
    assert last.finished >= last.started


def test_progress_is_reported_and_written_not_too_often(run: Run, clock: Clock) -> None:
    seen: list[Progress] = []
    kept = Journal(run, seen.append)
    kept.begin()
    for done in range(5):
        kept.progress(Progress(TRAINING, done, 10, 2.0))
        clock.now += 0.2
    assert [p.done for p in seen] == [0, 1, 2, 3, 4]
    state = written(run)
    assert (state.stage, state.done, state.total, state.rate) == (TRAINING, 3, 10, 2.0)


def test_every_batch_is_written_and_added_to_those_of_earlier_processes(
    run: Run, clock: Clock
) -> None:
    run.write_state(JobState("stopped", network_images=((224, 3), (544, 1)), attempts=1))
    kept = Journal(run, ignore)
    kept.begin()
    kept.progress(Progress(EXTRACTING, 8, 20, scale=224, found=3))
    kept.progress(Progress(EXTRACTING, 16, 20, scale=224, found=3))
    assert dict(written(run).network_images) == {224: 16, 544: 1}
    assert written(run).done == 16
    assert written(run).attempts == 2


def test_stages_are_timed_over_all_processes_and_waiting_is_not_work(
    run: Run, clock: Clock
) -> None:
    first = Journal(run, ignore)
    first.progress(Progress(WAITING, 0, 0, waits=True))
    clock.now += 100
    first.begin()
    first.progress(Progress(READING, 0, 2))
    clock.now += 2
    first.progress(Progress(TRAINING, 0, 2))
    clock.now += 3
    first.end("stopped")
    second = Journal(run, ignore)
    second.begin()
    second.progress(Progress(TRAINING, 1, 2))
    clock.now += 5
    assert second.seconds == {READING.id: 2, TRAINING.id: 3}
    second.end("finished")
    assert second.seconds == {READING.id: 2, TRAINING.id: 8}
    assert dict(written(run).seconds) == second.seconds


def test_it_beats_when_nothing_else_was_said(run: Run, clock: Clock) -> None:
    kept = Journal(run, ignore)
    kept.begin()
    kept.beat()
    assert written(run).heartbeat == 1000
    clock.now += 4
    kept.beat()
    assert written(run).heartbeat == 1004


def test_a_disk_too_full_for_a_beat_is_left_to_the_work_to_find(
    run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Journal(run, ignore)
    kept.begin()

    def full(*_: object) -> None:
        raise StorageError("Cannot write.")

    monkeypatch.setattr(atomic_file, "write_json", full)
    clock.now += 4
    kept.beat()
    with pytest.raises(StorageError):
        kept.progress(Progress(TRAINING, 0, 4))


def test_after_the_end_nothing_more_is_taken(run: Run) -> None:
    seen: list[Progress] = []
    kept = Journal(run, seen.append)
    kept.begin()
    kept.end("stopped")
    before = written(run)
    kept.progress(Progress(TRAINING, 1, 4))
    kept.beat()
    assert written(run) == before
    assert seen == []


def test_two_threads_may_use_it(run: Run) -> None:
    kept = Journal(run, ignore)
    kept.begin()
    threads = [
        threading.Thread(
            target=lambda: [kept.progress(Progress(TRAINING, i, 20)) for i in range(20)]
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept.end("finished")
    assert written(run).status == "finished"


def test_the_log_tells_attempts_stages_and_the_end(run: Run) -> None:
    kept = Journal(run, ignore)
    kept.begin()
    kept.progress(Progress(READING, 0, 2))
    kept.progress(Progress(READING, 1, 2))
    kept.progress(Progress(TRAINING, 0, 2))
    kept.end("failed", "It did not work.", "Traceback: here")
    text = [line.split("UTC  ")[-1] for line in run.log.lines()]
    assert text[0].startswith("attempt 1: medrecog ")
    assert text[1:] == [
        READING.label,
        TRAINING.label,
        "failed",
        "It did not work.",
        "Traceback: here",
    ]
