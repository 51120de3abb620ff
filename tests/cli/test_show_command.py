import re

import pytest

from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from tests.made_runs import CLASSES, made_run
from tests.textures import N_IMAGES, specification

from .conftest import Call


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
