"""`export`."""

import csv
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from medrecog_core.runs import Run
from tests.cli.conftest import Call
from tests.textures import CLASSES


class TestExport:
    def test_csv_has_a_row_a_cell(self, call: Call, finished: Run, tmp_path: Path) -> None:
        file = tmp_path / "x.csv"
        answer = call("export", finished.id, "--to", file, "--json")
        assert answer.json == {"run": finished.id, "file": str(file)}
        with file.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == 4
        for row, result in zip(rows, finished.cells(), strict=True):
            assert rows[0].keys() >= {"layer", "scale", "pooling", "balanced_accuracy", "n_train"}
            assert (row["layer"], int(row["scale"]), row["pooling"]) == (
                result.cell.layer,
                result.cell.scale,
                result.cell.pooling,
            )
            assert float(row["accuracy"]) == result.metrics.accuracy
            assert int(row["n_test"]) == result.n_test

    def test_json_has_everything(self, call: Call, finished: Run, tmp_path: Path) -> None:
        file = tmp_path / "x.json"
        assert call("export", finished.id, "--to", file).out == f"Wrote {file}.\n"
        assert json.loads(file.read_bytes()) == call("show", finished.id, "--json").json
        labels = json.loads(file.read_bytes())["cells"][0]["classes"]
        assert [c["label"] for c in labels] == list(CLASSES)

    @pytest.mark.parametrize("name", ["x.txt", "x"])
    def test_another_ending_is_bad_usage(
        self, call: Call, finished: Run, tmp_path: Path, name: str
    ) -> None:
        answer = call("export", finished.id, "--to", tmp_path / name, "--json")
        assert answer.status == 2
        assert (
            f"{tmp_path / name} has an unknown ending. Use .csv, .json, .tex, .html, .png or .svg."
            in answer.sentence
        )
        assert not (tmp_path / name).exists()

    def test_a_file_that_cannot_be_written_gives_a_sentence_about_it(
        self, call: Call, finished: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "nowhere" / "x.csv"
        answer = call("export", finished.id, "--to", file, "--json")
        assert answer.status == 1
        assert answer.sentence.startswith(f"Cannot write to {file} (No such file or directory)")
        assert "MEDRECOG_CACHE" not in answer.sentence

    def test_the_file_may_be_read_by_whom_the_user_lets_read(
        self, call: Call, finished: Run, tmp_path: Path, open_umask: None
    ) -> None:
        call("export", finished.id, "--to", tmp_path / "x.json")
        assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o644

    def test_tables_are_told_apart(self, call: Call, finished: Run, tmp_path: Path) -> None:
        file = tmp_path / "report.tex"
        options = ["--table", "report", "--measure", "balanced-accuracy"]
        assert call("export", finished.id, "--to", file, *options).status == 0
        assert "balanced accuracy, in the layout of the 2018 report" in file.read_text()
        assert "toprule" not in file.read_text()

    def test_a_figure_of_a_cell_is_drawn(self, call: Call, finished: Run, tmp_path: Path) -> None:
        file = tmp_path / "roc.svg"
        options = ["--figure", "roc", "--cell", "block2-224-max", "--class", "waves"]
        assert call("export", finished.id, "--to", file, *options).status == 0
        assert "ROC of waves" in file.read_text()

    @pytest.mark.parametrize(
        ("file", "options", "sentence"),
        [
            ("x.csv", ["--table", "other"], "Unknown table “other”. Available: cells"),
            ("x.svg", ["--figure", "pie"], "Unknown figure “pie”. Available: heat-map"),
            ("x.csv", ["--measure", "luck"], "Unknown measure “luck”. Available: accuracy"),
            ("x.svg", ["--figure", "roc", "--cell", "fc9"], "This run has no finished cell “fc9”"),
            ("x.svg", ["--figure", "roc", "--class", "cat"], "The class “cat” has no curve"),
            ("x.svg", ["--measure", "sensitivity"], "is not available for this run"),
            ("x.svg", ["--table", "report"], "A table cannot be written to"),
            ("x.csv", ["--figure", "roc"], "A figure cannot be written to"),
        ],
    )
    def test_what_there_is_not_is_bad_usage(
        self,
        call: Call,
        finished: Run,
        tmp_path: Path,
        file: str,
        options: list[str],
        sentence: str,
    ) -> None:
        answer = call("export", finished.id, "--to", tmp_path / file, *options, "--json")
        assert answer.status == 2
        assert sentence in answer.sentence
        assert not (tmp_path / file).exists()


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)
