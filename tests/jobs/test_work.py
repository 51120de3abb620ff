"""Jobs that are no runs: who may work on what, damage, old ones, Stop and Resume in processes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medrecog_core.datasets import Decisions, library
from medrecog_core.datasets.downloading import start_download
from medrecog_core.datasets.importing import carry_out_import, start_import
from medrecog_core.errors import MedrecogError, StoppedError, StorageError
from medrecog_core.jobs import work
from medrecog_core.jobs.job import Job, all_jobs, create_job, find_job, last_job, working_on
from medrecog_core.jobs.kinds import CHECK, DOWNLOAD_DATASET, DOWNLOAD_WEIGHTS, IMPORT, TRAIN
from medrecog_core.jobs.process import ProcessIdentity, identify, this_process
from medrecog_core.jobs.queue import working_jobs
from medrecog_core.jobs.state import JobState
from medrecog_core.jobs.work import carry_out, resume, start_once, stop
from medrecog_core.locations import CacheFolder
from medrecog_core.settings import variable_of
from tests.archives import PNG, pack
from tests.file_server import Answer, serving
from tests.textures import wait_until, write_textures

pytestmark = pytest.mark.slow

SLOW = """
import sys, time
from medrecog_core.datasets import importing
counting = importing.counting_files
def slowly(report, stage):
    count = counting(report, stage)
    return lambda *n: (count(*n), time.sleep(0.3))
importing.counting_files = slowly
from medrecog_core.jobs.worker import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes of imports take a while for every file."""

    def start(module: str, arguments: list[str], log: Path) -> ProcessIdentity:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-c", SLOW, *arguments],
                cwd=Path(__file__).parents[2],
                stdout=output,
                stderr=output,
            )
        return identify(process.pid)

    monkeypatch.setattr(work, "start_module", start)


def ended(job: Job, status: str = "finished") -> Job:
    job.write_state(JobState(status, created=time.time()))
    return job


class TestSubject:
    def test_one_job_at_a_time_works_on_a_data_set(self, cache: CacheFolder) -> None:
        job = create_job(IMPORT, "mine", "Import mine")
        assert working_on(CHECK, "mine") is not None
        for kind in (IMPORT, CHECK, DOWNLOAD_DATASET):
            with pytest.raises(MedrecogError, match=f"“mine” is in use .*{job.id}"):
                create_job(kind, "mine", "Another")
        ended(job)
        create_job(CHECK, "mine", "Check mine")

    def test_a_model_of_the_same_name_is_another_thing(self, cache: CacheFolder) -> None:
        create_job(IMPORT, "mine", "Import mine")
        create_job(TRAIN, "mine", "Train mine")
        with pytest.raises(MedrecogError, match="The model “mine” is in use"):
            create_job(TRAIN, "mine", "Train mine")
        create_job(DOWNLOAD_WEIGHTS, "mine", "Download mine")

    def test_who_asks_again_gets_the_job_that_works(
        self, cache: CacheFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work, "start_module", lambda *_: this_process())
        first = start_once(CHECK, "mine", "Check mine")
        assert start_once(CHECK, "mine", "Check mine").id == first.id
        with pytest.raises(MedrecogError, match="in use"):
            start_once(IMPORT, "mine", "Import mine")
        assert last_job(CHECK, "mine").id == first.id
        assert last_job(CHECK, "other") is None


class TestDamage:
    @pytest.mark.parametrize("content", ["", "{", "[]", "3", '{"kind": 5}'])
    def test_a_damaged_order_is_a_failed_job_that_hides_no_other(
        self, cache: CacheFolder, content: str
    ) -> None:
        job, other = create_job(IMPORT, "a", "Import a"), create_job(IMPORT, "b", "Import b")
        (job.path / "job.json").write_text(content)
        assert job.state().status == "failed"
        assert "job.json is damaged" in job.state().error
        assert job.title == job.id
        assert {each.id for each in all_jobs()} == {job.id, other.id}
        assert [each.id for each in working_jobs()] == [other.id]
        assert working_on(IMPORT, "b").id == other.id

    def test_a_missing_order_is_a_failed_job(self, cache: CacheFolder) -> None:
        job = create_job(IMPORT, "a", "Import a")
        (job.path / "job.json").unlink()
        assert job.state().status == "failed"
        assert "no job.json" in job.state().error
        with pytest.raises(StorageError):
            carry_out(job)

    def test_a_job_of_an_unknown_kind_has_failed_with_the_reason(self, cache: CacheFolder) -> None:
        job = create_job(IMPORT, "a", "Import a")
        document = json.loads((job.path / "job.json").read_text())
        (job.path / "job.json").write_text(json.dumps({**document, "kind": "dream"}))
        assert job.state().status == "failed"
        assert "Unknown kind of job “dream”" in job.state().error
        job.delete()
        assert all_jobs() == []

    @pytest.mark.parametrize("content", ["[]", "null", '"x"', '{"seconds": 5}', '{"stage": []}'])
    def test_a_damaged_state_is_refused(self, content: str) -> None:
        with pytest.raises(ValueError):
            JobState.from_document(json.loads(content))


class TestOld:
    def test_jobs_that_ended_long_ago_are_deleted_when_another_is_created(
        self, cache: CacheFolder
    ) -> None:
        old, recent = (ended(create_job(CHECK, name, "Check")) for name in ("a", "b"))
        works = create_job(CHECK, "c", "Check")
        damaged = create_job(CHECK, "d", "Check")
        (damaged.path / "job.json").write_text("{")
        for job in (old, works):
            month_ago = time.time() - 31 * 24 * 3600
            os.utime(job.path / "state.json", (month_ago, month_ago))
        new = create_job(CHECK, "e", "Check")
        kept = {job.id for job in all_jobs()}
        assert kept == {recent.id, works.id, damaged.id, new.id}


class TestResume:
    def test_a_finished_job_is_not_resumed(self, cache: CacheFolder) -> None:
        job = ended(create_job(IMPORT, "a", "Import a"))
        for action in (resume, carry_out):
            with pytest.raises(MedrecogError, match="is already finished"):
                action(job)
        assert job.state().status == "finished"

    def test_a_failed_import_says_why_and_is_resumed(
        self, cache: CacheFolder, tmp_path: Path
    ) -> None:
        folder = write_textures(tmp_path / "images")
        job = start_import("mine", [folder], Decisions())
        folder.rename(tmp_path / "elsewhere")
        wait_until(lambda: job.state().has_ended)
        state = job.state()
        if state.status == "failed":  # else it was faster than the renaming
            assert str(folder) in state.error
            (tmp_path / "elsewhere").rename(folder)
            resume(job)
            wait_until(lambda: job.state().has_ended)
            assert len(library.load("mine").images) == 12

    def test_an_import_whose_uploads_are_gone_says_so(
        self, cache: CacheFolder, tmp_path: Path
    ) -> None:
        arguments: dict[str, object] = {"sources": [], "decisions": Decisions().to_document()}
        job = create_job(
            IMPORT, "mine", "Import mine", {**arguments, "uploaded": str(tmp_path / "x")}
        )
        with pytest.raises(MedrecogError, match="Upload them again"):
            carry_out(job)


class TestImport:
    def test_stop_in_the_middle_of_hashing_leaves_nothing_and_resume_adds_it(
        self, cache: CacheFolder, tmp_path: Path, slow: None
    ) -> None:
        members = [(f"{'nv' if i % 2 else 'mel'}/{i}.png", PNG + bytes([i])) for i in range(32)]
        archive = pack(tmp_path / "a.zip", members)
        job = start_import("mine", [archive], Decisions())
        wait_until(lambda: job.state().total == 32)
        stage = job.state().stage
        assert stage is not None and stage.id == "hash-files"
        assert (cache.datasets / "mine/images").is_dir()
        stop(job)
        wait_until(lambda: job.state().has_ended)
        assert (job.state().status, job.state().error) == ("stopped", "")
        assert 0 < job.state().done < 32
        assert library.names() == ["demo"]
        assert not (cache.datasets / "mine").exists()
        resume(job)
        wait_until(lambda: job.state().has_ended)
        assert job.state().status == "finished"
        assert job.state().attempts == 2
        assert len(library.load("mine").images) == 32

    def test_the_foreground_is_a_job_that_others_see_and_stop(
        self, cache: CacheFolder, tmp_path: Path
    ) -> None:
        folder = write_textures(tmp_path / "images")
        seen = []

        def look(_: object) -> None:
            (job,) = working_jobs()
            seen.append(job.state().status)
            with pytest.raises(MedrecogError, match="in use"):
                start_import("mine", [folder], Decisions())
            if len(seen) == 2:
                stop_at_the_next_look(job)

        def stop_at_the_next_look(job: Job) -> None:
            job.ask_to_stop()

        with pytest.raises(StoppedError):
            carry_out_import("mine", [folder], report=look)
        assert seen[0] == "running"
        (job,) = all_jobs()
        assert job.state().status == "stopped"
        assert library.names() == ["demo"]
        carry_out(find_job(job.id))
        assert len(library.load("mine").images) == 12


class TestDownload:
    def test_stop_keeps_what_has_come_and_resume_asks_for_the_rest(
        self, cache: CacheFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images = [
            (f"chest_xray/{part}/{label}", content)
            for part, label, content in (
                ("train", "NORMAL/IM-0001-0001.jpeg", os.urandom(2**20)),
                ("train", "PNEUMONIA/person1_bacteria_1.jpeg", b"2"),
                ("test", "NORMAL/IM-0002-0001.jpeg", PNG),
                ("test", "PNEUMONIA/person2_virus_1.jpeg", b"4"),
            )
        ]
        content = pack(tmp_path / "ChestXRay2017.zip", images).read_bytes()
        half = len(content) // 2
        with serving(content, Answer(cut_after=half)) as server:
            server.otherwise = Answer(status=503)  # as it is until it is asked to stop
            monkeypatch.setenv(variable_of("datasets_mirror"), server.address)
            job = start_download("chest-xray")
            wait_until(lambda: len(server.requests) >= 2)
            stop(job)
            wait_until(lambda: job.state().has_ended)
            assert job.state().status == "stopped"
            (part,) = cache.datasets.rglob("*.part")
            kept = part.stat().st_size
            assert 0 < kept <= half
            assert library.names() == ["demo"]
            server.otherwise = Answer()
            asked = len(server.requests)
            resume(job)
            wait_until(lambda: job.state().has_ended)
            assert (job.state().status, job.state().error) == ("finished", "")
            assert [r.get("Range") for r in server.requests[asked:]] == [f"bytes={kept}-"]
            assert server.sent[-1] == len(content) - kept
        assert len(library.load("chest-xray").images) == 4
        assert not list(cache.datasets.rglob("*.part"))
