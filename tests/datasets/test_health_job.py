import os
import subprocess
from pathlib import Path

import pytest

from medrecog_core.datasets import kept_report, library
from medrecog_core.datasets.health.check import carry_out_health_check, start_health_check
from medrecog_core.errors import MedrecogError
from medrecog_core.jobs import work
from medrecog_core.jobs.job import all_jobs, last_job, working_on
from medrecog_core.jobs.kinds import CHECK
from medrecog_core.jobs.process import identify
from medrecog_core.jobs.progress import Progress
from medrecog_core.locations import CacheFolder
from tests.textures import N_IMAGES, add_textures, wait_until, write_textures


@pytest.fixture
def known(tmp_path: Path, cache: CacheFolder) -> Path:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    return folder


def test_a_check_in_this_process_is_seen_by_others(known: Path) -> None:
    seen: list[Progress] = []
    states = []

    def note(progress: Progress) -> None:
        seen.append(progress)
        check = working_on(CHECK, "textures")
        if check is not None:
            states.append(check.state())

    report = carry_out_health_check("textures", report=note)
    assert kept_report("textures") == report
    assert {"measure-images", "compare-images"} <= {progress.stage.id for progress in seen}
    assert states[-1].process.pid == os.getpid()
    ended = last_job(CHECK, "textures")
    assert ended is not None and ended.state().status == "finished"


def test_a_check_that_fails_says_why(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(MedrecogError, match=r"“textures” is missing\. Restore the folder"):
        carry_out_health_check("textures")
    check = last_job(CHECK, "textures")
    assert check is not None and check.state().status == "failed"
    assert "“textures” is missing. Restore the folder" in check.state().error


def test_an_unknown_data_set_leaves_nothing_behind(cache: CacheFolder) -> None:
    with pytest.raises(MedrecogError, match="Unknown data set “nothing”"):
        carry_out_health_check("nothing")
    assert all_jobs() == []
    assert not (cache.datasets / "nothing").exists()


def test_a_launched_check_goes_on_in_a_process_of_its_own(known: Path) -> None:
    start_health_check("textures")
    wait_until(lambda: kept_report("textures") is not None)
    job = last_job(CHECK, "textures")
    assert job is not None
    process = job.state().process
    assert process is not None and process.pid != os.getpid()
    report = kept_report("textures")
    assert report is not None and report.n_images == N_IMAGES


def test_a_launched_check_can_take_in_changed_files_first(tmp_path: Path) -> None:
    folder = write_textures(tmp_path / "images")
    add_textures(folder)
    (folder / "noise/noise-0.png").unlink()
    start_health_check("textures", refresh=True)
    wait_until(lambda: kept_report("textures") is not None)
    assert len(library.load("textures").images) == N_IMAGES - 1


def test_only_one_process_checks_a_data_set(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    def start(module: str, arguments: list[str], log: Path) -> object:
        process = subprocess.Popen(["sleep", "60"])
        started.append(process)
        return identify(process.pid)

    monkeypatch.setattr(work, "start_module", start)
    try:
        one, other = start_health_check("textures"), start_health_check("textures")
        assert len(started) == 1
        assert one.id == other.id
    finally:
        for process in started:
            process.kill()
            process.wait()
    assert one.state().status == "interrupted"
