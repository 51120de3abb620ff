import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.datasets import library
from medrecog_core.errors import UsageError
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import resolve_precision
from medrecog_core.runs import (
    Run,
    changed_cells,
    create_run,
    execute,
    identical_run,
    read_request,
    result_document,
    specification_of,
)
from medrecog_core.runs.repetition import differences
from tests.made_runs import rewrite_record
from tests.textures import add_textures, cache_at, specification, write_textures


def written(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("what", ["record", "document"])
def test_a_run_is_repeated_from_its_record_alone_with_the_same_numbers(
    finished: Run, pictures: Path, tmp_path: Path, what: str
) -> None:
    document = (
        finished.needed_record().to_document() if what == "record" else result_document(finished)
    )
    file = written(tmp_path / "record.json", document)
    with cache_at(tmp_path / "elsewhere"):  # no descriptor, no run
        add_textures(pictures)
        asked, earlier = read_request(file)
        assert earlier == json.loads(file.read_text())
        again = create_run(asked, earlier)
        execute(again)
        told = result_document(again)
    assert told["repeats"]["run"] == finished.id
    assert told["repeats"]["differences"] == []
    assert told["repeats"]["changed_cells"] == (None if what == "record" else [])
    for one, other in zip(again.cells(), finished.cells(), strict=True):
        assert one.metrics == other.metrics
        np.testing.assert_allclose(again.scores(one.cell), finished.scores(one.cell), rtol=1e-5)


def test_it_says_what_differs(finished: Run, tmp_path: Path) -> None:
    document = json.loads(json.dumps(result_document(finished)))
    library.remove("textures")
    folder = write_textures(tmp_path / "others", n=5)
    add_textures(folder)
    document["record"]["weights"]["identity"] = "other-weights"
    document["record"]["versions"]["numpy"] = "0.1"
    again = create_run(specification_of(document), document)
    execute(again)
    told = result_document(again)["repeats"]
    text = "\n".join(told["differences"])
    assert "weights: other-weights then, vgg19-imagenet" in text
    assert "fingerprint of the data set: " in text
    assert "number of images: 12 then, 15 now" in text
    assert "numpy: 0.1 then, " in text
    assert len(told["differences"]) == 4
    assert told["changed_cells"]  # other images, other numbers of test images


def test_nothing_differs_from_itself(finished: Run) -> None:
    document = result_document(finished)
    assert differences(document, finished.needed_record()) == []
    assert changed_cells(document, finished) == []


def test_a_changed_missing_or_further_cell_is_named_and_its_time_is_none(
    finished: Run,
) -> None:
    document = json.loads(json.dumps(result_document(finished)))
    document["cells"][0]["accuracy"] += 0.1
    document["cells"][1]["seconds"] += 1
    del document["cells"][2]
    document["cells"].append({**document["cells"][0], "layer": "block5"})
    assert changed_cells(document, finished) == [
        "block1-224-max",
        "block2-224-max",
        "block5-224-max",
    ]


def test_the_recorded_precision_is_asked_for(finished: Run) -> None:
    assert finished.specification().precision == "auto"
    record = finished.needed_record()
    assert specification_of(record.to_document()).precision == record.precision


def test_a_specification_is_read_as_one(cache: CacheFolder, tmp_path: Path) -> None:
    file = written(tmp_path / "spec.json", {"dataset": "textures", "layers": ["block1"]})
    assert read_request(file, seed=3) == (specification(layers=["block1"], seed=3), None)


def test_a_record_takes_no_changes(finished: Run, tmp_path: Path) -> None:
    file = written(tmp_path / "record.json", finished.needed_record().to_document())
    with pytest.raises(UsageError, match=r"is repeated unchanged\. Remove C, seed\."):
        read_request(file, seed=3, C=1.0)


@pytest.mark.parametrize("document", [{"specification": 3}, {"specification": {"layers": []}}])
def test_a_damaged_record_gives_a_sentence(tmp_path: Path, document: object) -> None:
    with pytest.raises(UsageError):
        read_request(written(tmp_path / "record.json", document))


@pytest.mark.parametrize("content", ["{", "", "\0"])
def test_what_is_no_json_gives_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(UsageError, match=r"x\.json cannot be read as JSON"):
        read_request(tmp_path / "x.json")
    with pytest.raises(UsageError, match="does not exist"):
        read_request(tmp_path / "none.json")


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


def test_a_run_of_a_sample_is_found_by_its_size_and_seed(finished: Run) -> None:
    asked = specification(sample=9, layers=["block1"])
    run = create_run(asked)
    execute(run)
    found = identical_run(asked)
    assert found is not None and found.id == run.id
    assert identical_run(specification(sample=8, layers=["block1"])) is None
    assert identical_run(specification(sample=9, seed=1, layers=["block1"])) is None


@pytest.mark.parametrize("status", ["stopped", "failed", "interrupted"])
def test_an_unfinished_run_is_not(finished: Run, status: str) -> None:
    finished.write_state(JobState(status))
    assert identical_run(finished.specification()) is None


def test_a_run_with_a_lost_cell_is_not(finished: Run) -> None:
    next((finished.path / "cells").glob("*.npy")).unlink()
    assert identical_run(finished.specification()) is None


def test_other_weights_are_not(finished: Run) -> None:
    rewrite_record(finished, weights={"identity": "others"})
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
