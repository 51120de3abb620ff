from pathlib import Path

import pytest

from medrecog_core.datasets import Decisions, library
from medrecog_core.jobs.job import Job, create_job, last_job
from medrecog_core.jobs.kinds import CHECK, IMPORT, TRAIN
from medrecog_core.jobs.process import this_process
from medrecog_core.jobs.state import JobState
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run
from tests.textures import write_textures

from .conftest import Call

KEYS = {"job", "kind", "subject", "title", "status", "stage", "done", "total", "error"}


@pytest.fixture
def waiting(cache: CacheFolder) -> Job:
    return create_job(IMPORT, "mine", "Import mine")


def test_jobs_are_listed_the_newest_first(call: Call, waiting: Job) -> None:
    assert call("datasets", "check", "nothing").status == 1
    waiting.write_state(JobState("failed", error="It did not work."))
    (document,) = call("jobs", "--json").json
    assert document.keys() >= KEYS
    assert (document["job"], document["kind"], document["subject"]) == (waiting.id, IMPORT, "mine")
    assert (document["status"], document["error"]) == ("failed", "It did not work.")
    answer = call("jobs")
    assert waiting.id in answer.out and "It did not work." in answer.out


def test_without_jobs_the_list_is_empty(call: Call, cache: CacheFolder) -> None:
    assert call("jobs", "--json").json == []
    assert call("jobs").out.startswith("No jobs")


def test_a_damaged_job_is_listed_with_its_reason(call: Call, waiting: Job) -> None:
    (waiting.path / "job.json").write_text("{")
    (document,) = call("jobs", "--json").json
    assert document["status"] == "failed" and "damaged" in document["error"]


def test_adding_checking_and_training_are_jobs_with_a_log(
    call: Call, tmp_path: Path, finished: Run
) -> None:
    folder = write_textures(tmp_path / "images")
    assert call("datasets", "add", "mine", folder, "--json").status == 0
    assert call("datasets", "check", "mine", "--json").status == 0
    cell = ["--layer", "block1", "--scale", "224", "--pooling", "max"]
    trained = call("train", "--run", finished.id, *cell, "--name", "mine", "--json")
    assert trained.status == 0
    jobs = [last_job(kind, "mine") for kind in (TRAIN, CHECK, IMPORT)]
    assert {d["job"]: d["status"] for d in call("jobs", "--json").json} == {
        job.id: "finished" for job in jobs if job is not None
    }
    assert jobs[2] is not None
    lines = call("log", jobs[2].id, "--json").json
    assert lines["job"] == jobs[2].id
    assert lines["lines"][-1].endswith("finished")


@pytest.mark.parametrize("command", ["stop", "cancel"])
def test_a_job_is_stopped_and_resumed(
    call: Call, tmp_path: Path, cache: CacheFolder, command: str
) -> None:
    folder = write_textures(tmp_path / "images")
    arguments = {"sources": [str(folder)], "decisions": Decisions().to_document(), "uploaded": ""}
    job = create_job(IMPORT, "mine", "Import mine", arguments)
    assert call(command, job.id, "--json").json == {"job": job.id, "stopping": True}
    job.write_state(JobState("stopped"))
    answer = call("resume", job.id, "--json")
    assert answer.status == 0
    assert (answer.json["job"], answer.json["status"]) == (job.id, "finished")
    assert len(library.load("mine").images) == 12
    again = call("resume", job.id)
    assert again.status == 1 and "is already finished" in again.sentence
    assert call("stop", job.id).status == 1


def test_a_job_at_work_is_not_resumed_twice(call: Call, waiting: Job) -> None:
    waiting.write_state(JobState("running", process=this_process()))
    answer = call("resume", waiting.id)
    assert answer.status == 1 and "is already running" in answer.sentence


def test_the_old_name_of_stop_is_hidden(call: Call) -> None:
    shown = call("--help").out
    assert "  stop " in shown
    assert "  cancel " not in shown
