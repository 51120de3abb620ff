import io
import json
import sys
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medrecog_core.cli import output as module
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.jobs import progress
from medrecog_core.jobs.progress import Progress, Stage, counting_files
from tests.clock import Clock

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JSON)
def test_what_is_printed_is_one_json_document(
    capsys: pytest.CaptureFixture[str], document: object
) -> None:
    capsys.readouterr()
    write_json(document)
    out, err = capsys.readouterr()
    assert json.loads(out) == document
    assert err == ""


def test_a_table_lays_numbers_to_the_right_and_keeps_brackets_and_colons(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_table(("name", "n", "accuracy"), [("a [bold] :smile:", 5, 0.5), ("b", 1234, 1.0)])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "name                 n  accuracy",
        "a [bold] :smile:     5     0.500",
        "b                 1234     1.000",
    ]


def test_a_table_takes_any_file_name(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name",), [("a[/b].png",)])
    assert "a[/b].png" in capsys.readouterr().out


def test_a_table_without_rows_has_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(("name", "n"), [])
    assert capsys.readouterr().out.split() == ["name", "n"]


def test_a_long_value_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 150
    write_table(("path", "reason"), [(long, "empty")])
    assert f"{long}  empty" in capsys.readouterr().out


EXTRACTING = Stage("extract-224", "extracting at 224", "images")
READING = Stage("read-files", "reading files", "files")
TRAINING = Stage("train", "training")
NOTHING = Stage("nothing", "nothing to do")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_now_and_then(capsys: pytest.CaptureFixture[str], clock: Clock) -> None:
    with shown_progress() as report:
        for done in range(101):
            report(Progress(EXTRACTING, done, 100, 2.0))
            clock.now += 1
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0] == "extracting at 224: 0/100 images, 2.0 per second, 50 s left"
    assert lines[-1] == "extracting at 224: 100/100 images, 2.0 per second"
    done = [int(line.split()[3].partition("/")[0]) for line in lines]
    assert done[:12] == [*range(11), 12]  # a line per second at first, and then fewer
    assert all(later - earlier <= 10 for earlier, later in pairwise(done))
    assert len(lines) < 40


def test_a_long_stage_gets_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with shown_progress() as report:
        report(Progress(TRAINING, 0, 1000))
        clock.now += 200
        for done in range(1, 101):
            report(Progress(TRAINING, done, 1000))
            clock.now += 1
    assert len(capsys.readouterr().err.splitlines()) == 11


def test_a_new_stage_is_told_at_once_and_an_empty_one_never(
    capsys: pytest.CaptureFixture[str], clock: Clock
) -> None:
    with shown_progress() as report:
        report(Progress(READING, 0, 3))
        report(Progress(READING, 1, 3))
        report(Progress(EXTRACTING, 0, 0))
        report(Progress(TRAINING, 0, 3))
        report(Progress(TRAINING, 3, 3))
    assert capsys.readouterr().err.splitlines() == [
        "reading files: 0/3 files",
        "training: 0/3",
        "training: 3/3",
    ]


def test_who_is_waited_for_is_told_once(
    capsys: pytest.CaptureFixture[str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = Progress(Stage("wait-for-turn", "waiting for demo-1"), 0, 0, waits=True)
    with shown_progress() as report:
        report(waits)
        report(waits)
    assert capsys.readouterr().err == "waiting for demo-1\n"
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with shown_progress() as report:
        report(waits)
        report(waits)
    assert terminal.getvalue().count("waiting for demo-1") == 1


def test_files_become_progress_with_their_bytes(
    capsys: pytest.CaptureFixture[str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "time", clock)
    with shown_progress() as report:
        show = counting_files(report, Stage("hash-files", "hashing files", "files"))
        show(1, 10, 4_000_000)
        clock.now += 2
        show(6, 10, 30_000_000)
    assert capsys.readouterr().err.splitlines() == [
        "hashing files: 1/10 files",
        "hashing files: 6/10 files, 3.0 per second, 15.0 MB per second, 1 s left",
    ]


def test_a_terminal_gets_a_bar_a_stage_on_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with shown_progress() as report:
        report(Progress(NOTHING, 0, 0))
        report(Progress(READING, 3, 3))
        report(Progress(TRAINING, 1, 4, 2.5))
        report(Progress(TRAINING, 4, 4, 2.5))
    shown = terminal.getvalue()
    assert "reading files" in shown and "training" in shown
    assert "4/4" in shown and "2.5/s" in shown
    assert "nothing to do" not in shown
    assert capsys.readouterr().out == ""
