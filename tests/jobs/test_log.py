import re
from pathlib import Path

from medrecog_core.jobs.log import Log


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
