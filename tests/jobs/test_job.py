import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from medrecog_core import atomic_file
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.jobs import job as module
from medrecog_core.jobs.job import Log
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from tests.textures import specification

PROJECT = Path(__file__).parents[2]
HOLD = (
    "from medrecog_core.jobs.job import find_job\n"
    "with find_job({run!r}).worked_on(): print('held', flush=True); input()\n"
)


@pytest.fixture
def run(cache: CacheFolder) -> Run:
    return create_run(specification())


def test_two_processes_never_work_on_a_run_and_a_killed_one_lets_the_next_in(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS_TO_LET_GO", 0.1)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD.format(run=run.id)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(MedrecogError, match=f"{run.id} is already running"), run.worked_on():
            pytest.fail("two worked on it")
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        monkeypatch.setattr(module, "_SECONDS_TO_LET_GO", 20)
        with run.worked_on():
            pass


def test_what_a_killed_process_left_unfinished_is_swept_and_nothing_else(run: Run) -> None:
    (run.path / "cells").mkdir()
    for name in (".state.json-x1", ".record.json-x2", "cells/.block1.json-x3", ".title.json-x4"):
        (run.path / name).write_text("{")
    (run.path / "cells/block1.json").write_text("{}")
    with run.worked_on():
        left = {str(file.relative_to(run.path)) for file in run.path.rglob("*") if file.is_file()}
    assert left - {"lock"} == {
        "specification.json",
        "launch.json",
        "state.json",
        "cells/block1.json",
    }


def test_a_run_whose_folder_cannot_be_written_gives_a_sentence(run: Run) -> None:
    (run.path / "lock").mkdir()
    with pytest.raises(StorageError, match="Cannot write to"), run.worked_on():
        pass


def test_space_is_kept_until_it_is_needed(run: Run) -> None:
    reserve = run.path / "reserve"
    with run.room_for_the_end() as free:
        assert reserve.stat().st_size >= 64 * 1024
        free()
        assert not reserve.exists()
        free()
    with run.room_for_the_end():
        pass
    assert not reserve.exists()


def test_a_disk_without_room_to_keep_stops_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("Cannot write.")

    monkeypatch.setattr(atomic_file, "write_bytes", full)
    with run.room_for_the_end() as free:
        free()


def test_every_entry_bears_its_time(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.txt")
    log.write("attempt 1\n")
    log.write("failed\nbecause of this")
    lines = log.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  attempt 1", lines[0])
    assert lines[1].endswith("UTC  failed")
    assert lines[2] == "because of this"


def test_what_processes_printed_stays_and_the_end_alone_can_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"printed\n\xff\nlast\n")
    log = Log(tmp_path / "log.txt")
    assert log.lines() == ["printed", "\ufffd", "last"]
    assert log.lines(1) == ["last"]


def test_no_log_has_no_lines(tmp_path: Path) -> None:
    assert Log(tmp_path / "log.txt").lines() == []


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    Log(tmp_path / "nowhere" / "log.txt").write("a word")
    assert list(tmp_path.iterdir()) == []
