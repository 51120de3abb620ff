import json
import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from medrecog_core import __version__
from medrecog_core.cli import main, run_commands
from medrecog_core.cli.main import medrecog
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.locations import CacheFolder, dashboard_script
from medrecog_core.runs import Run
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.cli.conftest import Call
from tests.textures import cache_at


def test_a_command_that_is_done_ends_with_0(call: Call) -> None:
    answer = call("runs")
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("No runs yet")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["launder"], "launder"),
        (["runs", "--colour"], "--colour"),
        (["run", "--scales", "abc", "--dataset", "demo"], "abc"),
        (["show"], "RUN"),
        (["run"], "--dataset"),
        (["run", "--dataset", "demo", "--layers", "block9"], "block9"),
        (["train", "--run", "x"], "--layer"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_a_wrong_command_ends_with_2_and_one_line(
    call: Call, arguments: list[str], words: str, as_json: bool
) -> None:
    answer = call(*arguments, *(["--json"] if as_json else []))
    assert answer.status == 2
    assert words in answer.sentence
    if as_json:
        assert answer.json == {"error": answer.sentence}
    else:
        assert answer.out == ""


@pytest.mark.parametrize("as_json", [False, True])
def test_what_cannot_be_done_ends_with_1_and_one_line(call: Call, as_json: bool) -> None:
    answer = call("show", "nothing", *(["--json"] if as_json else []))
    assert answer.status == 1
    assert answer.sentence == "There is no run “nothing”. The command “runs” lists all runs."
    if as_json:
        assert answer.json == {"error": answer.sentence}


@pytest.mark.parametrize("arguments", [[], ["datasets"], ["weights"]])
def test_no_command_shows_what_there_is_and_ends_with_2(call: Call, arguments: list[str]) -> None:
    answer = call(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert "Usage: medrecog" in answer.err
    assert "Commands:" in answer.err


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command(call: Call, option: str) -> None:
    answer = call(option)
    assert (answer.status, answer.err) == (0, "")
    shown = [name for name, command in medrecog.commands.items() if not command.hidden]
    assert all(name in answer.out for name in shown)


def test_every_command_takes_json_and_has_help() -> None:
    def commands(group: click.Group) -> list[click.Command]:
        return [
            command
            for child in group.commands.values()
            for command in (commands(child) if isinstance(child, click.Group) else [child])
        ]

    assert len(commands(medrecog)) >= 16
    for command in commands(medrecog):
        assert command.help, command.name
        if command.name == "dashboard":
            continue  # a server prints no document
        assert "--json" in [option for p in command.params for option in p.opts], command.name


LISTED = """
import contextlib, sys
import numpy as np
from medrecog_core.cli import main
from medrecog_core.datasets import demo

demo.draw = lambda image: np.full((2, 2, 3), hash(image) % 256, np.uint8)
with contextlib.suppress(SystemExit):
    main(["datasets", "list"])
print(*sys.modules)
"""


@pytest.mark.slow
def test_data_sets_are_listed_without_what_other_commands_need() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LISTED], capture_output=True, text=True, check=True
    ).stdout
    assert "demo" in listed.splitlines()[1]
    loaded = set(listed.splitlines()[-1].split())
    assert loaded.isdisjoint(
        {
            *("tensorflow", "keras", "MNN", "h5py", "sklearn", "scipy", "pandas", "pydicom"),
            *("streamlit", "plotly", "altair", "requests", "jinja2", "matplotlib"),
            *("medrecog_core.features", "medrecog_core.runs", "medrecog_core.models"),
        }
    )


def test_a_shell_completes_commands_and_their_options() -> None:
    def completed(*words: str) -> set[str]:
        *before, last = words
        found = ShellComplete(medrecog, {}, "medrecog", "_MEDRECOG_COMPLETE")
        return {item.value for item in found.get_completions(list(before), last)}

    assert completed("da") == {"dashboard", "datasets"}
    assert completed("datasets", "re") == {"refresh", "restore", "review"}
    assert "--dataset" in completed("run", "--da")


def test_it_says_its_version(call: Call) -> None:
    assert call("--version").out == f"medrecog {__version__}\n"


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (MedrecogError("It could\nnot be done."), 1, "It could not be done."),
        (StorageError("Full."), 1, "Full."),
        (UsageError("Wrong."), 2, "Wrong."),
        (KeyboardInterrupt(), 1, "Interrupted."),
        (
            PermissionError(13, "Permission denied", "/a"),
            1,
            "/a cannot be used (Permission denied).",
        ),
        (OSError("odd"), 1, "A file cannot be used (odd)."),
    ],
)
def test_every_mistake_ends_in_one_line(
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    status: int,
    sentence: str,
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(run_commands, "list_runs", fail)
    answer = call("runs", "--json")
    assert (answer.status, answer.sentence) == (status, sentence)
    assert answer.json == {"error": sentence}


def test_a_mistake_in_the_program_is_not_hidden(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistake() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_commands, "list_runs", mistake)
    with pytest.raises(ZeroDivisionError):
        call("runs")


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--dataset", "demo"],
        ["datasets", "list"],
        ["extract", "demo"],
        ["datasets", "check", "demo"],
    ],
)
def test_a_cache_folder_that_cannot_be_written_ends_with_1(
    call: Call, cache: CacheFolder, arguments: list[str]
) -> None:
    cache.root.write_text("a file")
    with cache_at(cache.root / "below"):
        answer = call(*arguments, "--json")
    assert answer.status == 1
    assert answer.sentence.startswith(f"Cannot write to {cache.root / 'below'}")
    assert "MEDRECOG_CACHE" in answer.sentence
    assert answer.json == {"error": answer.sentence}


def python(arguments: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=os.environ, check=False
    )


def test_the_module_runs_as_a_process(cache: CacheFolder) -> None:
    done = python(["-m", "medrecog_core", "runs", "--json"])
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == []
    failed = python(["-m", "medrecog_core", "show", "nothing", "--json"])
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert json.loads(failed.stdout)["error"].startswith("There is no run")


def test_looking_at_runs_loads_no_heavy_package(cache: CacheFolder) -> None:
    program = (
        "import sys, medrecog_core\n"
        "from medrecog_core.cli import main\n"
        "try:\n"
        "    main(['runs', '--json'])\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'sklearn', 'scipy', 'streamlit', 'pandas'}\n"
        "    print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = python(["-c", program])
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_main_reads_the_process_arguments_where_none_are_given(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["medrecog", "show", "nothing", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert "error" in json.loads(capsys.readouterr().out)


class TestReadOnlyView:
    @pytest.fixture(autouse=True)
    def viewer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(MODE_VARIABLE, VIEWER)

    @pytest.mark.parametrize(
        "arguments",
        [
            "datasets add more {pictures}",
            "datasets download ham10000",
            "datasets check textures",
            "datasets refresh textures",
            "datasets exclude textures --image noise/noise-0.png",
            "datasets include textures --all",
            "datasets remove textures",
            "extract textures --layers block1",
            "leakage textures --layers block1",
            "run --dataset textures --layers block1 --again",
            "run --repeat {run}",
            "rename {run} Title",
            "stop {run}",
            "resume {run}",
            "delete {run}",
            "train --run {run} --layer block1 --scale 224 --pooling average --name more",
            "delete-model more",
            "weights download",
            "weights import {pictures}",
            "weights remove 0000",
        ],
    )
    def test_commands_that_change_something_end_in_one_sentence(
        self, call: Call, finished: Run, pictures: Path, cache: CacheFolder, arguments: str
    ) -> None:
        before = {file: file.stat().st_mtime_ns for file in cache.root.rglob("*")}
        answer = call(*arguments.format(run=finished.id, pictures=pictures).split())
        assert answer.status == 1
        assert "This read-only view cannot" in answer.sentence
        assert {file: file.stat().st_mtime_ns for file in cache.root.rglob("*")} == before

    def test_commands_that_only_look_do_what_they_do(self, call: Call, finished: Run) -> None:
        assert call("show", finished.id).status == 0
        assert call("runs", "--json").json[0]["run"] == finished.id
        assert [each["name"] for each in call("datasets", "list", "--json").json] == ["textures"]


def test_a_mode_that_there_is_not_is_bad_usage(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODE_VARIABLE, "veiwer")
    answer = call("runs")
    assert answer.status == 2
    assert "MEDRECOG_MODE is “veiwer”" in answer.sentence


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        ((), []),
        (("--port", "9000"), ["--server.port=9000"]),
        (
            ("--port", "9000", "--server.headless=true", "--server.baseUrlPath", "lab"),
            ["--server.port=9000", "--server.headless=true", "--server.baseUrlPath", "lab"],
        ),
    ],
)
def test_streamlit_gets_the_app_and_its_own_options(
    call: Call,
    cache: CacheFolder,
    monkeypatch: pytest.MonkeyPatch,
    given: tuple[str, ...],
    passed_on: list[str],
) -> None:
    started = []
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: started.append((name, sys.argv)))
    answer = call("dashboard", *given)
    assert answer.status == 0
    assert str(cache.root) in answer.out
    assert started == [("streamlit", ["streamlit", "run", str(dashboard_script()), *passed_on])]


def test_a_port_that_there_is_not_is_refused(call: Call) -> None:
    assert call("dashboard", "--port", "0").status == 2
