import csv
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from medrecog_core.runs.baselines import TITLES as BASELINES
from tests.cli.conftest import Call
from tests.made_runs import CLASSES, made_run
from tests.textures import CLASSES as TEXTURES
from tests.textures import N_IMAGES, specification


@pytest.fixture
def three(cache: CacheFolder) -> Run:
    return made_run(classes=("noise", "stripes", "waves"))


def test_a_measure_is_told_with_its_interval_and_the_best_is_named(call: Call, three: Run) -> None:
    answer = call("show", three.id, "--measure", "balanced_accuracy,auc")
    assert answer.status == 0
    assert "balanced accuracy" in answer.out
    assert len(re.findall(r"  best  ", answer.out)) == 2
    assert (
        len(re.findall(r"lower, p [=<] 0\.\d+|not significantly different, p = ", answer.out)) == 2
    )


def test_json_holds_the_run_and_its_measures(call: Call, three: Run) -> None:
    document = call("show", three.id, "--measure", "accuracy", "--json").json
    assert document["run"] == three.id
    cells = document["measures"]["accuracy"]
    assert [c["value"] for c in cells] == [r.metrics.accuracy for r in three.cells()]
    assert [c["interval"] for c in cells] == [
        pytest.approx(list(r.metrics.accuracy_interval)) for r in three.cells()
    ]
    assert sum(c["is_best"] for c in cells) == 1
    assert {(c["n_predictions"], c["n_independent"]) for c in cells} == {(30, 30)}


def test_baselines_are_shown_beside_the_cells(call: Call, finished: Run) -> None:
    document = call("baselines", finished.id, "--measure", "balanced_accuracy", "--json").json
    assert [each["baseline"] for each in document["baselines"]] == list(BASELINES)
    assert document["baselines"][0]["value"] == pytest.approx(1 / len(TEXTURES))
    assert [each["cell"] for each in document["cells"]] == [r.cell.name for r in finished.cells()]
    answer = call("baselines", finished.id)
    assert answer.status == 0
    assert document["cells"][0]["cell"] in answer.out


def test_published_figures_are_shown_beside_the_run(call: Call, three: Run) -> None:
    document = call("published", made_run().id, "--json").json
    assert document["study"]["comparable_cell"] is None
    assert document["study"]["figures"][0]["values"]["accuracy"] == 0.8622
    assert document["report"]["name"] == "Figure 10"
    assert "VGG16" in call("published", made_run().id).out
    other = call("published", three.id, "--json").json
    assert (other["study"], other["report"]) == (None, None)


def test_unfinished_runs_have_no_baselines(call: Call, cache: CacheFolder) -> None:
    run = create_run(specification())
    assert call("baselines", run.id).status == 1


def test_all_are_those_that_can_be_told(call: Call, three: Run) -> None:
    document = call("show", three.id, "--measure", "all", "--json").json
    assert list(document["measures"]) == ["accuracy", "balanced_accuracy", "macro_f1", "auc"]


def test_the_positive_class_is_chosen(call: Call, cache: CacheFolder) -> None:
    run = made_run()
    asked = ("show", run.id, "--measure", "sensitivity", "--json")
    told = {label: call(*asked, "--positive", label).json for label in CLASSES}
    recalls = [row.recall for row in run.cells()[0].metrics.classes]
    found = [told[label]["measures"]["sensitivity"][0]["value"] for label in CLASSES]
    assert found == pytest.approx(recalls)
    assert recalls[0] != recalls[1]


def test_a_positive_class_that_is_none_is_bad_usage(call: Call, three: Run) -> None:
    answer = call("show", three.id, "--measure", "accuracy", "--positive", "nothing")
    assert answer.status == 2
    assert "Unknown positive class “nothing”" in answer.sentence


@pytest.mark.parametrize("measure", ["sensitivity", "beauty"])
def test_a_measure_that_cannot_be_told_is_bad_usage(call: Call, three: Run, measure: str) -> None:
    answer = call("show", three.id, "--measure", measure)
    assert answer.status == 2
    assert answer.sentence.startswith(f"The measure “{measure}” is not available")


def test_a_positive_class_alone_is_bad_usage(call: Call, three: Run) -> None:
    answer = call("show", three.id, "--positive", "noise")
    assert (answer.status, "Add a measure, or omit --positive" in answer.sentence) == (2, True)


def test_a_run_without_a_cell_says_so(call: Call, cache: CacheFolder) -> None:
    answer = call("show", create_run(specification()).id, "--measure", "accuracy")
    assert answer.status == 1
    assert "has no finished cells yet" in answer.sentence


class TestTheRunItself:
    def test_it_prints_what_run_printed(self, call: Call, finished: Run) -> None:
        answer = call("show", finished.id, "--json")
        assert answer.status == 0
        assert answer.json["network_images"] == {"224": N_IMAGES}
        assert len(answer.json["cells"]) == 4
        out = call("show", finished.id).out
        assert out.startswith(f"{finished.id}: finished\n")
        assert "block2" in out

    def test_a_run_at_work_shows_its_stage(self, call: Call, cache: CacheFolder) -> None:
        run = create_run(specification())
        run.write_state(
            JobState("running", Stage("train", "training"), 1, 4, process=this_process())
        )
        out = call("show", run.id).out
        assert out == f"{run.id}: running\ntraining: 1 of 4\n"

    def test_a_failed_run_shows_why(self, call: Call, cache: CacheFolder) -> None:
        run = create_run(specification())
        run.write_state(JobState("failed", error="It did not work."))
        assert call("show", run.id).out == f"{run.id}: failed: It did not work.\n"

    @pytest.mark.parametrize("name", ["specification.json", "record.json"])
    def test_a_damaged_run_gives_a_sentence(self, call: Call, finished: Run, name: str) -> None:
        (finished.path / name).write_text("[")
        answer = call("show", finished.id, "--json")
        assert answer.status == 1
        assert f"{name} is damaged" in answer.sentence
        assert answer.json == {"error": answer.sentence}


def test_people_see_what_differs_the_best_cells_and_whether_they_differ(
    call: Call, cache: CacheFolder
) -> None:
    one, other = made_run(n=120), made_run(n=120, C=0.01, separations=(0.2,), seed=1)
    one.rename("The deeper one")
    answer = call("compare", one.id, other.id)
    assert answer.status == 0
    assert f"{one.id} (“The deeper one”)" in answer.out
    assert "block2-224-average" in answer.out
    assert "0.01" in answer.out
    assert "exact McNemar test): significantly different at 5 %" in answer.out
    assert "cell in common" in answer.out
    assert "seed" not in answer.out


def test_json_is_one_document(call: Call, cache: CacheFolder) -> None:
    one, other, third = made_run(), made_run(C=0.1), made_run(n=40)
    document = call("compare", one.id, other.id, third.id, "--measure", "auc", "--json").json
    assert [run["run"] for run in document["runs"]] == [one.id, other.id, third.id]
    assert [run["settings"]["C"] for run in document["runs"]] == ["1", "0.1", "1"]
    assert [pair["same_images"] for pair in document["pairs"]] == [True, False, False]
    assert document["pairs"][0]["method"] == "DeLong's test"
    assert document["cells"][0]["values"].keys() == {one.id, other.id, third.id}


def test_equal_runs_say_so(call: Call, cache: CacheFolder) -> None:
    answer = call("compare", made_run().id, made_run().id)
    assert "All settings are the same." in answer.out
    assert "not significantly different" in answer.out


def test_one_run_is_bad_usage(call: Call, cache: CacheFolder) -> None:
    run = made_run().id
    assert call("compare", run).status == call("compare", run, run).status == 2
    assert call("compare").status == 2
    assert "There is no run “gone”" in call("compare", run, "gone").sentence


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
        assert [c["label"] for c in labels] == list(TEXTURES)

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
