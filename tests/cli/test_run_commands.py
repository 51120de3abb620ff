import csv
import json
import threading
from pathlib import Path

import pytest

from medrecog_core.jobs import queue
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import Network, import_weights
from medrecog_core.runs import PRESETS, Run, all_runs, create_run
from medrecog_core.runs.estimate import TRAINING
from tests.cli.conftest import Call
from tests.textures import N_IMAGES, add_textures, specification, wait_until, write_textures
from tests.tiny_network import tiny, tiny_arrays, write_npz

__all__ = ["tiny"]

GRID = ["--layers", "block1,block2", "--scales", "224", "--poolings", "max,average"]
CELL_KEYS = {"layer", "scale", "pooling", "accuracy", "balanced_accuracy", "n_train", "n_test"}


class TestRun:
    def test_json_has_what_is_promised(self, call: Call, known: Path) -> None:
        answer = call("run", "--dataset", "textures", *GRID, "--json")
        assert answer.status == 0
        document = answer.json
        assert document["run"] == all_runs()[0].id
        assert (document["status"], document["dataset"]) == ("finished", "textures")
        assert (document["n_images"], document["skipped"]) == (N_IMAGES, [])
        assert document["network_images"] == {"224": N_IMAGES}
        cells = document["cells"]
        assert [(c["layer"], c["scale"], c["pooling"]) for c in cells] == [
            (layer, 224, pooling)
            for layer in ("block1", "block2")
            for pooling in ("max", "average")
        ]
        for cell in cells:
            assert cell.keys() >= CELL_KEYS
            assert 0 <= cell["accuracy"] <= 1 and 0 <= cell["balanced_accuracy"] <= 1
            assert (cell["n_train"], cell["n_test"]) == (9, 3)
        assert ": 12/12 images" in answer.err

    def test_people_see_a_row_a_cell(self, call: Call, finished: Run) -> None:
        answer = call("run", "--dataset", "textures", "--layers", "block1")
        assert answer.status == 0
        lines = [line.split() for line in answer.out.splitlines()]
        assert lines[0][-1] == "finished"
        assert ["block1", "224", "max"] in [line[:3] for line in lines]
        assert "stratified hold-out" in answer.out

    def test_options_reach_the_run(self, call: Call, finished: Run) -> None:
        options = ["--layers", "block1", "--poolings", "max", "--C", "0.5", "--seed", "7"]
        call("run", "--dataset", "textures", *options)
        newest = next(run for run in all_runs() if run.id != finished.id)
        assert newest.specification() == specification(
            layers=["block1"], poolings=["max"], C=0.5, seed=7
        )

    def test_encodings_are_poolings_with_a_number_of_words(self, call: Call, finished: Run) -> None:
        options = ["--layers", "block1", "--poolings", "average,vlad", "--n-words", "5"]
        answer = call("run", "--dataset", "textures", *options, "--json")
        assert answer.status == 0
        assert [c["pooling"] for c in answer.json["cells"]] == ["average", "vlad"]
        assert answer.json["specification"]["n_words"] == 5
        assert answer.json["network_images"] == {"224": N_IMAGES}

    def test_a_sample_and_a_preprocessing_are_told_wherever_the_results_stand(
        self, call: Call, finished: Run, tmp_path: Path
    ) -> None:
        options = ["--layers", "block1", "--preprocessing", "centre-crop", "--sample", "6"]
        answer = call("run", "--dataset", "textures", *options, "--json")
        words = f"a sample of 6 of {N_IMAGES} images"
        document = answer.json
        assert (document["sample"], document["record"]["sample"]) == (words, words)
        assert document["n_images"] == 6
        assert document["network_images"] == {"224": 6}
        assert document["record"]["preprocessing"] == "centre-crop-bilinear-1"
        assert f"These results are based on {words}." in call("show", document["run"]).out
        call("export", document["run"], "--to", tmp_path / "cells.csv")
        with (tmp_path / "cells.csv").open(newline="") as file:
            assert {row["sample"] for row in csv.DictReader(file)} == {words}

    def test_memory_is_told_before_the_run_and_measured_in_it(
        self, call: Call, known: Path
    ) -> None:
        answer = call("run", "--dataset", "textures", "--layers", "block1", "--json")
        first, *others = answer.err.splitlines()
        assert " at once, about " in first and others
        measured = answer.json["record"]["peak_memory_bytes"]["extract-224"]
        assert measured > 10**8
        shown = call("show", answer.json["run"]).out
        assert f"at most {measured / 1e9:.1f} GB of memory" in shown

    def test_a_dry_run_says_what_it_would_take_and_runs_nothing(
        self, call: Call, known: Path
    ) -> None:
        options = ["--layers", "block1", "--scales", "224,544", "--dry-run"]
        document = call("run", "--dataset", "textures", *options, "--json").json
        assert [scale["scale"] for scale in document["scales"]] == [224, 544]
        assert document["n_cells"] == 4
        assert document["specification"]["scales"] == [224, 544]
        assert "textures: 4 cells, " in call("run", "--dataset", "textures", *options).out
        assert all_runs() == []

    def test_another_network_is_read_at_layers_of_its_own(
        self, call: Call, known: Path, tiny: Network, tmp_path: Path
    ) -> None:
        answer = call("run", "--dataset", "textures", "--network", "tiny", "--json")
        assert answer.status == 1
        assert "No weights of Tiny are installed: run `" in answer.sentence
        import_weights(tiny, write_npz(tmp_path / "tiny.npz", tiny_arrays()))
        read = call("extract", "textures", "--network", "tiny", "--json").json
        assert read["network_images"] == {"224": N_IMAGES}
        answer = call("run", "--dataset", "textures", "--network", "tiny", "--json")
        assert answer.status == 0
        assert {cell["layer"] for cell in answer.json["cells"]} == {"block1", "block2"}
        assert answer.json["network_images"] == {"224": 0}
        assert answer.json["record"]["network"] == "Tiny"
        assert "Tiny, weights: custom weights (tiny.npz)" in call("show", answer.json["run"]).out

    def test_options_go_before_the_file(self, call: Call, finished: Run, tmp_path: Path) -> None:
        file = tmp_path / "spec.json"
        file.write_text(
            json.dumps(
                {"dataset": "textures", "layers": ["block2"], "poolings": ["max"], "seed": 5}
            )
        )
        answer = call("run", "--spec", file, "--layers", "block1", "--json")
        assert answer.status == 0
        assert (
            answer.json["specification"]
            == specification(layers=["block1"], poolings=["max"], seed=5).to_document()
        )

    def test_the_file_may_leave_the_data_set_to_an_option(
        self, call: Call, finished: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "spec.json"
        file.write_text('{"layers": ["block1"], "poolings": ["max"]}')
        answer = call("run", "--spec", file, "--dataset", "textures", "--json")
        assert answer.status == 0
        assert len(answer.json["cells"]) == 1

    @pytest.mark.parametrize(
        ("content", "word"),
        [
            ("dataset: textures", "spec.json cannot be read as JSON"),
            ("[]", "JSON object"),
            ('{"layers": ["block1"]}', "dataset"),
            ('{"dataset": "textures", "scales": "224"}', "scales"),
            ('{"dataset": "textures", "colour": "red"}', "colour"),
        ],
    )
    def test_a_file_that_is_no_specification_is_bad_usage(
        self, call: Call, known: Path, tmp_path: Path, content: str, word: str
    ) -> None:
        file = tmp_path / "spec.json"
        file.write_text(content)
        answer = call("run", "--spec", file, "--json")
        assert answer.status == 2
        assert word in answer.sentence
        assert answer.json == {"error": answer.sentence}
        assert all_runs() == []

    def test_a_missing_file_is_bad_usage(self, call: Call, tmp_path: Path) -> None:
        answer = call("run", "--spec", tmp_path / "none.json")
        assert answer.status == 2
        assert f"The file {tmp_path / 'none.json'} does not exist" in answer.sentence

    @pytest.mark.parametrize(
        ("options", "word"),
        [
            (["--layers", "block9"], "Unknown layer “block9”"),
            (["--layers", ""], "layers"),
            (["--scales", "10"], "The input size 10 is not valid"),
            (["--scales", "abc"], "“abc” is not a list of whole numbers"),
            (["--scales", "224;544"], "224;544"),
            (["--poolings", "median"], "Unknown pooling “median”"),
            (["--precision", "float16"], "float16"),
            (["--C", "0"], "greater than 0"),
            (["--C", "nan"], "C"),
            (["--C", "strong"], "strong"),
            (["--classifier", "forest"], "Available: linear-svm"),
            (["--classifier", "knn", "--C", "1"], "“C” is not a setting"),
            (["--k", "3"], "“k” is not a setting"),
            (["--classifier", "knn", "--k", "0"], "whole number"),
            (["--seed", "-1"], "seed"),
            (["--n-words", "0"], "n_words"),
            (["--dataset", "No Name"], "is not a valid name"),
        ],
    )
    def test_a_wrong_option_is_bad_usage_and_leaves_no_run(
        self, call: Call, known: Path, options: list[str], word: str
    ) -> None:
        answer = call("run", "--dataset", "textures", *options, "--json")
        assert answer.status == 2
        assert word in answer.sentence
        assert answer.json == {"error": answer.sentence}
        assert all_runs() == []

    def test_an_unknown_data_set_leaves_no_run(self, call: Call, known: Path) -> None:
        answer = call("run", "--dataset", "nothing", "--json")
        assert answer.status == 1
        assert answer.sentence == "Unknown data set “nothing”. Available: demo, textures."
        assert all_runs() == []

    def test_layers_out_of_reach_leave_no_failed_run_behind(self, call: Call, known: Path) -> None:
        answer = call("run", "--dataset", "textures", "--layers", "fc1", "--json")
        assert answer.status == 1
        assert "fc1 needs Keras's official VGG-19 file" in answer.sentence
        assert call("runs", "--json").json == []

    def test_a_failed_run_is_one_document_with_the_error(self, call: Call, tmp_path: Path) -> None:
        folder = write_textures(tmp_path / "images")
        for picture in sorted((folder / "waves").iterdir())[1:]:
            picture.unlink()
        add_textures(folder)
        answer = call("run", "--dataset", "textures", "--layers", "block1", "--json")
        assert answer.status == 1
        document = answer.json
        assert (document["status"], document["error"]) == ("failed", answer.sentence)
        assert (document["cells"], document["network_images"]) == ([], {})
        assert "“waves” has only 1 image," in answer.sentence
        people = call("run", "--dataset", "textures", "--layers", "block1")
        assert (people.status, people.out) == (1, "")
        assert people.sentence == answer.sentence

    def test_skipped_images_are_told(self, call: Call, tmp_path: Path) -> None:
        folder = write_textures(tmp_path / "images")
        (folder / "waves/empty.png").touch()
        add_textures(folder)
        options = ["--dataset", "textures", "--layers", "block1", "--poolings", "max"]
        answer = call("run", *options, "--json")
        assert answer.status == 0
        skipped = [{"path": str(folder / "waves/empty.png"), "reason": "the file is empty"}]
        assert answer.json["skipped"] == skipped
        assert "skipped " in call("run", *options).out

    def test_nothing_readable_cannot_be_run(self, call: Call, tmp_path: Path) -> None:
        folder = write_textures(tmp_path / "images")
        for file in folder.glob("*/*.png"):
            file.write_bytes(b"")
        add_textures(folder)
        answer = call("run", "--dataset", "textures", "--json")
        assert answer.status == 1
        assert "None of the 12 images" in answer.sentence
        assert answer.json["error"] == answer.sentence


class TestIdenticalRun:
    def test_a_finished_one_is_shown_instead_of_repeated(self, call: Call, finished: Run) -> None:
        answer = call("run", "--dataset", "textures", *GRID, "--json")
        assert answer.status == 0
        assert answer.json["run"] == finished.id
        assert answer.json["already_done"] is True
        assert len(answer.json["cells"]) == 4
        assert answer.json["network_images"] == {"224": 0}  # of this command
        assert "An identical run already exists" in answer.err
        people = call("run", "--dataset", "textures", *GRID)
        assert people.status == 0
        assert people.out.startswith(f"{finished.id}: finished\n")
        assert len(all_runs()) == 1

    def test_again_runs_it_anew(self, call: Call, finished: Run) -> None:
        answer = call("run", "--dataset", "textures", *GRID, "--again", "--json")
        assert answer.status == 0
        assert answer.json["run"] != finished.id
        assert "already_done" not in answer.json
        assert answer.json["network_images"] == {"224": 0}
        assert len(all_runs()) == 2


class TestRepeat:
    def test_a_run_is_repeated_and_compared(self, call: Call, finished: Run) -> None:
        answer = call("run", "--repeat", finished.id, "--json")
        assert answer.status == 0
        assert answer.json["repeats"] == {
            "run": finished.id,
            "differences": [],
            "changed_cells": [],
        }
        people = call("show", answer.json["run"]).out
        assert "All cells have the same results as in" in people

    def test_an_exported_run_is_repeated_from_the_file(
        self, call: Call, finished: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "run.json"
        call("export", finished.id, "--to", file)
        document = json.loads(file.read_text())
        document["record"]["versions"]["numpy"] = "0.1"
        document["cells"][0]["accuracy"] = 0.0123
        file.write_text(json.dumps(document))
        answer = call("run", "--spec", file, "--json")
        assert answer.status == 0
        assert answer.json["repeats"]["changed_cells"] == ["block1-224-max"]
        people = call("show", answer.json["run"]).out
        assert "Different from" in people
        assert "Results that differ from" in people

    @pytest.mark.parametrize("options", [["--seed", "3"], ["--spec", "x.json"]])
    def test_it_takes_no_other_option(self, call: Call, finished: Run, options: list[str]) -> None:
        answer = call("run", "--repeat", finished.id, *options)
        assert answer.status == 2
        assert answer.sentence.startswith("--repeat uses the settings of the run")

    def test_a_run_without_a_record_cannot_be_repeated(self, call: Call, known: Path) -> None:
        run = create_run(specification())
        answer = call("run", "--repeat", run.id, "--json")
        assert answer.status == 1
        assert answer.sentence == f"Run {run.id} has no record yet. Resume it instead."


class TestQueue:
    def test_a_run_waits_until_the_one_before_it_has_ended_and_says_so(
        self, call: Call, finished: Run
    ) -> None:
        other = create_run(specification(seed=1))
        other.write_state(JobState("running", process=this_process()))
        queue.join(other)
        ender = threading.Thread(target=end_when_somebody_waits, args=(other,))
        ender.start()
        options = ["--layers", "block1", "--poolings", "max", "--json"]
        answer = call("run", "--dataset", "textures", *options)
        ender.join()
        assert answer.status == 0
        assert f"{other.id}\n" in answer.err

    def test_a_wrong_setting_is_bad_usage_and_leaves_no_run(
        self, call: Call, known: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MEDRECOG_RUNS_AT_ONCE", "many")
        answer = call("run", "--dataset", "textures", "--json")
        assert answer.status == 2
        assert (
            answer.sentence == "MEDRECOG_RUNS_AT_ONCE is “many”, which is not valid. "
            "Set it to a whole number from 1 on."
        )
        monkeypatch.delenv("MEDRECOG_RUNS_AT_ONCE")
        assert all_runs() == []

    def test_a_waiting_run_shows_whom_it_waits_for(self, call: Call, cache: CacheFolder) -> None:
        first, second = create_run(specification()), create_run(specification(seed=1))
        for run in (first, second):
            queue.join(run)
        out = call("show", second.id).out
        assert out == f"{second.id}: queued\n1. in the queue before it: {first.id} (queued)\n"


def end_when_somebody_waits(run: Run) -> None:
    def somebody_waits() -> bool:
        return any(other.state().waits for other in all_runs())

    wait_until(somebody_waits)
    run.write_state(JobState("finished"))


class TestTitlesAndSearch:
    def test_a_run_is_renamed_and_found(self, call: Call, finished: Run) -> None:
        other = create_run(specification(seed=1))
        answer = call("rename", finished.id, "Deepest block", "--json")
        assert answer.json == {"run": finished.id, "title": "Deepest block"}
        documents = call("runs", "--search", "deepest", "--json").json
        assert [(d["run"], d["title"]) for d in documents] == [(finished.id, "Deepest block")]
        people = call("runs").out
        assert "Deepest block" in people and other.id in people
        assert f"{finished.id} (“Deepest block”): finished" in call("show", finished.id).out
        assert call("runs", "--search", "nothing").out == "No runs match “nothing”.\n"
        assert call("rename", finished.id, "").out == f"Renamed {finished.id} to “{finished.id}”.\n"

    def test_no_two_runs_are_renamed_to_the_same_title(self, call: Call, finished: Run) -> None:
        create_run(specification(seed=1), title="Deepest block")
        assert call("rename", finished.id, "Deepest block").status == 2

    def test_a_run_is_named_after_its_settings_or_as_asked(self, call: Call, finished: Run) -> None:
        asked = ["run", "--dataset", "textures", "--layers", "block1", "--again", "--json"]
        assert call(*asked).json["title"] == "textures · VGG-19 block1 · 224"
        assert call(*asked).json["title"] == "textures · VGG-19 block1 · 224 (2)"
        assert call(*asked, "--title", "Mine").json["title"] == "Mine"

    def test_labels_are_changed_shown_and_listed(self, call: Call, finished: Run) -> None:
        other = create_run(specification(seed=1))
        assert call("label", finished.id).out == f"{finished.id}: no labels\n"
        call("label", finished.id, "--pin", "--tags", "paper,draft", "--note", "Good.")
        answer = call("label", finished.id, "--archive", "--json")
        labels = {"pinned": True, "archived": True, "tags": ["draft", "paper"], "note": "Good."}
        assert answer.json == {"run": finished.id, **labels}
        assert [d["run"] for d in call("runs", "--json").json] == [other.id]
        (document, _) = call("runs", "--archived", "--json").json
        assert document == document | {"run": finished.id, **labels}

    def test_a_deleted_run_is_listed_and_restored(self, call: Call, finished: Run) -> None:
        assert call("runs", "--trash").out == "The trash is empty.\n"
        call("delete", finished.id)
        assert call("runs", "--json").json == []
        (deleted,) = call("runs", "--trash", "--json").json
        assert (deleted["run"], deleted["days_left"]) == (finished.id, 30)
        assert finished.id in call("runs", "--trash").out
        answer = call("restore", finished.id, "--json")
        assert answer.json == {"run": finished.id, "restored": True}
        assert [d["run"] for d in call("runs", "--json").json] == [finished.id]
        assert call("restore", finished.id).status == 1
        call("delete", finished.id)
        assert call("runs", "--empty-trash", "--json").json == {"removed": 1}
        assert call("restore", finished.id).status == 1

    def test_a_title_that_is_too_long_is_bad_usage(self, call: Call, finished: Run) -> None:
        answer = call("rename", finished.id, "x" * 101)
        assert answer.status == 2
        assert "has 101 characters" in answer.sentence


class TestLog:
    def test_it_tells_attempts_and_stages(self, call: Call, finished: Run) -> None:
        lines = call("log", finished.id, "--json").json["lines"]
        assert "attempt 1" in lines[0]
        assert any(line.endswith(TRAINING.label) for line in lines)
        assert lines[-1].endswith("finished")
        assert call("log", finished.id).out.splitlines() == lines
        assert call("log", finished.id, "--lines", 1).out.splitlines() == lines[-1:]

    def test_no_line_is_bad_usage(self, call: Call, finished: Run) -> None:
        assert call("log", finished.id, "--lines", 0).status == 2


class TestRuns:
    def test_they_are_listed_beside_a_damaged_one(
        self, call: Call, finished: Run, cache: CacheFolder
    ) -> None:
        damaged = create_run(specification())
        (damaged.path / "state.json").write_text("[]")
        answer = call("runs", "--json")
        assert answer.status == 0
        documents = {d["run"]: d for d in answer.json}
        assert documents[finished.id]["status"] == "finished"
        assert documents[finished.id]["dataset"] == "textures"
        best = max(result.metrics.accuracy for result in finished.cells())
        assert documents[finished.id]["best_accuracy"] == best
        assert documents[damaged.id]["status"] == "failed"
        people = call("runs")
        assert people.status == 0
        assert finished.id in people.out and damaged.id in people.out

    @pytest.mark.parametrize("name", ["specification.json", "cells/block1-224-max.json"])
    def test_other_damage_hides_no_run(self, call: Call, finished: Run, name: str) -> None:
        (finished.path / name).write_text("{")
        answer = call("runs", "--json")
        assert answer.status == 0
        assert [d["run"] for d in answer.json] == [finished.id]


@pytest.mark.parametrize(
    "command",
    ["show", "log", "rename x", "stop", "cancel", "resume", "delete", "export --to x.csv"],
)
@pytest.mark.parametrize("run_id", ["nothing", "../runs", "a/b"])
def test_an_unknown_run_gives_a_sentence(call: Call, command: str, run_id: str) -> None:
    name, *options = command.split()
    answer = call(name, run_id, *options, "--json")
    assert answer.status == 1
    assert f"“{run_id}”" in answer.sentence and "“runs”" in answer.sentence
    assert answer.json == {"error": answer.sentence}


class TestStopResumeDelete:
    def test_a_waiting_run_is_stopped_and_resumed(self, call: Call, finished: Run) -> None:
        run = create_run(specification())
        answer = call("stop", run.id, "--json")
        assert answer.json == {"run": run.id, "stopping": True}
        stopped = call("resume", run.id, "--json")
        assert stopped.status == 1
        assert stopped.json["status"] == "stopped"
        assert stopped.json["error"] == "" and "was stopped" in stopped.sentence
        resumed = call("resume", run.id, "--json")
        assert resumed.status == 0
        assert (resumed.json["status"], len(resumed.json["cells"])) == ("finished", 4)

    def test_a_finished_run_cannot_be_stopped(self, call: Call, finished: Run) -> None:
        answer = call("stop", finished.id)
        assert (answer.status, answer.out) == (1, "")
        assert answer.sentence == f"Run {finished.id} is not running; it is finished."

    @pytest.mark.parametrize("command", ["resume", "delete"])
    def test_a_run_at_work_is_left_alone(
        self, call: Call, cache: CacheFolder, command: str
    ) -> None:
        run = create_run(specification())
        run.write_state(JobState("running", process=this_process()))
        answer = call(command, run.id, "--json")
        assert answer.status == 1
        assert "running" in answer.sentence
        assert answer.json == {"error": answer.sentence}
        assert run.state().status == "running"

    def test_a_deleted_run_is_gone_and_its_descriptors_stay(
        self, call: Call, finished: Run
    ) -> None:
        assert call("delete", finished.id, "--json").json == {"run": finished.id, "deleted": True}
        assert all_runs() == []
        options = ["--layers", "block1", "--poolings", "max"]
        again = call("run", "--dataset", "textures", *options, "--json")
        assert again.json["network_images"] == {"224": 0}


class TestDryRun:
    def test_the_cost_is_told_and_nothing_is_done(
        self, call: Call, known: Path, cache: CacheFolder
    ) -> None:
        answer = call("run", "--dataset", "textures", *GRID, "--dry-run", "--json")
        assert (answer.status, answer.err) == (0, "")
        cost = answer.json["cost"]
        (scale,) = cost["scales"]
        assert scale.pop("gflop") > 0
        assert scale == {"scale": 224, "n_images": N_IMAGES, "seconds": None}
        assert cost["training_seconds"] is None
        assert cost["fits_on_disk"] is True
        (scale,) = answer.json["scales"]
        assert scale["memory_bytes"] == answer.json["memory_bytes"] > 5 * 10**8
        assert all_runs() == []
        assert not cache.features.exists()

    def test_people_see_a_row_a_scale(self, call: Call, finished: Run) -> None:
        out = call("run", "--dataset", "textures", "--scales", "224,544", "--dry-run").out
        rows = [line.split() for line in out.splitlines() if "12 of 12" in line]
        assert [row[0] for row in rows] == ["224", "544"]
        assert "are free" in out


def test_presets_are_listed_with_the_layers_that_need_other_weights(call: Call) -> None:
    answer = call("presets", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert [document["name"] for document in answer.json] == list(PRESETS)
    assert answer.json[1]["scales"] == [224, 544]
    assert answer.json[1]["need_other_weights"] == ["fc1", "fc2"]
    rows = [line.split() for line in call("presets").out.splitlines()]
    (row,) = (row for row in rows if row[0] == "report-mini-mit")
    assert row[-4:] == ["block5,fc1,fc2", "224,544,864,1184", "max,average", "fc1,fc2"]


def test_other_options_go_before_the_preset(call: Call, known: Path) -> None:
    answer = call(
        *("run", "--preset", "report-chest-xray", "--dataset", "textures"),
        *("--layers", "block1", "--scales", "224", "--json"),
    )
    assert answer.status == 0
    cells = [(c["layer"], c["scale"], c["pooling"]) for c in answer.json["cells"]]
    assert cells == [("block1", 224, "max"), ("block1", 224, "average")]


def test_layers_that_need_other_weights_are_named_before_any_work(call: Call, known: Path) -> None:
    answer = call("run", "--preset", "report-chest-xray", "--dataset", "textures", "--json")
    assert answer.status != 0
    assert answer.sentence.startswith("fc1 and fc2 need Keras")
    assert "or choose one of the layers block1" in answer.sentence


def test_a_preset_and_a_specification_do_not_go_together(call: Call) -> None:
    answer = call("run", "--preset", "report-kvasir", "--spec", "x.json")
    assert answer.status == 2
    assert "Use one of them" in answer.sentence
