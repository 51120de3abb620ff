import json
import os
import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from sklearn.svm import LinearSVC

from medrecog_core import atomic_file
from medrecog_core.datasets import library
from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.features import (
    ENCODINGS,
    Cell,
    DescriptorReader,
    DescriptorStore,
    batch_size,
)
from medrecog_core.features.encodings import encode_images, learn_codebook
from medrecog_core.images import Image
from medrecog_core.jobs import supervision, work
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.progress import Progress
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder, unwritable
from medrecog_core.networks import find_network, resolve_precision
from medrecog_core.runs import (
    CellResult,
    Run,
    RunSpecification,
    all_runs,
    create_run,
    execute,
    execution,
    result_document,
)
from medrecog_core.runs.description import used_settings
from tests.svms import train_svm
from tests.textures import (
    CLASSES,
    N_IMAGES,
    add_textures,
    cache_at,
    copy_of_run,
    finished_run,
    specification,
    write_textures,
)

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
CHEAP = {"layers": ["block1"], "poolings": ["max"]}


def results(run: Run) -> list[CellResult]:
    """The cells, without the time they took."""
    return [replace(result, seconds=0) for result in run.cells()]


def assert_same_cells(run: Run, other: Run) -> None:
    assert results(run) == results(other)
    assert run.images() == other.images()
    for result in run.cells():
        np.testing.assert_allclose(run.scores(result.cell), other.scores(result.cell), rtol=1e-5)


def batches_of(run: Run) -> int:
    """The images of one batch of a run."""
    return batch_size(224, resolve_precision(run.specification().precision))


def descriptors_of(run: Run, images: Sequence[Image], result: CellResult) -> np.ndarray:
    store_folder = run.path.parents[1] / "features"
    with DescriptorStore(store_folder) as store:
        return DescriptorReader(VGG19, run.source(), store).read(images, result.cell)


class TestFinishedRun:
    def test_its_folder_says_how_it_went(self, finished: Run) -> None:
        state = finished.state()
        assert (state.status, state.error) == ("finished", "")
        assert state.created <= state.started <= state.finished
        assert state.network_images == ((224, N_IMAGES),)
        assert [r.cell for r in finished.cells()] == list(finished.specification().cells)

    def test_its_images_are_the_data_set_in_two_parts(self, finished: Run, pictures: Path) -> None:
        images = finished.images()
        assert {i.path for i in images} == {str(p) for p in pictures.glob("*/*.png")}
        train, test = finished.trained_images(), finished.tested_images()
        assert (len(train), len(test)) == (9, 3)
        assert sorted([*train, *test], key=lambda image: image.path) == images
        assert {image.label for image in test} == set(CLASSES)

    def test_its_record_says_what_it_ran_on(self, finished: Run) -> None:
        record = finished.needed_record().to_document()
        assert record["dataset"]["name"] == "textures"
        assert record["dataset"]["classes"] == dict.fromkeys(CLASSES, 4)
        assert record["dataset"]["synthetic"] is False
        assert len(record["dataset"]["fingerprint"]) == 64
        assert (record["n_images"], record["skipped"]) == (N_IMAGES, [])
        assert (record["split"]["n_train"], record["split"]["n_test"]) == (9, 3)
        assert "seed 0" in record["split"]["kind"]
        assert record["weights"]["identity"].startswith("vgg19-imagenet")
        assert record["precision"] in ("float32", "bfloat16")
        assert set(record["versions"]) >= {"tensorflow", "keras", "scikit-learn", "numpy"}
        assert set(record["seconds"]) == {
            "read-files",
            "look-up-224",
            "extract-224",
            "train",
            "baselines",
        }
        assert all(seconds >= 0 for seconds in record["seconds"].values())
        assert record["seconds"]["extract-224"] > 0
        assert record["run"] == finished.id
        assert record["specification"] == finished.specification().to_document()
        assert record["memory_bytes"] > 2**20
        assert record["device"]["n_cores"] >= 1

    def test_its_cells_are_what_scikit_learn_says_of_the_stored_descriptors(
        self, finished: Run
    ) -> None:
        train, test = finished.trained_images(), finished.tested_images()
        truth = [image.label for image in test]
        assert len(finished.cells()) == 4
        for result in finished.cells():
            x, y = (descriptors_of(finished, part, result) for part in (train, test))
            x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
            oracle = LinearSVC(C=1.0, dual="auto", random_state=0, max_iter=10_000)
            oracle.fit(x, [image.label for image in train])
            assert result.metrics.accuracy == oracle.score(y, truth)
            assert (result.n_train, result.n_test) == (9, 3)
            scores = finished.scores(result.cell)
            np.testing.assert_allclose(scores, oracle.decision_function(y), atol=1e-3)
            predicted = np.array(CLASSES)[scores.argmax(axis=1)]
            assert np.mean(predicted == truth) == result.metrics.accuracy

    def test_its_document_is_json_with_what_the_command_line_promises(self, finished: Run) -> None:
        document = json.loads(json.dumps(result_document(finished)))
        assert document["run"] == finished.id
        assert (document["status"], document["error"]) == ("finished", "")
        assert document["dataset"] == "textures"
        assert document["network_images"] == {"224": N_IMAGES}
        assert document["specification"] == finished.specification().to_document()
        assert [CellResult.from_document(c) for c in document["cells"]] == finished.cells()

    def test_an_identical_run_needs_no_network_and_gives_identical_cells(
        self, finished: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "medrecog_core.features.extraction.PooledNetwork",
            lambda *_: pytest.fail("the network was built"),
        )
        second = finished_run(finished.specification())
        assert second.id != finished.id
        assert result_document(second)["network_images"] == {"224": 0}
        assert results(second) == results(finished)
        for result in second.cells():
            assert np.array_equal(second.scores(result.cell), finished.scores(result.cell))
        fingerprints = {r.needed_record().dataset.fingerprint for r in (second, finished)}
        assert len(fingerprints) == 1

    def test_reviewed_labels_are_trained_on_and_recorded(self, finished: Run) -> None:
        name = finished.specification().dataset
        images = library.load(name).images
        other = next(image.label for image in images if image.label != images[0].label)
        library.review_labels(name, [images[0].path], "relabel", other)
        library.review_labels(name, [images[1].path], "exclude")
        again = create_run(finished.specification())
        execute(again)
        data = again.needed_record().dataset
        assert [(each.path, each.imported, each.label) for each in data.relabelled] == [
            (images[0].path, images[0].label, other)
        ]
        assert (data.n_excluded, data.n_label_errors) == (1, 1)
        labels = {Path(image.path).name: image.label for image in again.images()}
        assert labels[Path(images[0].path).name] == other
        assert Path(images[1].path).name not in labels
        assert "1 image relabelled" in used_settings(again)["labels"]
        assert "labels" not in used_settings(finished)

    def test_executing_it_again_changes_nothing(self, finished: Run) -> None:
        before, peaks = finished.cells(), finished.needed_record().peak_memory_bytes
        execute(finished)
        assert finished.cells() == before
        # That of the process which read the images, and not of this one, which read none.
        assert finished.needed_record().peak_memory_bytes == peaks
        assert set(peaks) == {"extract-224"}
        assert finished.state().network_images == ((224, N_IMAGES),)

    def test_the_manifest_is_read_once(
        self, finished: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read, reads = library.read_imported, []
        monkeypatch.setattr(library, "read_imported", lambda *of: reads.append(of) or read(*of))
        execute(create_run(finished.specification()))
        assert len(reads) == 1

    def test_another_seed_holds_out_other_images(self, finished: Run) -> None:
        other = finished_run(specification(**CHEAP, seed=3))
        assert other.images() == finished.images()
        assert other.split().folds != finished.split().folds


class TestFailure:
    def fails(self, asked: RunSpecification) -> tuple[Run, str]:
        run = create_run(asked)
        with pytest.raises(MedrecogError) as caught:
            execute(run)
        sentence = str(caught.value)
        assert run.state().status == "failed"
        assert run.state().error == sentence
        assert sentence.endswith(".") and "\n" not in sentence
        assert result_document(run)["error"] == sentence
        return run, sentence

    def test_unreadable_images_alone(self, tmp_path: Path) -> None:
        folder = write_textures(tmp_path / "images")
        add_textures(folder)
        for file in folder.glob("*/*.png"):
            file.write_bytes(b"")
        library.refresh("textures")
        _, sentence = self.fails(specification())
        assert "None of the 12 images" in sentence

    def test_a_class_that_only_its_unreadable_images_made_large_enough(
        self, tmp_path: Path
    ) -> None:
        folder = write_textures(tmp_path / "images")
        for i in range(1, 4):
            (folder / f"waves/waves-{i}.png").write_bytes(b"")
        add_textures(folder)
        _, sentence = self.fails(specification(**CHEAP))
        assert "The class “waves” has only 1 image" in sentence

    def test_a_vanished_folder_and_then_its_return(self, tmp_path: Path) -> None:
        folder = write_textures(tmp_path / "images")
        add_textures(folder)
        folder.rename(tmp_path / "elsewhere")
        run, sentence = self.fails(specification(**CHEAP))
        assert str(folder) in sentence
        (tmp_path / "elsewhere").rename(folder)
        execute(run)
        assert (run.state().status, run.state().error) == ("finished", "")

    @pytest.mark.parametrize("stage", ["read-files", "extract-224"])
    @pytest.mark.parametrize("gone", ["", "waves"])
    def test_a_folder_that_vanishes_in_mid_run_and_then_its_return(
        self, tmp_path: Path, finished_cache: tuple[Path, str], stage: str, gone: str
    ) -> None:
        folder = write_textures(tmp_path / "images")
        add_textures(folder)
        vanishing = folder / gone if gone else folder
        run = create_run(specification())

        def take_away(progress: Progress) -> None:
            if progress.stage.id == stage and vanishing.exists():
                vanishing.rename(tmp_path / "elsewhere")

        with pytest.raises(MedrecogError) as caught:
            execute(run, take_away)
        assert str(vanishing) in str(caught.value) and "is missing. Put it back" in str(
            caught.value
        )
        assert (run.state().status, run.state().error) == ("failed", str(caught.value))
        assert run.cells() == []
        (tmp_path / "elsewhere").rename(vanishing)
        execute(run)
        assert run.state().status == "finished"
        with cache_at(finished_cache[0]):
            undisturbed = Run(finished_cache[1])
        assert results(run) == results(undisturbed)
        assert run.needed_record().skipped == ()

    def test_layers_of_the_head(self, known: Path) -> None:
        _, sentence = self.fails(specification(layers=["fc1"]))
        assert "fc1 needs Keras's official VGG-19 file (575 MB)" in sentence

    @pytest.mark.parametrize("full", ["store", "cell", "state"])
    def test_a_full_disk_and_then_room_again(
        self,
        known: Path,
        finished_cache: tuple[Path, str],
        monkeypatch: pytest.MonkeyPatch,
        full: str,
    ) -> None:
        run = create_run(specification())
        no_space = OSError(28, "No space left on device")
        put, write_bytes = DescriptorStore.put, atomic_file.write_bytes
        batches = 0

        def put_until_full(self: DescriptorStore, descriptors: Any) -> None:
            nonlocal batches
            batches += 1
            if full == "store" and batches > 1:
                raise StorageError(unwritable(self.folder, no_space))
            put(self, descriptors)

        def write_until_full(path: Path, content: bytes) -> None:
            n_cells = len(list(run.path.glob("cells/*.json")))
            is_cell = path.parent.name == "cells" and n_cells == 1
            # Only what was kept free lets the last word in.
            is_state = n_cells >= 1 and path.name == "state.json"
            if (full == "cell" and is_cell) or (
                full == "state" and is_state and (run.path / "reserve").exists()
            ):
                raise StorageError(unwritable(path, no_space))
            write_bytes(path, content)

        with monkeypatch.context() as patch:
            patch.setattr(DescriptorStore, "put", put_until_full)
            patch.setattr(atomic_file, "write_bytes", write_until_full)
            with pytest.raises(StorageError, match=r"No space left on device\)\. Free disk space"):
                execute(run)
        state = run.state()
        assert state.status == "failed" and "No space left on device" in state.error
        done = N_IMAGES if full != "store" else batches_of(run)
        assert dict(state.network_images) == {224: done}
        assert len(run.cells()) in {"store": [0], "cell": [1], "state": range(1, 5)}[full]

        execute(run)
        assert run.state().status == "finished"
        assert dict(run.state().network_images) == {224: N_IMAGES}
        with cache_at(finished_cache[0]):
            undisturbed = Run(finished_cache[1])
        assert_same_cells(run, undisturbed)

    def test_an_error_of_the_operating_system(
        self, known: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device", "/somewhere")

        monkeypatch.setattr(execution, "extract_images", full)
        _, sentence = self.fails(specification())
        assert "No space left on device (/somewhere)" in sentence

    def test_a_mistake_in_the_program_is_written_down_and_raised_as_it_is(
        self, known: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def mistake(*_: object) -> None:
            raise ZeroDivisionError("oh")

        monkeypatch.setattr(execution, "extract_images", mistake)
        run = create_run(specification())
        with pytest.raises(ZeroDivisionError):
            execute(run)
        assert run.state().status == "failed"
        assert run.state().error == f"Run {run.id} failed: ZeroDivisionError: oh"

    def test_a_run_at_work_is_left_alone(self, known: Path) -> None:
        run = create_run(specification())
        at_work = JobState("running", process=this_process())
        run.write_state(at_work)
        with pytest.raises(MedrecogError, match=f"{run.id} is already running"):
            execute(run)
        assert run.state() == at_work

    def test_a_cache_folder_below_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with cache_at(tmp_path / "file/cache"), pytest.raises(StorageError, match="Cannot write"):
            create_run(specification())


@pytest.fixture(scope="module")
def wide_cache(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a cache folder with a finished run of every encoding on images of two shapes."""
    folder = tmp_path_factory.mktemp("wide")
    for i, file in enumerate(sorted(write_textures(folder / "images").rglob("*.png"))):
        if i % 2:
            with Picture.open(file) as image:
                image.resize((136, 96)).save(file)
    with cache_at(folder / "cache"):
        add_textures(folder / "images")
        run = finished_run(
            specification(
                layers=["block2"], poolings=list(ENCODINGS), n_words=8, preprocessing="keep-aspect"
            )
        )
        return folder / "cache", run.id


class TestEncodings:
    def test_each_has_a_cell_and_all_share_one_pass(self, encoded: Run) -> None:
        assert [r.cell.pooling for r in encoded.cells()] == list(ENCODINGS)
        assert encoded.state().network_images == ((224, N_IMAGES),)

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_scores_are_those_of_the_codebook_of_the_training_images(
        self, encoded: Run, encoding: str
    ) -> None:
        parts = [encoded.trained_images(), encoded.tested_images()]
        cell = Cell("block2", 224, encoding)
        with DescriptorStore(encoded.path.parents[1] / "features") as store:
            local = [
                DescriptorReader(VGG19, encoded.source(), store).local(part, cell) for part in parts
            ]
            codebook = learn_codebook(local[0], encoding, n_words=8, seed=0)
            train, test = (encode_images(part, codebook) for part in local)
        svm = train_svm(train, [image.label for image in parts[0]])
        np.testing.assert_allclose(encoded.scores(cell), svm.scores(test), atol=1e-3)

    def test_a_test_image_that_changes_changes_no_other_s_scores(
        self, encoded: Run, tmp_path: Path
    ) -> None:
        changed = encoded.tested_images()[0]
        folder = tmp_path / "images"
        for image in encoded.images():
            copy = folder / image.label / Path(image.path).name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(image.path, copy)
        pixels = np.asarray(Picture.open(changed.path))
        Picture.fromarray(255 - pixels).save(folder / changed.label / Path(changed.path).name)
        add_textures(folder, "changed")
        other = finished_run(encoded.specification().model_copy(update={"dataset": "changed"}))
        assert [Path(i.path).name for i in other.images()] == [
            Path(i.path).name for i in encoded.images()
        ]
        place = encoded.tested_images().index(changed)
        for result in encoded.cells():
            before, after = encoded.scores(result.cell), other.scores(result.cell)
            same = np.arange(len(before)) != place
            np.testing.assert_allclose(before[same], after[same], atol=1e-6)
            assert not np.allclose(before[place], after[place], atol=1e-3)

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_images_whose_proportions_are_kept_have_positions_of_their_own_number(
        self, wide_cache: tuple[Path, str], cache: CacheFolder, encoding: str
    ) -> None:
        run = copy_of_run(*wide_cache)
        cell = Cell("block2", 224, encoding)
        images = [run.trained_images(), run.tested_images()]
        with DescriptorStore(cache.features) as store:
            train, test = (
                DescriptorReader(VGG19, run.source(), store).local(part, cell) for part in images
            )
            assert {len(each) for each in train} | {len(each) for each in test} == {56**2, 56 * 80}
            codebook = learn_codebook(train, encoding, n_words=8, seed=0)
            one_by_one = [
                np.concatenate([codebook.encode(part[i][None]) for i in range(len(part))])
                for part in (train, test)
            ]
        svm = train_svm(one_by_one[0], [image.label for image in images[0]])
        np.testing.assert_allclose(run.scores(cell), svm.scores(one_by_one[1]), atol=1e-3)

    def test_too_many_words_fail_the_run_in_one_sentence_and_keep_the_pass(
        self, encoded: Run
    ) -> None:
        run = create_run(specification(layers=["block5"], poolings=["bow"], n_words=512))
        with pytest.raises(
            MedrecogError, match="441 local descriptors, too few for a codebook size of 512"
        ):
            execute(run)
        assert run.state().status == "failed"
        fewer = create_run(specification(layers=["block5"], poolings=["bow"], n_words=30))
        execute(fewer)
        assert fewer.state().network_images == ((224, 0),)


def test_unreadable_images_are_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    (folder / "noise/empty.png").write_bytes(b"")
    (folder / "waves/text.jpg").write_text("no picture")
    add_textures(folder)
    run = finished_run(specification(**CHEAP))
    document = result_document(run)
    assert document["n_images"] == N_IMAGES
    assert {Path(s["path"]).name for s in document["skipped"]} == {"empty.png", "text.jpg"}
    assert all(s["reason"] for s in document["skipped"])
    assert document["cells"][0]["n_train"] + document["cells"][0]["n_test"] == N_IMAGES


class TestStopping:
    def test_a_stop_note_ends_the_run_and_it_goes_on_to_the_same_cells(
        self, known: Path, finished_cache: tuple[Path, str]
    ) -> None:
        run = create_run(specification())

        def leave_note(progress: Progress) -> None:
            if progress.scale and progress.done:
                run.ask_to_stop()

        with pytest.raises(StoppedError, match=f"“resume {run.id}”"):
            execute(run, leave_note)
        assert run.state().status == "stopped"
        assert run.cells() == []
        through = dict(run.state().network_images)[224]
        assert 0 < through < N_IMAGES
        execute(run)
        assert run.state().status == "finished"
        assert dict(run.state().network_images) == {224: N_IMAGES}
        with cache_at(finished_cache[0]):
            finished = Run(finished_cache[1])
        assert_same_cells(run, finished)

    def test_a_note_between_two_cells_keeps_the_first(self, finished: Run) -> None:
        run = create_run(specification())

        def leave_note(progress: Progress) -> None:
            if progress.stage.id == "train" and progress.done == 1:
                run.ask_to_stop()

        with pytest.raises(StoppedError):
            execute(run, leave_note)
        first = run.cells()
        assert len(first) in (1, 2)
        execute(run)
        assert run.cells()[: len(first)] == first  # to the second that they took
        assert_same_cells(run, finished)

    def test_a_note_left_while_the_run_waits_is_heeded_and_then_forgotten(
        self, finished: Run
    ) -> None:
        run = create_run(specification())
        run.ask_to_stop()
        with pytest.raises(StoppedError):
            execute(run)
        assert run.state().status == "stopped"
        execute(run)
        assert run.state().status == "finished"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_stops_the_run_and_the_old_handlers_come_back(
        self, finished: Run, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = signal.getsignal(number)
        run = create_run(specification())
        noted: list[threading.Event] = []

        @contextmanager
        def stop_on_signals() -> Iterator[threading.Event]:
            with supervision.stop_on_signals() as event:
                noted.append(event)
                yield event

        monkeypatch.setattr(work, "stop_on_signals", stop_on_signals)

        def send(progress: Progress) -> None:
            if progress.stage.id == "train" and progress.done == 1:
                os.kill(os.getpid(), number)
                assert noted[0].wait(20)  # the other thread handles the signal

        with pytest.raises(StoppedError):
            execute(run, send)
        assert run.state().status == "stopped"
        assert signal.getsignal(number) is before

    def test_a_second_interrupt_ends_the_run_at_once_and_leaves_it_stopped(
        self, finished: Run
    ) -> None:
        run = create_run(specification())

        def send(progress: Progress) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(StoppedError):
            execute(run, send)
        assert run.state().status == "stopped"

    def test_a_run_may_be_carried_out_in_a_thread(self, finished: Run) -> None:
        run = create_run(specification())
        thread = threading.Thread(target=execute, args=(run,))
        thread.start()
        thread.join()
        assert run.state().status == "finished"


class TestCarryingOn:
    @pytest.mark.parametrize("content", [None, "", "{", "[]"])
    def test_a_missing_or_damaged_cell_is_computed_again_and_no_other(
        self, finished: Run, content: str | None
    ) -> None:
        before = finished.cells()
        file = finished.path / "cells" / f"{before[1].cell.name}.json"
        if content is None:
            file.unlink()
        else:
            file.write_text(content)
        execute(finished)
        after = finished.cells()
        assert [after[0], *after[2:]] == [before[0], *before[2:]]
        assert after[1] != before[1]  # the time is another
        assert replace(after[1], seconds=0) == replace(before[1], seconds=0)

    @pytest.mark.parametrize("content", [None, b"", b"\x93NUMPY"])
    def test_missing_or_damaged_scores_are_computed_again(
        self, finished: Run, content: bytes | None
    ) -> None:
        cell = finished.cells()[2].cell
        file = finished.path / "cells" / f"{cell.name}.npy"
        whole = file.read_bytes()
        if content is None:
            file.unlink()
        else:
            file.write_bytes(content)
        execute(finished)
        assert file.read_bytes() == whole

    @pytest.mark.parametrize("name", ["images.json", "record.json", "state.json"])
    def test_a_damaged_file_of_the_run_is_written_again(self, finished: Run, name: str) -> None:
        before, images = results(finished), finished.images()
        (finished.path / name).write_text("[1]")
        execute(finished)
        assert finished.state().status == "finished"
        assert results(finished) == before
        assert finished.images() == images
        assert finished.needed_record().n_images == N_IMAGES

    def test_cells_of_other_images_are_not_kept(
        self, tmp_path: Path, finished_cache: tuple[Path, str], pictures: Path
    ) -> None:
        shutil.copytree(pictures, tmp_path / "images")
        add_textures(tmp_path / "images")
        run = finished_run(specification(**CHEAP))
        cell = run.cells()[0].cell
        before = run.scores(cell)
        for i in range(4):
            shutil.copy(pictures / f"waves/waves-{i}.png", tmp_path / f"images/noise/noise-{i}.png")
        library.refresh("textures")
        execute(run)
        assert not np.allclose(run.scores(cell), before)
        assert len({image.sha256 for image in run.images()}) == N_IMAGES - 4


def test_a_damaged_entry_of_the_store_is_computed_again_and_nothing_else(
    finished: Run, cache: CacheFolder
) -> None:
    sha256 = finished.images()[0].sha256
    with sqlite3.connect(cache.features / "cache.db") as index:
        changed = index.execute(
            "UPDATE Cache SET value = X'00' WHERE key LIKE ? AND key LIKE '%block1%max'",
            (f"{sha256}%",),
        )
        assert changed.rowcount == 1
    index.close()
    again = finished_run(finished.specification())
    assert again.state().network_images == ((224, 1),)
    for result in again.cells():
        np.testing.assert_allclose(
            again.scores(result.cell), finished.scores(result.cell), atol=0.02
        )
    with DescriptorStore(cache.features) as store:
        assert len(store) == N_IMAGES * 4
        assert store.check() == []
    assert finished_run(finished.specification()).state().network_images == ((224, 0),)


def test_the_cache_folder_can_be_copied_to_another_place(
    finished: Run, cache: CacheFolder, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    cache.root.rename(elsewhere)
    with cache_at(elsewhere):
        assert [run.id for run in all_runs()] == [finished.id]
        again = finished_run(specification())
        assert again.state().network_images == ((224, 0),)


def test_progress_is_written_while_the_run_goes_on(known: Path) -> None:
    run = create_run(specification(**CHEAP))
    seen: list[tuple[str, Any]] = []

    def look(_: Progress) -> None:
        state = run.state()
        seen.append((state.status, state.process))

    execute(run, look)
    assert set(seen) == {("running", this_process())}
