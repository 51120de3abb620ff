import json
import os
import subprocess
from pathlib import Path

import pytest

from medrecog_core.datasets import kept_report, library
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import (
    carry_out_health_check,
    find_health_check,
    health_check,
    launch_health_check,
)
from medrecog_core.jobs.process import identify
from medrecog_core.jobs.progress import Progress
from medrecog_core.locations import CacheFolder
from tests.textures import N_IMAGES, add_textures, wait_until, write_textures


def test_a_check_in_this_process_is_seen_by_others(known: Path) -> None:
    seen: list[Progress] = []
    states = []

    def note(progress: Progress) -> None:
        seen.append(progress)
        check = find_health_check("textures")
        assert check is not None and check.is_at_work
        states.append(check)

    report = carry_out_health_check("textures", report=note)
    assert kept_report("textures") == report
    assert {"measuring images", "comparing images"} <= {progress.stage for progress in seen}
    assert states[-1].process.pid == os.getpid()
    ended = find_health_check("textures")
    assert ended is not None and ended.ended and not ended.is_at_work and not ended.error


def test_a_check_that_fails_says_why(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(MedrecogError, match="is gone: put it back"):
        carry_out_health_check("textures")
    check = find_health_check("textures")
    assert check is not None and check.ended and "is gone: put it back" in check.error


def test_an_unknown_data_set_leaves_nothing_behind(cache: CacheFolder) -> None:
    with pytest.raises(MedrecogError, match="There is no data set “nothing”"):
        carry_out_health_check("nothing")
    assert find_health_check("nothing") is None
    assert not (cache.datasets / "nothing").exists()


def test_a_launched_check_goes_on_in_a_process_of_its_own(known: Path) -> None:
    launch_health_check("textures")
    check = find_health_check("textures")
    assert check is not None and check.process.pid != os.getpid()
    wait_until(lambda: kept_report("textures") is not None)
    report = kept_report("textures")
    assert report is not None and report.n_images == N_IMAGES


def test_a_launched_check_can_take_in_changed_files_first(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    (folder / "noise/noise-0.png").unlink()
    launch_health_check("textures", refresh=True)
    wait_until(lambda: kept_report("textures") is not None)
    assert len(library.load("textures").images) == N_IMAGES - 1


def test_only_one_process_checks_a_data_set(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(arguments: list[str], log: Path) -> object:
        process = subprocess.Popen(["sleep", "60"])
        started.append(process)
        return identify(process.pid)

    monkeypatch.setattr(health_check, "start_detached", start)
    try:
        launch_health_check("textures")
        launch_health_check("textures")
        assert len(started) == 1
    finally:
        for process in started:
            process.kill()
            process.wait()
    check = find_health_check("textures")
    assert check is not None and not check.is_at_work and not check.ended


@pytest.mark.parametrize("document", ["{", "[]", json.dumps({"process": {"pid": "x"}})])
def test_a_damaged_state_is_as_good_as_none(known: Path, cache: CacheFolder, document: str) -> None:
    (cache.datasets / "textures" / "check.json").write_text(document)
    assert find_health_check("textures") is None
