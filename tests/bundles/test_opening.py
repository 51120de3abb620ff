import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medrecog_core.bundles import open_bundle, write_bundle
from medrecog_core.datasets import Dataset, ImageRecord, find_changes, library
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.images import thumbnail
from medrecog_core.locations import CacheFolder
from medrecog_core.mode import ReadOnlyError
from medrecog_core.models import carry_out_evaluation, load_model, train_model
from medrecog_core.runs import all_runs, find_run, result_document
from medrecog_core.runs.comparison import rank_cells
from medrecog_core.runs.embedding import PCA, embed_images, kept_embedding
from medrecog_core.runs.learning_curve import compute_learning_curve, kept_learning_curve
from medrecog_core.runs.subgroups import metadata_columns
from medrecog_core.settings import MODE_VARIABLE, VIEWER
from tests.deep_images import MODEL, deep_specification
from tests.made_runs import keep_dataset, made_run, rewrite_record
from tests.runs.test_learning_curve import run as curved
from tests.textures import NAME, finished_run

__all__ = ["curved"]


def files_below(folder):
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and file.suffix != ".lock"
    }


@pytest.fixture
def opened(written, there, monkeypatch):
    """Give the run in the cache folder of another machine, which is in use from now on."""
    assert open_bundle(written[0], there) == (written[1],)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    return find_run(written[1])


def test_run_tells_there_what_it_told_here(finished, opened, monkeypatch, cache):
    there = result_document(opened), rank_cells(opened), opened.split(), opened.log.lines()
    assert there[0]["baselines"]
    scores = [opened.scores(cell) for cell in opened.specification().cells]
    monkeypatch.setenv("MEDRECOG_CACHE", str(cache.root))
    assert there == (
        result_document(finished),
        rank_cells(finished),
        finished.split(),
        finished.log.lines(),
    )
    for cell, kept in zip(finished.specification().cells, scores, strict=True):
        np.testing.assert_array_equal(finished.scores(cell), kept)


def test_data_set_is_shown_without_its_images(opened):
    dataset = library.load(NAME)
    assert dataset.fingerprint == opened.needed_record().dataset.fingerprint
    assert not dataset.root.exists()


def test_reviewed_labels_go_along(finished, tmp_path, there, monkeypatch):
    images = library.load(NAME).images
    other = next(image.label for image in images if image.label != images[0].label)
    library.review_labels(NAME, [images[0].path], "relabel", other)
    library.review_labels(NAME, [images[1].path], "exclude")
    reviewed = library.load(NAME)
    run = finished_run(finished.specification())
    write_bundle([run], tmp_path / "reviewed.zip", "none")
    open_bundle(tmp_path / "reviewed.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    opened = library.load(NAME)
    assert opened.reviewed == reviewed.reviewed
    assert opened.fingerprint == reviewed.fingerprint


def test_maps_go_along_and_are_those_of_the_images(finished, tmp_path, there, monkeypatch):
    cell = finished.cells()[0].cell
    made = embed_images(finished, cell)
    write_bundle([finished], tmp_path / "maps.zip", "none")
    open_bundle(tmp_path / "maps.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    kept = kept_embedding(find_run(finished.id), cell, PCA)
    assert kept is not None
    np.testing.assert_allclose(kept.points, made.points, atol=1e-5)


def test_learning_curves_go_along(curved, tmp_path, there, monkeypatch):
    cell = curved.cells()[0].cell
    curve = compute_learning_curve(curved, cell)
    write_bundle([curved], tmp_path / "curves.zip", "none")
    open_bundle(tmp_path / "curves.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    assert kept_learning_curve(find_run(curved.id), cell) == curve


def test_thumbnails_stand_in_for_images_that_are_not_there(opened):
    for image in opened.tested_images():
        assert thumbnail(Path(image.path), sha256=image.sha256).startswith(b"\xff\xd8")


def test_images_that_came_along_are_the_run_s(finished, tmp_path, there, monkeypatch):
    write_bundle([finished], tmp_path / "runs.zip", "images")
    open_bundle(tmp_path / "runs.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    for image in find_run(finished.id).images():
        assert hashlib.sha256(Path(image.path).read_bytes()).hexdigest() == image.sha256
    assert find_changes(library.load(NAME)) == ()


def test_models_go_along_if_asked_without_the_paths_of_their_images(
    finished, tmp_path, there, monkeypatch
):
    made = train_model(finished, finished.cells()[0].cell, "mine")
    assert write_bundle([finished], tmp_path / "without.zip", "none").contents.models == ()
    written = write_bundle([finished], tmp_path / "runs.zip", "none", with_models=True)
    assert written.contents.models == ("mine",)
    open_bundle(tmp_path / "runs.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    opened = load_model("mine")
    assert opened.card == made.card
    np.testing.assert_array_equal(opened.classifier.weights, made.classifier.weights)
    assert {image.path for image in opened.training_images.images} == {""}


def test_tests_on_other_data_sets_go_along_and_are_checked(finished, tmp_path, there, monkeypatch):
    train_model(finished, finished.cells()[0].cell, "mine")
    test = carry_out_evaluation("mine", NAME, {})
    write_bundle([finished], tmp_path / "runs.zip", "none", with_models=True)
    document = {**test.to_document(), "classes": ["a", "b", "c"]}
    file = rewritten(
        tmp_path / "runs.zip",
        tmp_path / "other.zip",
        "models/mine/outside-tests.json",
        json.dumps([document]).encode(),
    )
    with pytest.raises(MedrecogError, match="the model “mine” in it cannot be read here"):
        open_bundle(file, there)
    open_bundle(tmp_path / "runs.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    assert load_model("mine").outside_tests == (test,)


def test_columns_for_subgroups_go_along_and_are_said(tmp_path, there, monkeypatch, cache):
    run = made_run()
    keep_dataset(run, {"sex": ["f", "m"] * 30})
    kept = library.load("made")
    rewrite_record(run, dataset={"fingerprint": kept.fingerprint})
    written = write_bundle([run], tmp_path / "runs.zip", "none")
    (sentence,) = written.metadata
    assert "sex" in sentence
    open_bundle(tmp_path / "runs.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    assert library.load("made").metadata == kept.metadata
    assert set(metadata_columns(find_run(run.id))) == {"sex"}


def test_a_model_that_was_changed_is_refused(finished, tmp_path, there):
    train_model(finished, finished.cells()[0].cell, "mine")
    write_bundle([finished], tmp_path / "runs.zip", "none", with_models=True)
    for name, content in (("svm.npz", b"PK"), ("model.json", b"{}"), ("other.npz", b"x")):
        file = rewritten(
            tmp_path / "runs.zip", tmp_path / "other.zip", f"models/mine/{name}", content
        )
        with pytest.raises(MedrecogError, match="the model “mine” in it cannot be read here"):
            open_bundle(file, there)
    assert files_below(there.root) == {}


def rewritten(source, target, name, content):
    """Write a bundle with another file of that name, the list made to fit."""
    with zipfile.ZipFile(source) as opened:
        files = {each: opened.read(each) for each in opened.namelist()}
    listed = json.loads(files.pop("bundle.json"))
    files[name] = content
    digest = hashlib.sha256(content).hexdigest()
    listed["files"][name] = {"sha256": digest, "n_bytes": len(content)}
    with zipfile.ZipFile(target, "w") as opened:
        for each, value in {**files, "bundle.json": json.dumps(listed).encode()}.items():
            opened.writestr(each, value)
    return target


def test_what_is_there_stays_as_it_is(written, opened, there):
    opened.rename("Mine")
    library.exclude(NAME, [library.load(NAME).images[0].path])
    before = files_below(there.root)
    assert open_bundle(written[0], there) == (written[1],)
    assert files_below(there.root) == before


def test_bundle_is_opened_in_the_cache_folder_in_use(written, cache):
    open_bundle(written[0])
    assert [run.id for run in all_runs()] == [written[1]]
    assert {file.name for file in cache.root.iterdir() if file.suffix != ".lock"} == {
        "bundled-thumbnails",
        "datasets",
        "runs",
    }


def test_only_a_view_is_not_changed(written, cache, monkeypatch, there):
    monkeypatch.setenv(MODE_VARIABLE, VIEWER)
    with pytest.raises(ReadOnlyError):
        open_bundle(written[0])
    assert not cache.root.exists()
    open_bundle(written[0], there)  # another folder than the one that is viewed


def test_changed_content_is_refused_and_nothing_is_written(written, there, tmp_path):
    file = tmp_path / "changed.zip"
    with zipfile.ZipFile(written[0]) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("block1-224-max.npy"):
                content = content[:-1] + bytes([content[-1] ^ 1])
            target.writestr(name, content)
    with pytest.raises(MedrecogError, match=r"block1-224-max\.npy” does not match its hash"):
        open_bundle(file, there)
    assert files_below(there.root) == {}


def test_a_damaged_bundle_is_no_data_set_to_unpack_by_hand(written, there, tmp_path):
    content = bytearray(written[0].read_bytes())
    with zipfile.ZipFile(written[0]) as archive:
        place = archive.infolist()[-1].header_offset + 200
    content[place] ^= 0xFF
    (tmp_path / "damaged.zip").write_bytes(content)
    with pytest.raises(
        MedrecogError, match=r"damaged\.zip .*Ask the sender to create it again"
    ) as refused:
        open_bundle(tmp_path / "damaged.zip", there)
    assert "by hand" not in str(refused.value)


def test_a_move_that_fails_takes_all_back(written, there, monkeypatch):
    there.root.mkdir()
    (there.root / "runs").write_text("no folder")
    with pytest.raises(StorageError, match="Cannot write to"):
        open_bundle(written[0], there)
    assert set(files_below(there.root)) == {"runs"}


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_a_bit_that_fell_over_is_found_or_does_no_harm(written, tmp_path, place, bit):
    content = bytearray(written[0].read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    file, cache = tmp_path / "flipped.zip", CacheFolder(tmp_path / "flipped")
    file.write_bytes(content)
    try:
        open_bundle(file, cache)
    except MedrecogError as error:
        assert "\n" not in str(error)
        assert not cache.root.exists() or files_below(cache.root) == {}
    else:
        whole = CacheFolder(tmp_path / "whole")
        open_bundle(written[0], whole)
        assert files_below(cache.root) == files_below(whole.root)
        for each in (cache, whole):
            shutil.rmtree(each.root)


def test_images_in_a_window_are_shown_in_it_there(deep_run, tmp_path, there, monkeypatch):
    images = deep_run.images()
    shown = {
        i.sha256: thumbnail(Path(i.path), sha256=i.sha256, rendering=i.rendering) for i in images
    }
    model = load_model(MODEL)
    write_bundle([deep_run], tmp_path / "small.zip", with_models=True)
    write_bundle([deep_run], tmp_path / "whole.zip", "images")
    open_bundle(tmp_path / "small.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    run = find_run(deep_run.id)
    assert [i.rendering for i in run.images()] == [i.rendering for i in images]
    assert run.rendering() == library.load("deep").rendering == load_model(MODEL).card.rendering
    for image in run.images():
        assert not Path(image.path).exists()
        small = thumbnail(Path(image.path), sha256=image.sha256, rendering=image.rendering)
        assert small == shown[image.sha256]
    assert load_model(MODEL).card == model.card
    whole = CacheFolder(tmp_path / "whole")
    open_bundle(tmp_path / "whole.zip", whole)
    monkeypatch.setenv("MEDRECOG_CACHE", str(whole.root))
    assert all(Path(image.path).is_file() for image in find_run(deep_run.id).images())


def test_frames_of_a_file_go_along_once(tmp_path, cache, there, monkeypatch):
    for name in "ab":
        frames = [
            Image.fromarray(
                np.random.default_rng([ord(name), i]).integers(0, 256, (16, 16), dtype=np.uint8)
            )
            for i in range(4)
        ]
        frames[0].save(tmp_path / f"{name}.tif", save_all=True, append_images=frames[1:])
    rows = tuple(
        ImageRecord(f"{name}.tif#{i}", name, "train" if i < 2 else "test", frame=i)
        for name in "ab"
        for i in range(4)
    )
    library.save(Dataset("stacks", tmp_path, rows, "made"))
    run = finished_run(deep_specification(dataset="stacks"))
    write_bundle([run], tmp_path / "whole.zip", "images")
    with zipfile.ZipFile(tmp_path / "whole.zip") as opened:
        names = opened.namelist()
    assert sum("/images/" in name for name in names) == 2
    assert sum(name.startswith("bundled-thumbnails/") for name in names) == 8
    open_bundle(tmp_path / "whole.zip", there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    opened_run = find_run(run.id)
    assert [i.rendering for i in opened_run.images()] == [i.rendering for i in run.images()]
    assert all(Path(image.path).is_file() for image in opened_run.images())
    assert find_changes(library.load("stacks")) == ()


def test_the_rest_of_a_killed_import_is_deleted_by_the_next(written, there):
    rest = there.root / ".opening-killed"
    (rest / "cache").mkdir(parents=True)
    (rest / "cache/large.bin").write_bytes(b"x" * 1000)
    assert open_bundle(written[0], there) == (written[1],)
    assert not rest.exists()
