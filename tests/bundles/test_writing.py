import json
import os
import platform
import shutil
import stat
import zipfile
from dataclasses import replace

import pytest

from medrecog_core import atomic_file
from medrecog_core.bundles import open_bundle, read_contents, write_bundle
from medrecog_core.datasets import check_health, library
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.process import this_process
from tests.made_runs import rewrite_record
from tests.textures import N_IMAGES, NAME


def names_in(file):
    with zipfile.ZipFile(file) as opened:
        return opened.namelist()


def test_bundle_holds_documents_cells_data_set_and_thumbnails(written):
    names = set(names_in(written[0]))
    run = f"runs/{written[1]}"
    for name in ("specification", "state", "record", "images", "split", "files"):
        assert f"{run}/{name}.json" in names
    assert f"{run}/cells/block1-224-max.npy" in names
    assert f"datasets/{NAME}/dataset.json" in names
    assert sum(name.startswith("bundled-thumbnails/") for name in names) == N_IMAGES


def test_nothing_in_it_tells_where_the_images_or_the_program_lay(written, finished_cache):
    with zipfile.ZipFile(written[0]) as opened:
        texts = {name: opened.read(name) for name in opened.namelist() if name.endswith(".json")}
    for name, text in texts.items():
        assert str(finished_cache[0]).encode() not in text, name
    rows = json.loads(texts[f"runs/{written[1]}/images.json"])
    assert {path.split("/")[0] for path, *_ in rows} == {"noise", "stripes", "waves"}
    assert json.loads(texts[f"runs/{written[1]}/state.json"])["process"] is None
    assert json.loads(texts[f"datasets/{NAME}/dataset.json"])["root"] == "images"


def test_neither_skipped_images_nor_errors_nor_the_log_tell_where_they_lay(
    finished, pictures, cache, tmp_path
):
    entry = {"path": str(pictures / "waves" / "x.png"), "reason": "it is damaged"}
    rewrite_record(finished, skipped=[entry], of_a_later_version=[1], split={"strata": 2})
    finished.write_repeated({**finished.needed_record().to_document(), "run": "earlier"})
    finished.write_state(replace(finished.state(), error=f"{cache.root}/runs is full."))
    finished.log.write(f"failed: {pictures}/waves/x.png")
    write_bundle([finished], tmp_path / "runs.zip", "none")
    with zipfile.ZipFile(tmp_path / "runs.zip") as opened:
        texts = {
            name: opened.read(name).decode()
            for name in opened.namelist()
            if name.endswith((".json", ".txt"))
        }
    for name, text in texts.items():
        assert str(pictures) not in text, name
        assert str(cache.root) not in text, name
    run = f"runs/{finished.id}"
    record = json.loads(texts[f"{run}/record.json"])
    assert record["skipped"][0]["path"] == "waves/x.png"
    assert (record["of_a_later_version"], record["split"]["strata"]) == ([1], 2)
    assert "failed: waves/x.png" in texts[f"{run}/log.txt"]


def test_pictures_can_be_left_out_or_taken_whole(finished, tmp_path):
    for pictures, n_thumbnails, n_images in (("none", 0, 0), ("images", N_IMAGES, N_IMAGES)):
        file = tmp_path / f"{pictures}.zip"
        written = write_bundle([finished], file, pictures)
        assert written.left_out == ()
        names = names_in(file)
        assert sum(name.startswith("bundled-thumbnails/") for name in names) == n_thumbnails
        assert sum("/images/" in name for name in names) == n_images


def test_images_that_are_gone_or_changed_are_told(finished, tmp_path, pictures, cache):
    shutil.rmtree(cache.thumbnails, ignore_errors=True)
    images = finished.images()
    moved = [replace(images[0], path=str(pictures / "gone.png")), *images[1:-1]]
    changed = replace(images[-1], sha256="0" * 64)
    finished.write_images([*moved, changed])
    written = write_bundle([finished], tmp_path / "runs.zip")
    assert written.left_out == (
        f"2 of {N_IMAGES} images are missing or have changed since the runs.",
    )


def test_data_set_that_changed_since_is_left_out_and_told(finished, tmp_path):
    library.exclude(NAME, [library.load(NAME).images[0].path])
    written = write_bundle([finished], tmp_path / "runs.zip", "none")
    assert written.contents.datasets == ()
    assert "has changed since the runs and is not included" in written.left_out[0]


def test_image_that_the_data_set_has_no_longer_goes_along_as_a_thumbnail(finished, there, tmp_path):
    dataset = library.load(NAME)
    library.remove(NAME)
    smaller = library.save(replace(dataset, images=dataset.images[1:]))
    rewrite_record(finished, dataset={"fingerprint": smaller.fingerprint})
    written = write_bundle([finished], tmp_path / "runs.zip", "images")
    assert written.left_out == (
        f"1 of {N_IMAGES} images have changed or are in no data set here. Only their "
        "thumbnails are included.",
    )
    names = names_in(tmp_path / "runs.zip")
    assert sum("/images/" in name for name in names) == N_IMAGES - 1
    assert sum(name.startswith("bundled-thumbnails/") for name in names) == N_IMAGES
    assert open_bundle(tmp_path / "runs.zip", there) == (finished.id,)


def test_health_report_goes_along(finished, tmp_path):
    check_health(library.load(NAME))
    write_bundle([finished], tmp_path / "runs.zip", "none")
    assert f"datasets/{NAME}/health.json" in names_in(tmp_path / "runs.zip")


def test_run_at_work_is_refused(finished, tmp_path):
    at_work = replace(finished.state(), status="running", process=this_process(), heartbeat=0)
    finished.write_state(at_work)
    with pytest.raises(MedrecogError, match="Stop it, or wait until it has finished"):
        write_bundle([finished], tmp_path / "runs.zip")
    assert list(tmp_path.glob("*.zip")) == []


def test_a_run_twice_is_in_it_once(finished, tmp_path):
    written = write_bundle([finished, finished], tmp_path / "runs.zip", "none")
    assert written.contents.runs == (finished.id,)
    assert read_contents(tmp_path / "runs.zip") == written.contents


@pytest.mark.parametrize("runs", [[], "one"])
def test_what_there_is_not_is_bad_usage(finished, tmp_path, runs):
    with pytest.raises(UsageError, match=r"at least one run|Available: none, thumbnails"):
        write_bundle([finished] if runs else [], tmp_path / "runs.zip", "some" if runs else "none")


def test_where_it_cannot_be_written_it_says_so_and_leaves_nothing(finished, tmp_path):
    file = tmp_path / "nowhere" / "runs.zip"
    with pytest.raises(MedrecogError, match=f"Cannot write to {file}"):
        write_bundle([finished], file)


def test_a_failure_half_way_leaves_the_earlier_file(finished, tmp_path, monkeypatch):
    file = tmp_path / "runs.zip"
    file.write_text("earlier")
    (finished.path / "split.json").write_text("damaged")
    monkeypatch.setattr("medrecog_core.bundles.writing.thumbnail", None)
    with pytest.raises(TypeError):
        write_bundle([finished], file)
    assert file.read_text() == "earlier"
    assert [each.name for each in tmp_path.glob("*runs.zip*")] == ["runs.zip"]


def test_others_may_read_it_if_the_user_lets_them(finished, tmp_path):
    before = os.umask(0o022)
    try:
        write_bundle([finished], tmp_path / "runs.zip", "none")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "runs.zip").stat().st_mode) == 0o644


def test_bundle_of_an_opened_bundle_is_the_same(written, there, tmp_path, monkeypatch):
    from medrecog_core.runs import find_run

    open_bundle(written[0], there)
    monkeypatch.setenv("MEDRECOG_CACHE", str(there.root))
    again = write_bundle([find_run(written[1])], tmp_path / "again.zip")
    assert again.left_out == ()
    assert again.contents == read_contents(written[0])


def test_paths_of_images_in_one_folder_are_told_by_the_data_set(finished, tmp_path):
    images = [image for image in finished.images() if "/waves/" in image.path]
    finished.write_images(images)
    write_bundle([finished], tmp_path / "runs.zip", "none")
    with zipfile.ZipFile(tmp_path / "runs.zip") as opened:
        rows = json.loads(opened.read(f"runs/{finished.id}/images.json"))
    assert {path.split("/")[0] for path, *_ in rows} == {"waves"}
    assert atomic_file.read_json(finished.path / "files.json")


@pytest.mark.parametrize("name", ["", "Ada"])
def test_the_name_is_in_the_contents_only_if_one_was_given(finished, tmp_path, name):
    written = write_bundle([finished], tmp_path / "runs.zip", by=name)
    assert written.contents.by == name
    with zipfile.ZipFile(tmp_path / "runs.zip") as bundle:
        assert ("by" in json.loads(bundle.read("bundle.json"))) == bool(name)
    assert read_contents(tmp_path / "runs.zip") == written.contents


def test_a_name_that_is_too_long_is_a_usage_error(finished, tmp_path):
    with pytest.raises(UsageError):
        write_bundle([finished], tmp_path / "runs.zip", by="x" * 101)
    assert not list(tmp_path.glob("*.zip"))


def test_a_bundle_does_not_name_the_machine(finished, tmp_path):
    # As version 0.2.0 logged it.
    finished.log.write("attempt 1: medrecog 0.2.0, process 77 on ward-7.clinic.example")
    write_bundle([finished], tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as opened:
        contents = {name: opened.read(name) for name in opened.namelist()}
    log = contents[f"runs/{finished.id}/log.txt"].decode()
    assert "process 77\n" in log
    for word in (b"ward-7", platform.node().encode()):
        assert not any(word in content for content in contents.values())
