from dataclasses import replace

import numpy as np
import pytest

from medrecog_core.classification import estimate
from medrecog_core.errors import StorageError
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import JobState
from medrecog_core.runs import Run, RunSpecification, create_run, list_runs, run_list, search_runs
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.labels import RunLabels
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.made_runs import made_run


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_list, "_READ", {})


@pytest.mark.parametrize("n_groups", [0, 8])
def test_a_row_shows_the_best_cell_with_the_interval_of_results(n_groups: int) -> None:
    run = made_run(separations=(0.2, 2.0, 1.0), n_groups=n_groups, C=0.01, n_folds=3)
    (row,) = list_runs()
    assert row.summary is not None and row.summary.best is not None
    best = max(run.cells(), key=lambda result: result.metrics.accuracy)
    expected = estimate(score_images(run, best), ["accuracy"])["accuracy"]
    shown = row.summary.best
    assert shown.name == best.cell.name
    assert (shown.score, shown.n) == (best.metrics.accuracy, expected.n_images)
    assert (shown.low, shown.high) == (expected.low, expected.high)
    summary = row.summary
    assert (summary.dataset, summary.network, summary.protocol) == ("made", "VGG-19", "3-fold")
    assert (summary.parameter, summary.n_cells, summary.n_finished) == ("C = 0.01", 3, 3)


def test_a_summary_is_computed_once_and_again_after_a_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = made_run()
    before = list_runs()[0].summary
    run_list._READ.clear()
    compute = run_list._compute
    monkeypatch.setattr(run_list, "_compute", None)
    assert list_runs()[0].summary == before
    monkeypatch.setattr(run_list, "_compute", compute)
    cell = run.specification().cells[0]
    result = run.cell(cell)
    assert result is not None
    perfect = replace(result, metrics=replace(result.metrics, accuracy=1.0))
    truth = [perfect.metrics.classes[0].label == image.label for image in run.tested_images()]
    scores = np.where(np.array(truth)[:, None], [1.0, 0.0], [0.0, 1.0])
    run.write_cell(perfect, scores)
    changed = list_runs()[0].summary
    assert changed is not None and changed.best is not None
    assert (changed.best.name, changed.best.score) == (cell.name, 1.0)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1, "version": [0], "summary": {}}'])
def test_a_damaged_file_is_written_again(content: str) -> None:
    run = made_run()
    before = list_runs()[0].summary
    (run.path / "summary.json").write_text(content)
    run_list._READ.clear()
    assert list_runs()[0].summary == before
    run_list._READ.clear()
    assert list_runs()[0].summary == before


def test_a_view_writes_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run()
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    assert list_runs()[0].summary is not None
    assert not (run.path / "summary.json").exists()


def test_pinned_runs_are_first_and_no_two_names_are_the_same() -> None:
    runs = [made_run(seed=i) for i in range(3)]
    for created, run in enumerate(runs, 1):
        run.write_state(JobState("finished", created=created))
    runs[0].write_labels(RunLabels(pinned=True))
    runs[1].rename("Mine")
    rows = list_runs()
    assert [row.run.id for row in rows] == [runs[0].id, runs[2].id, runs[1].id]
    assert rows[2].name == "Mine"
    assert len({row.name for row in rows}) == 3
    assert all(row.run.id not in row.name for row in rows)


def test_a_stopped_run_says_what_is_done() -> None:
    run = create_run(RunSpecification(dataset="demo"))
    stage = Stage("extract-224", "Extracting features at 224 px", "images")
    run.write_state(JobState("stopped", stage, 184, 240, seconds=(("extract-224", 12.5),)))
    (row,) = list_runs()
    assert (row.progress, row.seconds) == ("184 of 240 images", 12.5)


class TestSearching:
    @pytest.fixture
    def runs(self) -> list[Run]:
        asked = RunSpecification(dataset="demo", layers=("block2",), poolings=("max",))
        other = RunSpecification.from_document(
            {"dataset": "moles", "scales": [544], "poolings": ["average"], "seed": 7, "C": 0.01}
        )
        runs = [create_run(asked), create_run(other)]
        for created, run in zip((2, 1), runs, strict=True):
            run.write_state(JobState("failed" if created == 1 else "stopped", created=created))
        runs[1].rename("Deepest block")
        runs[1].write_labels(RunLabels(tags=("paper",), note="Try again"))
        return runs

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", [0, 1]),
            ("  ", [0, 1]),
            ("demo", [0]),
            ("DEEPEST", [1]),
            ("deepest 544", [1]),
            ("deepest max", []),
            ("max block2", [0]),
            ("failed", [1]),
            ("status stopped", [0]),
            ("vgg19", [0, 1]),
            ("network VGG-19", [0, 1]),
            ("C 0.01", [1]),
            ("seed 7", [1]),
            ("seed 0", [0]),
            ("tag paper", [1]),
            ('"try again"', [1]),
            ("accuracy > 0", []),
            ("nothing", []),
        ],
    )
    def test_every_part_describes_what_is_found(
        self, runs: list[Run], text: str, found: list[int]
    ) -> None:
        assert [row.run.id for row in search_runs(list_runs(), text)] == [runs[i].id for i in found]

    def test_runs_are_found_by_score(self) -> None:
        made_run(separations=(3.0,))
        made_run(separations=(0.0,))
        rows = list_runs()
        for row in rows:
            assert row.summary is not None and row.summary.best is not None
            is_good = row.summary.best.score > 0.9
            assert (row in search_runs(rows, "accuracy > 0.9")) == is_good
        assert len(search_runs(rows, "accuracy > 0.9")) == 1

    def test_a_damaged_run_is_found_by_what_is_left(self, runs: list[Run]) -> None:
        (runs[0].path / "specification.json").write_text("{")
        rows = list_runs()
        assert [row.run.id for row in search_runs(rows, runs[0].id)] == [runs[0].id]
        assert [row.run.id for row in search_runs(rows, "block2")] == [runs[1].id]
        assert rows[0].summary is None


def test_a_folder_of_runs_that_cannot_be_read_is_not_an_empty_one() -> None:
    assert list_runs() == []
    folder = made_run().path.parent
    folder.rename(folder.with_name("moved"))
    folder.touch()
    with pytest.raises(StorageError):
        list_runs()
