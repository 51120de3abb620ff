import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs.process import (
    ProcessIdentity,
    identify,
    run_command,
    start_module,
    this_process,
)
from medrecog_core.locations import CacheFolder
from tests.textures import wait_until

pytestmark = pytest.mark.slow

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_this_process_is_alive() -> None:
    assert this_process().pid == os.getpid()
    assert this_process().is_alive()


def test_another_process_with_a_number_used_before_is_not_the_same_process() -> None:
    earlier = replace(this_process(), started=this_process().started - 60)
    assert not earlier.is_alive()


def test_terminating_an_earlier_process_spares_the_one_that_has_its_number_now() -> None:
    with subprocess.Popen(SLEEPER) as process:
        try:
            identity = identify(process.pid)
            replace(identity, started=identity.started - 60).terminate()
            assert identity.is_alive()
            identity.terminate()
            assert process.wait(timeout=20) < 0
        finally:
            process.kill()
    assert not identity.is_alive()
    identity.terminate()  # nothing is there any more, and that is no error


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_zombie_is_not_alive() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        process = psutil.Process(pid)
        wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE)
        assert not ProcessIdentity(pid, process.create_time()).is_alive()
    finally:
        os.waitpid(pid, 0)


def test_a_process_finds_the_program_from_any_folder_and_imports_nothing_from_there(
    cache: CacheFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "click.py").write_text("raise SystemExit('imported from the working folder')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert run_command(["runs"]) == []


def test_a_detached_process_writes_to_its_log_and_leads_a_session_of_its_own(
    cache: CacheFolder, tmp_path: Path
) -> None:
    log = tmp_path / "log.txt"
    log.write_text("earlier\n")
    process = start_module("medrecog_core", ["runs"], log)
    try:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
    except ProcessLookupError:
        pytest.fail("it ended at once")
    wait_until(lambda: not process.is_alive())
    lines = log.read_text().splitlines()
    assert lines[0] == "earlier"
    assert "run --dataset demo" in lines[1]


def test_a_log_that_cannot_be_written_gives_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"Cannot write to .*log\.txt"):
        start_module("medrecog_core", ["runs"], tmp_path / "nowhere" / "log.txt")


class TestRunCommand:
    def test_it_returns_the_json_document(self) -> None:
        assert run_command(["runs"]) == []

    def test_it_raises_the_commands_own_sentence(self) -> None:
        with pytest.raises(MedrecogError) as caught:
            run_command(["show", "nothing"])
        assert str(caught.value) == "There is no run “nothing”. The command “runs” lists all runs."

    def test_the_command_reads_the_content_it_is_given(self) -> None:
        with pytest.raises(MedrecogError) as caught:
            run_command(["feature-maps", "-", "--layer", "block1"], b"no picture")
        assert "is not an image" in str(caught.value)

    def test_it_works_in_the_cache_folder_of_the_caller_wherever_that_stands(
        self, cache: CacheFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        damaged = cache.runs / "here-1"
        damaged.mkdir(parents=True)
        (damaged / "state.json").write_text("{")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MEDRECOG_CACHE", "cache")
        start = time.monotonic()
        assert [run["run"] for run in run_command(["runs"])] == ["here-1"]
        assert time.monotonic() - start < 30
