import json
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core import atomic_file
from medrecog_core.classification import measure
from medrecog_core.datasets import Fold, Split
from medrecog_core.errors import MedrecogError, StorageError, UsageError
from medrecog_core.features import Cell
from medrecog_core.images import Image
from medrecog_core.jobs.process import ProcessIdentity, identify, this_process
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import SECONDS_OF_SILENCE, JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import (
    CellResult,
    Run,
    RunSpecification,
    all_runs,
    create_run,
    find_run,
)
from medrecog_core.runs.run import cell_images
from tests.made_runs import made_run
from tests.textures import cache_at

SPECIFICATION = RunSpecification(dataset="demo", layers=("block1", "block2"), poolings=("max",))
CELL = SPECIFICATION.cells[0]
SCORES = np.array([[1.5, -1.5], [-0.25, 0.25], [-2, 2]], dtype=np.float32)
METRICS = measure(["a", "b", "a"], SCORES, ["a", "b"])
RESULT = CellResult(CELL, METRICS, n_train=9, n_test=3, seconds=0.5)
IMAGES = [
    Image("/x/a.png", "00ff", "a", ""),
    Image("/x/b.png", "11", "b", "g"),
]
SPLIT = Split("by hand", (Fold((3, 4), (0, 1, 2)),))


@pytest.fixture
def run(cache: CacheFolder) -> Run:
    created = create_run(SPECIFICATION)
    created.write_split(SPLIT)
    return created


@pytest.fixture
def dead_process() -> ProcessIdentity:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        identity = identify(process.pid)
    assert not identity.is_alive()
    return identity


def test_a_new_run_waits_and_says_what_it_was_asked(run: Run) -> None:
    assert run.state().status == "queued"
    assert not run.state().has_ended
    assert run.specification() == SPECIFICATION
    assert (run.cells(), run.images(), run.record()) == ([], [], None)
    assert find_run(run.id).path == run.path


class TestState:
    @pytest.mark.parametrize("status", ["finished", "failed", "stopped"])
    def test_a_run_that_ended_stays_so_though_its_process_is_gone(
        self, run: Run, dead_process: ProcessIdentity, status: str
    ) -> None:
        run.write_state(JobState(status, process=dead_process))
        assert run.state().status == status
        assert run.state().has_ended

    def test_a_run_at_work_runs_while_its_process_lives(self, run: Run) -> None:
        run.write_state(JobState("running", process=this_process()))
        assert run.state().status == "running"

    def test_a_run_whose_process_died_is_interrupted(
        self, run: Run, dead_process: ProcessIdentity
    ) -> None:
        run.write_state(JobState("running", process=dead_process))
        assert run.state().status == "interrupted"
        assert run.state().has_ended

    def test_a_run_whose_process_number_is_used_again_is_interrupted(self, run: Run) -> None:
        earlier = replace(this_process(), started=this_process().started - 60)
        run.write_state(JobState("running", process=earlier))
        assert run.state().status == "interrupted"

    def test_a_waiting_run_whose_process_died_before_its_first_word_is_interrupted(
        self, run: Run, dead_process: ProcessIdentity
    ) -> None:
        run.write_launch(dead_process)
        assert run.state().status == "interrupted"

    def test_a_waiting_run_that_nobody_started_is_interrupted(self, run: Run) -> None:
        (run.path / "launch.json").unlink()
        assert run.state().status == "interrupted"

    @given(
        st.builds(
            JobState,
            status=st.sampled_from(["finished", "failed", "stopped", "interrupted"]),
            stage=st.none()
            | st.builds(
                Stage,
                st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True),
                st.text(st.characters(exclude_categories=["Cs"])),
            ),
            done=st.integers(0, 10**6),
            total=st.integers(0, 10**6),
            rate=st.floats(0, 1e6),
            error=st.text(st.characters(exclude_categories=["Cs"])),
            process=st.none()
            | st.builds(ProcessIdentity, st.integers(1, 2**31 - 1), st.floats(0, 1e10)),
            created=st.floats(0, 1e10),
            network_images=st.lists(st.tuples(st.integers(224, 2048), st.integers(0, 10**6))).map(
                tuple
            ),
        )
    )
    def test_it_is_read_as_it_was_written(self, state: JobState) -> None:
        document = json.loads(json.dumps(state.to_document()))
        assert JobState.from_document(document) == state

    def test_it_survives_the_disk(self, run: Run) -> None:
        state = JobState(
            "stopped",
            Stage("extract-224", "Extracting features at 224 px", "images"),
            3,
            9,
            1.5,
            12.5,
            waits=True,
            error="“é”",
            process=this_process(),
            heartbeat=4.0,
            created=1.0,
            started=2.0,
            finished=3.0,
            attempts=2,
            network_images=((224, 3), (544, 0)),
            seconds=(("train", 1.5),),
        )
        run.write_state(state)
        assert run.state() == state

    def test_the_time_that_is_left_follows_from_the_rate(self) -> None:
        assert JobState(done=4, total=10, rate=2.0).seconds_left == 3
        assert JobState(done=4, total=10).seconds_left is None


class TestDamage:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"running"',
            b"\xff",
            b'{"status": 3}',
            b'{"status": "running", "created": "today"}',
            b'{"status": "running", "network_images": 5}',
            b'{"status": "running", "process": {"pid": "x"}}',
        ],
    )
    def test_a_run_with_a_damaged_state_has_failed_and_says_so_beside_the_others(
        self, run: Run, content: bytes
    ) -> None:
        whole = create_run(SPECIFICATION)
        (run.path / "state.json").write_bytes(content)
        state = run.state()
        assert state.status == "failed"
        assert "state.json is damaged" in state.error
        assert {r.id for r in all_runs()} == {run.id, whole.id}
        assert whole.state().status == "queued"

    def test_a_run_with_a_damaged_launch_note_has_failed(self, run: Run) -> None:
        (run.path / "launch.json").write_text("[1]")
        assert run.state().status == "failed"
        assert "launch.json is damaged" in run.state().error

    @pytest.mark.parametrize("content", ["", "[]", '{"dataset": "demo", "layers": ["block9"]}'])
    def test_a_damaged_specification_gives_a_sentence(self, run: Run, content: str) -> None:
        (run.path / "specification.json").write_text(content)
        with pytest.raises(StorageError, match=rf"specification\.json is damaged .*{run.id}"):
            run.specification()

    def test_a_missing_specification_gives_a_sentence(self, run: Run) -> None:
        (run.path / "specification.json").unlink()
        with pytest.raises(StorageError, match=rf"{run.id} is incomplete.*specification\.json"):
            run.specification()

    @pytest.mark.parametrize("content", ["{", "3", '[["too", "short"]]', "{}x"])
    def test_a_damaged_list_of_images_gives_a_sentence(self, run: Run, content: str) -> None:
        (run.path / "images.json").write_text(content)
        with pytest.raises(StorageError, match=r"images\.json is damaged"):
            run.images()

    @pytest.mark.parametrize("content", ["{", "3", "[1]", "{}", '{"weights": "vgg"}'])
    def test_a_damaged_record_names_no_source(self, run: Run, content: str) -> None:
        (run.path / "record.json").write_text(content)
        with pytest.raises(StorageError, match=r"record\.json is damaged"):
            run.source()


class TestCells:
    def test_a_cell_and_its_scores_are_read_as_they_were_written(self, run: Run) -> None:
        run.write_cell(RESULT, SCORES)
        assert run.cell(CELL) == RESULT
        assert run.cells() == [RESULT]
        assert np.array_equal(run.scores(CELL), SCORES)
        assert run.scores(CELL).dtype == np.float32
        assert run.has_cell(CELL)

    def test_cells_stand_in_the_order_of_the_grid(self, run: Run) -> None:
        for cell in reversed(SPECIFICATION.cells):
            run.write_cell(replace(RESULT, cell=cell), SCORES)
        assert [result.cell for result in run.cells()] == list(SPECIFICATION.cells)

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null"])
    def test_a_damaged_cell_is_not_finished(self, run: Run, content: str) -> None:
        run.write_cell(RESULT, SCORES)
        (run.path / "cells" / f"{CELL.name}.json").write_text(content)
        assert run.cell(CELL) is None
        assert not run.has_cell(CELL)

    def test_a_cell_under_another_ones_name_is_not_finished(self, run: Run) -> None:
        run.write_cell(RESULT, SCORES)
        other = SPECIFICATION.cells[1]
        (run.path / "cells" / f"{CELL.name}.json").rename(run.path / "cells" / f"{other.name}.json")
        assert run.cell(other) is None

    def test_a_cell_whose_scores_are_missing_damaged_or_of_another_shape_is_not_whole(
        self, run: Run
    ) -> None:
        run.write_cell(RESULT, SCORES)
        file = run.path / "cells" / f"{CELL.name}.npy"
        np.save(file, SCORES[:2])
        assert not run.has_cell(CELL)
        for content in (b"", file.read_bytes()[:-3]):
            file.write_bytes(content)
            assert not run.has_cell(CELL)
            with pytest.raises(StorageError, match=r"\.npy is damaged"):
                run.scores(CELL)
        np.save(file, np.array([{"a": 1}]), allow_pickle=True)
        assert not run.has_cell(CELL)
        file.unlink()
        assert not run.has_cell(CELL)

    def test_discarding_forgets_every_cell(self, run: Run) -> None:
        run.discard_cells()
        run.write_cell(RESULT, SCORES)
        run.discard_cells()
        assert run.cells() == []

    def test_images_and_record_are_read_as_they_were_written(self, run: Run) -> None:
        run.write_images(IMAGES)
        assert run.record() is None
        record = made_run().needed_record().model_copy(update={"run": run.id})
        run.write_record(record)
        assert run.images() == IMAGES
        assert run.record() == record

    def test_relative_paths_of_a_bundle_are_below_its_data_set(
        self, run: Run, cache: CacheFolder
    ) -> None:
        run.write_images([Image("a/1.png", "00", "a", "")])
        assert run.images()[0].path == str(cache.datasets / "demo" / "images" / "a" / "1.png")

    def test_a_split_says_which_images_were_learnt_from_and_tested(self, run: Run) -> None:
        split = Split("two folds", (Fold((0,), (1,)), Fold((1,), (0,))))
        run.write_images(IMAGES)
        run.write_split(split)
        assert run.split() == split
        assert run.tested_images() == IMAGES[::-1]
        assert run.trained_images() == IMAGES


class TestDeleting:
    def test_a_run_that_ended_is_deleted(self, run: Run) -> None:
        run.write_state(JobState("finished"))
        run.delete()
        assert not run.path.exists()

    @pytest.mark.parametrize("status", ["queued", "running"])
    def test_a_run_at_work_is_not_deleted(self, run: Run, status: str) -> None:
        run.write_state(JobState(status, process=this_process()))
        with pytest.raises(MedrecogError, match=f"{run.id}” is {status}. Stop it"):
            run.delete()
        assert run.path.exists()

    def test_a_damaged_run_is_deleted(self, run: Run) -> None:
        (run.path / "state.json").write_text("{")
        run.delete()
        assert not run.path.exists()


class TestTitle:
    def test_a_run_is_called_by_its_identity_until_it_has_a_title(self, run: Run) -> None:
        assert run.title == run.id
        run.rename("  Deepest\nblock ")
        assert Run(run.id).title == "Deepest block"
        run.rename(" ")
        assert run.title == run.id

    def test_a_long_title_is_bad_usage_and_the_earlier_one_stays(self, run: Run) -> None:
        run.rename("x" * 100)
        with pytest.raises(UsageError, match="has 101 characters"):
            run.rename("y" * 101)
        assert run.title == "x" * 100

    @pytest.mark.parametrize("content", ["{", "3"])
    def test_a_damaged_title_is_none(self, run: Run, content: str) -> None:
        (run.path / "title.json").write_text(content)
        assert run.title == run.id


def test_a_run_is_whole_when_every_cell_is(run: Run) -> None:
    first, second = SPECIFICATION.cells
    run.write_cell(replace(RESULT, cell=first), SCORES)
    assert not run.is_whole()
    run.write_cell(replace(RESULT, cell=second), SCORES)
    assert run.is_whole()


def test_the_states_of_files_and_the_repeated_run_are_read_as_they_were_written(
    run: Run,
) -> None:
    assert (run.files(), run.repeated()) == ([], None)
    run.write_files([["a.png", "a", "", "", 10, 10**18]])
    run.write_repeated({"run": "earlier"})
    assert run.files() == [["a.png", "a", "", "", 10, 10**18]]
    assert run.repeated() == {"run": "earlier"}


def test_a_hanging_process_is_ended_before_its_run_is_deleted(run: Run) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            identity = identify(process.pid)
            silent = time.monotonic() - SECONDS_OF_SILENCE - 1
            run.write_state(JobState("running", process=identity, heartbeat=silent))
            assert run.state().status == "interrupted"
            run.delete()
            assert not identity.is_alive()
        finally:
            process.kill()
    assert not run.path.exists()


def test_the_stop_note_is_left_and_taken_back(run: Run) -> None:
    assert not run.is_asked_to_stop()
    run.ask_to_stop()
    assert run.is_asked_to_stop()
    run.forget_stop()
    assert not run.is_asked_to_stop()
    run.forget_stop()


def test_a_cells_name_is_safe_in_a_file_system() -> None:
    assert Cell("block1", 224, "max").name == "block1-224-max"


def test_two_runs_of_one_moment_have_two_folders(cache: CacheFolder) -> None:
    assert len({create_run(SPECIFICATION).id for _ in range(20)}) == 20


class TestFinding:
    @pytest.mark.parametrize(
        "run_id", ["", "nothing", "..", "../runs", "a/b", "/etc", "A", ".hidden", "a\n", "a" * 200]
    )
    def test_what_is_no_run_gives_a_sentence(self, run: Run, run_id: str) -> None:
        with pytest.raises(MedrecogError, match=r"(?s)There is no run “.*”"):
            find_run(run_id)

    def test_a_path_to_a_real_run_is_no_identity(self, run: Run) -> None:
        with pytest.raises(MedrecogError, match="There is no run"):
            find_run(f"../runs/{run.id}")
        with pytest.raises(MedrecogError, match="There is no run"):
            find_run(str(run.path))

    def test_runs_are_listed_the_newest_first(self, cache: CacheFolder) -> None:
        runs = [create_run(SPECIFICATION) for _ in range(3)]
        for created, run in zip((20.0, 30.0, 10.0), runs, strict=True):
            run.write_state(JobState("finished", created=created))
        assert [run.id for run in all_runs()] == [runs[1].id, runs[0].id, runs[2].id]

    def test_a_folder_that_can_be_no_run_is_not_listed(self, run: Run) -> None:
        run.path.rename(run.path.with_name("Copy of a run"))
        assert all_runs() == []

    def test_there_are_no_runs_without_a_cache_folder(self, cache: CacheFolder) -> None:
        assert all_runs() == []
        assert not cache.root.exists()


def test_a_new_run_may_repeat_another(cache: CacheFolder) -> None:
    assert create_run(SPECIFICATION).repeated() is None
    assert create_run(SPECIFICATION, {"run": "x"}).repeated() == {"run": "x"}


def test_a_cache_folder_that_cannot_be_made_gives_a_sentence(cache: CacheFolder) -> None:
    cache.root.write_text("a file")
    with cache_at(cache.root / "below"), pytest.raises(StorageError, match="MEDRECOG_CACHE"):
        create_run(SPECIFICATION)


def test_each_square_of_the_confusion_matrix_holds_as_many_images(finished: Run) -> None:
    for result in finished.cells():
        images = cell_images(finished, result)
        labels = [row.label for row in result.metrics.classes]
        for true, row in zip(labels, result.metrics.confusion, strict=True):
            for predicted, n in zip(labels, row, strict=True):
                found = [i for i in images if (i.label, i.predicted) == (true, predicted)]
                assert len(found) == n
        assert sum(image.is_right for image in images) == sum(np.diag(result.metrics.confusion))


def test_the_greatest_score_comes_first_and_is_that_of_its_image(finished: Run) -> None:
    result = finished.cells()[0]
    images = cell_images(finished, result)
    assert [i.score for i in images] == sorted((i.score for i in images), reverse=True)
    scores = dict(
        zip((i.path for i in finished.tested_images()), finished.scores(result.cell), strict=True)
    )
    assert all(image.score == scores[image.path].max() for image in images)


@pytest.mark.parametrize(
    ("name", "document"),
    [
        (
            "split.json",
            {"kind": "x", "n_leaking_groups": 0, "folds": [{"train": [], "test": [99]}]},
        ),
        (
            "split.json",
            {"kind": "x", "n_leaking_groups": 0, "folds": [{"train": [], "test": [-1]}]},
        ),
        ("images.json", [[1, 2, 3, 4]]),
        ("state.json", {"created": 1e300}),
        ("record.json", {"network": 1}),
        ("specification.json", {}),
    ],
)
def test_a_damaged_document_is_named_without_the_path_of_this_machine(name, document, cache):
    run = made_run()
    atomic_file.write_json(run.path / name, document)
    messages = [run.state().error]
    for read in (run.record, run.specification, run.tested_images):
        try:
            read()
        except StorageError as error:
            messages.append(str(error))
    assert any(f"{run.id}/{name}" in message for message in messages)
    assert not any(str(cache.root) in message for message in messages)


def test_scores_that_claim_more_than_they_are_are_damage():
    run = made_run()
    cell = run.cells()[0].cell
    with (run.path / f"cells/{cell.name}.npy").open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2)}
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(StorageError):
        run.scores(cell)
    assert not run.has_cell(cell)
