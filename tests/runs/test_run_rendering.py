"""What a run does with the rendering of its data set, from its record to its repetition."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core import atomic_file
from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.errors import StorageError
from medrecog_core.features import DescriptorStore
from medrecog_core.images import PLAIN, Rendering
from medrecog_core.locations import cache_folder
from medrecog_core.runs import Run, create_run, execute, identical_run, result_document
from medrecog_core.runs.description import differing_settings
from medrecog_core.runs.estimate import estimate_cost
from medrecog_core.runs.extracted_dataset import dataset_of_run
from medrecog_core.runs.record import RunRecord
from medrecog_core.runs.run import cell_images
from tests.deep_images import NAME, WINDOW, add_deep, deep_specification
from tests.textures import finished_run

WIDE = Rendering(window=(0, 65_535))


def n_stored() -> int:
    with DescriptorStore(cache_folder().features) as store:
        return len(store)


def added_again(rendering: Rendering) -> Dataset:
    root = library.load(NAME).root
    library.remove(NAME)
    return add_deep(root, rendering=rendering)


def test_a_run_says_how_images_were_rendered(deep_run: Run) -> None:
    assert deep_run.needed_record().rendering == WINDOW
    assert deep_run.rendering() == WINDOW
    renderings = {Path(image.path).suffix: image.rendering for image in deep_run.images()}
    assert renderings == {".png": WINDOW, ".jpg": PLAIN}
    (result,) = deep_run.cells()
    shown = cell_images(deep_run, result)
    assert {image.rendering for image in shown} <= {WINDOW, PLAIN}
    assert dataset_of_run(deep_run) == library.load(NAME)


def test_one_file_in_two_data_sets_has_a_descriptor_for_each_window(deep_run: Run) -> None:
    before = n_stored()
    add_deep(library.load(NAME).root, "wide", WIDE)
    assert estimate_cost(deep_specification(dataset="wide")).scales[0].n_images == 8
    run = finished_run(deep_specification(dataset="wide"))
    assert run.state().network_images == ((224, 8),)
    assert n_stored() == before + 8
    assert run.rendering() == WIDE
    names, _ = differing_settings([deep_run, run])
    assert {"rendering", "fingerprint of the data set"} <= set(names)


def test_a_run_in_another_window_is_not_identical(deep_run: Run) -> None:
    found = identical_run(deep_run.specification())
    assert found is not None and found.id == deep_run.id
    added_again(WIDE)
    assert identical_run(deep_run.specification()) is None


def test_a_run_resumes_in_the_window_that_was_recorded(deep_run: Run) -> None:
    cells, images, n = deep_run.cells(), deep_run.images(), n_stored()
    added_again(WIDE)
    deep_run.discard_cells()
    execute(deep_run)
    assert deep_run.rendering() == WINDOW
    assert deep_run.images() == images
    assert [result.metrics for result in deep_run.cells()] == [result.metrics for result in cells]
    assert n_stored() == n
    assert dataset_of_run(deep_run) is None


def test_a_run_is_repeated_in_the_window_that_was_recorded(deep_run: Run) -> None:
    document = result_document(deep_run)
    added_again(WIDE)
    again = create_run(deep_run.specification())
    again.write_repeated(document)
    execute(again)
    assert again.rendering() == WINDOW
    repeats = result_document(again)["repeats"]
    assert repeats["changed_cells"] == []
    assert repeats["differences"] == []


def test_a_run_of_version_0_1_0_is_plain(deep_run: Run) -> None:
    document = deep_run.needed_record().to_document()
    del document["rendering"]
    deep_run.write_record(RunRecord.from_document(document))
    assert deep_run.rendering() == PLAIN
    rows = [[i.path, i.sha256, i.label, i.group] for i in deep_run.images()]
    atomic_file.write_json(deep_run.path / "images.json", rows)
    assert {image.rendering for image in deep_run.images()} == {PLAIN}
    execute(deep_run)
    assert deep_run.rendering() == PLAIN
    assert {image.rendering for image in deep_run.images()} == {PLAIN}


@pytest.mark.parametrize("rendering", [{"window": [1, 1]}, {"unknown": 0}, 7, {"frame": "last"}])
def test_a_damaged_rendering_is_a_damaged_record(deep_run: Run, rendering: object) -> None:
    document = deep_run.needed_record().to_document()
    atomic_file.write_json(deep_run.path / "record.json", {**document, "rendering": rendering})
    with pytest.raises(StorageError):
        deep_run.rendering()


def test_plain_images_are_written_as_before(finished: Run) -> None:
    document = atomic_file.read_json(finished.path / "images.json")
    assert all(len(row) == 4 for row in document)


def test_frames_of_a_file_are_images_of_their_own(tmp_path: Path, cache: object) -> None:
    for name in "ab":
        frames = [
            Image.fromarray(
                np.random.default_rng([ord(name), i]).integers(0, 256, (16, 16), dtype=np.uint8)
            )
            for i in range(4)
        ]
        frames[0].save(tmp_path / f"{name}.tif", save_all=True, append_images=frames[1:])
    images = tuple(
        ImageRecord(f"{name}.tif#{i}", name, "train" if i < 2 else "test", frame=i)
        for name in "ab"
        for i in range(4)
    )
    library.save(Dataset("stacks", tmp_path, images, "made"))
    run = finished_run(deep_specification(dataset="stacks"))
    assert run.state().network_images == ((224, 8),)
    assert [image.rendering.frame for image in run.images()] == [0, 1, 2, 3] * 2
    assert {Path(image.path).name for image in run.images()} == {"a.tif", "b.tif"}
    found = identical_run(run.specification())
    assert found is not None and found.id == run.id

    # One frame fewer leaves out that frame only, once the data set knows the file as it is.
    shutil.copy(tmp_path / "a.tif", tmp_path / "copy.tif")
    with Image.open(tmp_path / "copy.tif") as stack:
        kept = [stack.copy() for i in range(3) if not stack.seek(i)]
    kept[0].save(tmp_path / "a.tif", save_all=True, append_images=kept[1:])
    library.refresh("stacks")
    fewer = finished_run(deep_specification(dataset="stacks"))
    assert len(fewer.images()) == 7
