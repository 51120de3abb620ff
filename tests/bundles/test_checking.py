import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.bundles import open_bundle
from medrecog_core.errors import MedrecogError
from tests.textures import NAME


def picture(size, kind):
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, kind)
    return buffer.getvalue()


def refuse(file, there, what):
    with pytest.raises(MedrecogError, match=what) as caught:
        open_bundle(file, there)
    assert "in it cannot be read here" in str(caught.value)
    left = [file for file in there.root.rglob("*") if file.is_file() and file.suffix != ".lock"]
    assert left == []


@pytest.mark.parametrize(
    "changes",
    [
        {"process": {"pid": 1, "started": 0.0, "boot": ""}},
        {"heartbeat": 1.0},
        {"status": "running"},
        {"status": "queued"},
        {"status": ["finished"]},
    ],
)
def test_a_run_that_names_a_process_or_has_not_ended_is_refused(
    rewrite, document, written, there, changes
):
    name = f"runs/{written[1]}/state.json"
    refuse(rewrite({name: {**document(name), **changes}}), there, "the run “")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.png", "a/../../x.png", "", 7, None])
def test_a_path_that_leads_out_of_the_data_set_is_refused(rewrite, document, written, there, path):
    name = f"runs/{written[1]}/images.json"
    rows = document(name)
    rows[0][0] = path
    refuse(rewrite({name: rows}), there, "the run “")


def test_a_hash_that_is_none_is_refused(rewrite, document, written, there):
    name = f"runs/{written[1]}/images.json"
    rows = document(name)
    rows[0][1] = "../../x"
    refuse(rewrite({name: rows}), there, "the run “")


def test_a_split_of_images_that_there_are_not_is_refused(rewrite, document, written, there):
    name = f"runs/{written[1]}/split.json"
    split = document(name)
    split["folds"][0]["test"].append(99)
    refuse(rewrite({name: split}), there, "the run “")


@pytest.mark.parametrize("root", ["/etc", "..", "images/..", "", None])
def test_a_data_set_that_lies_elsewhere_is_refused(rewrite, document, there, root):
    name = f"datasets/{NAME}/dataset.json"
    refuse(rewrite({name: {**document(name), "root": root}}), there, "the data set “")


def test_an_image_that_the_data_set_does_not_know_is_refused(rewrite, there):
    name = f"datasets/{NAME}/images/noise/other.png"
    refuse(rewrite({name: picture((8, 8), "PNG")}), there, "the data set “")


@pytest.mark.parametrize("content", [b"<svg/>", picture((8, 8), "PNG"), picture((300, 8), "JPEG")])
def test_a_thumbnail_that_is_none_is_refused(rewrite, document, there, content):
    name = next(n for n in document("bundle.json")["files"] if n.startswith("bundled-thumbnails/"))
    refuse(rewrite({name: content}), there, "the thumbnail “")


@pytest.mark.parametrize("array", [np.zeros((1, 1), np.float32), np.array([{}], dtype=object)])
def test_scores_of_another_shape_or_pickled_ones_are_refused(rewrite, written, there, array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    name = f"runs/{written[1]}/cells/block1-224-max.npy"
    refuse(rewrite({name: buffer.getvalue()}), there, "the run “")


def test_a_cell_that_is_not_of_the_grid_is_refused(rewrite, written, there):
    name = f"runs/{written[1]}/cells/block9-224-max.npy"
    refuse(rewrite({name: b"x"}), there, "the run “")


@pytest.mark.parametrize("document_name", ["specification", "state", "record", "split", "files"])
def test_a_document_that_is_none_is_refused(rewrite, written, there, document_name):
    name = f"runs/{written[1]}/{document_name}.json"
    refuse(rewrite({name: b"[1"}), there, "the run “")


@pytest.mark.parametrize("record", [{}, [], {"dataset": 5}])
def test_a_record_that_pages_cannot_show_is_refused(rewrite, written, there, record):
    refuse(rewrite({f"runs/{written[1]}/record.json": record}), there, "the run “")


def test_a_bundle_without_a_needed_document_is_refused(rewrite, written, there):
    for needed in ("specification", "state", "split"):
        refuse(rewrite({f"runs/{written[1]}/{needed}.json": None}), there, "the run “")
    assert Path(there.root).exists()


@pytest.mark.parametrize("number", ["1e300", "1e999", "NaN", "Infinity", "-1", "9" * 30])
def test_a_time_that_is_none_is_refused(rewrite, written, there, number, document):
    name = f"runs/{written[1]}/state.json"
    state = {**document(name), "created": "NUMBER"}
    refuse(
        rewrite({name: json.dumps(state).replace('"NUMBER"', number).encode()}), there, "the run “"
    )


@pytest.mark.parametrize("changes", [{"accuracy": 1e300}, {"n_test": -1}, {"confusion": [[1]]}])
def test_a_result_that_cannot_be_is_refused(rewrite, written, there, changes, document):
    name = f"runs/{written[1]}/cells/block1-224-max.json"
    refuse(rewrite({name: {**document(name), **changes}}), there, "the run “")


@pytest.mark.parametrize("state", [("", 0, 10**30), (7, 0, 0), ("", -1, 0)])
def test_the_state_of_a_file_that_cannot_be_is_refused(rewrite, there, state, document):
    name = f"datasets/{NAME}/dataset.json"
    dataset = document(name)
    dataset["images"][0][4:7] = state
    refuse(rewrite({name: dataset}), there, "the data set “")


def test_scores_that_claim_more_than_they_are_and_infinite_ones_are_refused(
    rewrite, written, there
):
    huge = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (2**40, 2)}
    np.lib.format.write_array_header_1_0(huge, header)
    infinite = io.BytesIO()
    np.save(infinite, np.full((6, 3), np.inf, np.float32))
    for content in (huge.getvalue(), infinite.getvalue()):
        name = f"runs/{written[1]}/cells/block1-224-max.npy"
        refuse(rewrite({name: content}), there, "the run “")


def test_a_split_of_a_million_folds_and_an_image_that_is_there_twice_are_refused(
    rewrite, written, there, document
):
    name = f"runs/{written[1]}/split.json"
    split = {**document(name), "folds": [{"train": [0], "test": [1]}] * 1_000_000}
    refuse(rewrite({name: split}), there, "the run “")
    name = f"runs/{written[1]}/images.json"
    rows = document(name)
    rows[1] = rows[0]
    refuse(rewrite({name: rows}), there, "the run “")
