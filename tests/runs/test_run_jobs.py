import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.features import batch_size
from medrecog_core.jobs import work
from medrecog_core.jobs.process import ProcessIdentity, identify, this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.jobs.work import resume, stop
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import find_device, resolve_precision
from medrecog_core.runs import (
    Run,
    RunSpecification,
    create_run,
    execute,
    launch,
)
from tests.textures import (
    add_textures,
    cache_at,
    finished_run,
    specification,
    wait_until,
    write_textures,
)

pytestmark = pytest.mark.slow

SCALE = 544  # large enough for an extraction to last until somebody has looked
PER_CLASS = 5
N = 3 * PER_CLASS


@pytest.fixture(scope="module")
def slow_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_textures(tmp_path_factory.mktemp("slow") / "images", n=PER_CLASS)


@pytest.fixture(scope="module")
def slow() -> RunSpecification:
    return specification(scales=[SCALE])


@pytest.fixture
def launched(slow_pictures: Path, slow: RunSpecification, cache: CacheFolder) -> Iterator[Run]:
    """Give a run that another process is taking images through the network for."""
    if find_device().kind == "gpu":
        pytest.skip("a GPU is done before anybody has looked")
    add_textures(slow_pictures)
    run = launch(slow)
    try:
        wait_until(lambda: dict(run.state().network_images).get(SCALE, 0) > 0)
        yield run
    finally:
        kill(run)


@pytest.fixture
def start_sleeper() -> Iterator[Callable[[], ProcessIdentity]]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> ProcessIdentity:
        started.append(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]))
        return identify(started[-1].pid)

    yield start
    for process in started:
        process.kill()
        process.wait()


def kill(run: Run) -> None:
    document = json.loads((run.path / "launch.json").read_text())
    process = ProcessIdentity(**document)
    if process.is_alive() and process != this_process():
        os.kill(process.pid, signal.SIGKILL)


def no_process(*_: object) -> ProcessIdentity:
    raise AssertionError("a process was about to be started")


def test_a_killed_run_is_carried_on_and_loses_at_most_the_batch_in_hand(
    launched: Run, slow_pictures: Path, slow: RunSpecification, tmp_path: Path
) -> None:
    process = launched.state().process
    assert process is not None and process != this_process()
    assert launched.state().status == "running"
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: launched.state().status == "interrupted")
    first = dict(launched.state().network_images)[SCALE]
    assert 0 < first < N
    assert launched.cells() == []

    execute(launched)
    assert launched.state().status == "finished"
    in_all = dict(launched.state().network_images)[SCALE]
    assert in_all <= N + batch_size(SCALE, resolve_precision("auto"))

    with cache_at(tmp_path / "undisturbed"):
        add_textures(slow_pictures)
        undisturbed = finished_run(slow)
    assert launched.images() == undisturbed.images()
    assert len(launched.cells()) == 4
    for one, other in zip(launched.cells(), undisturbed.cells(), strict=True):
        assert replace(one, seconds=0) == replace(other, seconds=0)
        np.testing.assert_allclose(
            launched.scores(one.cell), undisturbed.scores(other.cell), rtol=1e-5
        )


def test_sigterm_stops_a_detached_run(launched: Run) -> None:
    process = launched.state().process
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: launched.state().has_ended)
    assert launched.state().status == "stopped"
    wait_until(lambda: not process.is_alive())
    assert launched.log.file.read_text().rstrip().endswith(f"“resume {launched.id}”.")
    assert "Traceback" not in launched.log.file.read_text()


def test_stop_stops_a_detached_run_and_relaunch_carries_it_on(launched: Run) -> None:
    stop(launched)
    wait_until(lambda: launched.state().has_ended)
    assert launched.state().status == "stopped"
    before = dict(launched.state().network_images)[SCALE]
    resume(launched)
    assert not launched.state().has_ended
    with pytest.raises(MedrecogError, match=f"{launched.id} is already"):
        resume(launched)
    seen: list[JobState] = []
    wait_until(lambda: seen.append(launched.state()) or seen[-1].has_ended)
    assert seen[-1].status == "finished"
    counted = [each.done for each in seen if each.stage and each.stage.id == f"extract-{SCALE}"]
    assert counted and min(counted) >= before
    assert dict(seen[-1].network_images) == {SCALE: N}
    assert len(launched.cells()) == 4


def test_a_folder_that_vanishes_under_a_detached_run_and_then_its_return(
    cache: CacheFolder, tmp_path: Path
) -> None:
    if find_device().kind == "gpu":
        pytest.skip("a GPU is done before anybody has looked")
    # More than are read ahead of the first batch.
    folder = write_textures(tmp_path / "images", n=10)
    add_textures(folder)
    run = launch(specification(layers=["block1"], scales=[SCALE]))
    try:
        wait_until(lambda: dict(run.state().network_images).get(SCALE, 0) > 0)
        folder.rename(tmp_path / "elsewhere")
        wait_until(lambda: run.state().has_ended)
    finally:
        kill(run)
    state = run.state()
    assert state.status == "failed"
    assert "is missing. Put it back" in state.error and str(folder) in state.error
    done = dict(state.network_images)[SCALE]
    assert 0 < done < 30
    (tmp_path / "elsewhere").rename(folder)
    execute(run)
    assert run.state().status == "finished"
    assert dict(run.state().network_images) == {SCALE: 30}
    assert run.needed_record().skipped == ()


class TestLaunch:
    def test_the_run_waits_until_its_process_says_a_word(
        self, cache: CacheFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[tuple[list[str], Path]] = []

        def start(module: str, arguments: list[str], log: Path) -> ProcessIdentity:
            assert module == work.WORKER
            started.append((arguments, log))
            return this_process()

        monkeypatch.setattr(work, "start_module", start)
        run = launch(specification())
        assert started == [([run.id], run.log.file)]
        assert run.state().status == "queued"

    def test_a_process_that_cannot_be_started_leaves_a_failed_run(
        self, cache: CacheFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> ProcessIdentity:
            raise StorageError("Cannot write to the log.")

        monkeypatch.setattr(work, "start_module", refuse)
        with pytest.raises(StorageError):
            launch(specification())
        (folder,) = cache.runs.iterdir()
        state = Run(folder.name).state()
        assert (state.status, state.error) == ("failed", "Cannot write to the log.")

    def test_an_unusable_cache_folder_gives_a_sentence(self, cache: CacheFolder) -> None:
        cache.root.write_text("")
        with pytest.raises(StorageError, match="MEDRECOG_CACHE"):
            launch(specification())


class TestRelaunch:
    @pytest.mark.parametrize("status", ["queued", "running"])
    def test_a_run_at_work_is_not_started_twice(
        self, cache: CacheFolder, monkeypatch: pytest.MonkeyPatch, status: str
    ) -> None:
        monkeypatch.setattr(work, "start_module", no_process)
        run = create_run(specification())
        run.write_state(JobState(status, process=this_process()))
        with pytest.raises(MedrecogError, match="is already"):
            resume(run)

    def test_it_forgets_the_error_and_the_stop_note_and_keeps_the_rest(
        self, cache: CacheFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "start_module", lambda *_: this_process())
        run = create_run(specification())
        ended = JobState("failed", error="No.", created=5.0, network_images=((224, 3),))
        run.write_state(ended)
        run.ask_to_stop()
        resume(run)
        assert not run.is_asked_to_stop()
        assert run.state() == replace(ended, status="queued", error="")


class TestStop:
    @pytest.mark.parametrize("status", ["finished", "failed", "stopped", "interrupted"])
    def test_a_run_that_ended_cannot_be_stopped(self, cache: CacheFolder, status: str) -> None:
        run = create_run(specification())
        run.write_state(JobState(status))
        with pytest.raises(MedrecogError, match=f"{run.id} is not running; it is {status}"):
            stop(run)
        assert not run.is_asked_to_stop()

    def test_a_waiting_run_finds_the_note_when_it_starts(self, cache: CacheFolder) -> None:
        run = create_run(specification())
        stop(run)
        assert run.is_asked_to_stop()

    def test_the_process_is_asked_to_end(
        self, cache: CacheFolder, start_sleeper: Callable[[], ProcessIdentity]
    ) -> None:
        run = create_run(specification())
        process = start_sleeper()
        run.write_state(JobState("running", process=process))
        stop(run)
        wait_until(lambda: not process.is_alive())
        assert run.is_asked_to_stop()
