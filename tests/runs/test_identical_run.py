import os
import shutil
from pathlib import Path

import pytest

from medrecog_core.datasets import library
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import resolve_precision
from medrecog_core.runs import Run, create_run, identical_run
from tests.textures import add_textures, specification


@pytest.fixture
def own_pictures(finished: Run, pictures: Path, tmp_path: Path) -> Path:
    """Give a copy of the finished run's pictures that the test may spoil, files as they were."""
    copied = tmp_path / "images"
    shutil.copytree(pictures, copied)  # keeps the times of change
    library.remove("textures")
    add_textures(copied)
    return copied


def test_the_same_specification_on_the_same_files_is_done_already(finished: Run) -> None:
    found = identical_run(finished.specification())
    assert found is not None and found.id == finished.id


def test_the_order_of_the_grid_and_the_name_of_the_precision_make_no_difference(
    finished: Run,
) -> None:
    asked = specification(
        layers=["block2", "block1", "block1"],
        poolings=["average", "max"],
        precision=resolve_precision("auto"),
    )
    assert identical_run(asked) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"C": 2.0},
        {"classifier": "logistic-regression"},
        {"classifier": "knn"},
        {"layers": ["block1"]},
        {"poolings": ["max"]},
        {"scales": [256]},
        {"precision": "other"},
    ],
)
def test_another_specification_is_not(finished: Run, changes: dict[str, object]) -> None:
    if changes == {"precision": "other"}:
        here = resolve_precision("auto")
        changes = {"precision": "float32" if here == "bfloat16" else "bfloat16"}
    assert identical_run(specification(**changes)) is None


@pytest.mark.parametrize("status", ["stopped", "failed", "interrupted"])
def test_an_unfinished_run_is_not(finished: Run, status: str) -> None:
    finished.write_state(JobState(status))
    assert identical_run(finished.specification()) is None


def test_a_run_with_a_lost_cell_is_not(finished: Run) -> None:
    next((finished.path / "cells").glob("*.npy")).unlink()
    assert identical_run(finished.specification()) is None


def test_other_weights_are_not(finished: Run) -> None:
    record = finished.record()
    finished.write_record({**record, "weights": {**record["weights"], "identity": "others"}})
    assert identical_run(finished.specification()) is None


def test_moved_pictures_are_the_same(own_pictures: Path) -> None:
    assert identical_run(specification()) is not None


def test_a_changed_touched_or_vanished_picture_is_not(own_pictures: Path) -> None:
    file = own_pictures / "noise/noise-0.png"
    content, status = file.read_bytes(), file.stat()
    file.write_bytes(content + b"\0")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert identical_run(specification()) is None
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert identical_run(specification()) is None
    file.unlink()
    assert identical_run(specification()) is None


def test_other_labels_are_not(own_pictures: Path) -> None:
    (own_pictures / "noise").rename(own_pictures / "grain")
    library.remove("textures")
    add_textures(own_pictures)
    assert identical_run(specification()) is None


def test_a_data_set_that_is_gone_is_not(finished: Run) -> None:
    library.remove("textures")
    assert identical_run(finished.specification()) is None


def test_of_several_the_newest_is_found(finished: Run, cache: CacheFolder) -> None:
    newer = create_run(finished.specification())
    shutil.copytree(finished.path, newer.path, dirs_exist_ok=True)
    newer.write_state(JobState("finished", created=finished.state().created + 60))
    found = identical_run(finished.specification())
    assert found is not None and found.id == newer.id
