"""How jobs are shown: on every page by one widget, without a browser."""

import subprocess
import sys
import time

import pytest
import streamlit as st

from medrecog_core.jobs import queue, work
from medrecog_core.jobs.job import all_jobs, create_job
from medrecog_core.jobs.kinds import CHECK, DOWNLOAD_WEIGHTS, IMPORT, TRAIN
from medrecog_core.jobs.process import identify, this_process
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import JobState
from medrecog_core.runs import create_run
from medrecog_core.ui.jobs import progress_text
from tests.made_runs import made_run
from tests.textures import specification
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

HASHING = Stage("hash-files", "Reading files", "files")


@pytest.fixture
def running():
    """Give a function that returns the state of a job that a process of its own works on."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def state(**changes):
        identity = identify(process.pid)
        return JobState("running", process=identity, heartbeat=time.monotonic(), **changes)

    yield state
    process.kill()
    process.wait()


def buttons(test):
    return [button.label for button in test.button]


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


@pytest.fixture(autouse=True)
def no_process(monkeypatch):
    """Let jobs be started without a process that carries them out."""
    monkeypatch.setattr(work, "start_module", lambda *_: this_process())


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        (JobState("queued"), ["Waiting to start"]),
        (JobState("running"), ["Starting"]),
        (JobState("running", HASHING), ["Reading files …"]),
        (JobState("running", HASHING, 2500, 10_000), ["Reading files: 2,500 of 10,000 files"]),
        (
            JobState("running", HASHING, 2500, 10_000, 120.5),
            ["2,500 of 10,000 files", "120.5 per second", "about 62 s left"],
        ),
    ],
)
def test_progress_has_stage_unit_rate_and_time(state, parts):
    assert all(part in progress_text(state) for part in parts)


def test_home_and_every_side_bar_list_what_works(cache, running):
    job = create_job(IMPORT, "mine", "Import mine")
    job.write_state(running(stage=HASHING, done=1, total=4))
    run = create_run(specification())
    run.rename("My run")
    run.write_state(running(stage=Stage("train", "Training")))
    queue.join(run)
    ended = create_job(CHECK, "other", "Check other")
    ended.write_state(JobState("failed"))
    test = opened("app.py")
    assert not test.exception
    assert test.subheader[0].value == "Continue"
    (progress,) = [each for each in test.main.get("page_link") if each.proto.query_string]
    assert progress.proto.query_string == f"experiment={run.id}"
    assert buttons(test).count("Stop") == 2
    shown = words(test)
    assert "Import mine" in shown and "My run" in shown and "Check other" not in shown
    for page in ("pages/4_Predict.py", "pages/5_Networks.py"):
        beside = [each.value for each in opened(page).sidebar.caption]
        assert "**Import mine**" in beside and "**My run**" in beside
    press(test, "Stop")
    assert run.is_asked_to_stop()


def test_a_training_that_waits_in_the_queue_is_listed_once(cache):
    job = create_job(TRAIN, "mine", "Train model mine")
    queue.join(job)
    assert [each.id for each in queue.working_jobs()] == [job.id]


def test_an_import_that_failed_is_shown_to_everybody_resumed_and_dismissed(cache):
    job = create_job(IMPORT, "mine", "Import mine", {"sources": []})
    job.write_state(JobState("failed", error="The folder is empty."))
    test = opened("pages/1_Datasets.py")
    assert not test.exception
    assert "The folder is empty." in [each.value for each in test.error]
    press(test, "Resume")
    assert job.state().status == "queued"
    job.write_state(JobState("stopped"))
    press(opened("pages/1_Datasets.py"), "Dismiss")
    assert IMPORT not in [each.order().kind for each in all_jobs()]


def test_a_download_of_weights_is_followed_on_its_page(cache, running):
    job = create_job(DOWNLOAD_WEIGHTS, "vgg19", "Download weights")
    job.write_state(running(stage=Stage("download", "Downloading", "MB"), done=5, total=50))
    test = opened("pages/5_Networks.py", network="vgg19", about="Weights")
    assert [bar.proto.value for bar in test.get("progress")] == [10, 10]  # and in the side bar
    press(test, "Stop")
    assert job.is_asked_to_stop()


def test_a_model_is_trained_by_a_job_and_linked_when_it_is_ready(cache, tmp_path, monkeypatch):
    run = made_run(pictures=tmp_path / "pictures")
    test = opened("pages/3_Results.py", run=run.id)
    name = next(each for each in test.text_input if each.label == "Model name")
    name.set_value("mine")
    press(test, "Save model")
    assert not test.exception
    (job,) = all_jobs(TRAIN)
    order = job.order()
    assert order.subject == "mine"
    assert order.arguments.items() >= {"run": run.id, "layer": "block2", "on": "training"}.items()
    assert "Stop" in buttons(test)
    press(test, "Save model")
    assert "in use" in " ".join(each.value for each in test.error)
    assert len(all_jobs(TRAIN)) == 1
    job.write_state(JobState("failed", error="It did not work."))
    assert "It did not work." in [
        each.value for each in opened("pages/3_Results.py", run=run.id).error
    ]
    job.write_state(JobState("finished"))
    (cache.models / "mine").mkdir(parents=True)
    monkeypatch.setattr("medrecog_core.ui.results.model_making.model_names", lambda: ["mine"])
    test = opened("pages/3_Results.py", run=run.id)
    assert "Model “mine” is ready." in [each.value for each in test.success]


def test_stop_of_the_demo_drawing_is_no_start_of_another(cache):
    test = opened("pages/1_Datasets.py", dataset="demo")
    (job,) = all_jobs()
    assert "Stop" in buttons(test)
    job.write_state(JobState("stopped"))
    test = opened("pages/1_Datasets.py", dataset="demo")
    assert len(all_jobs()) == 1
    assert "Resume" in buttons(test)


def test_a_run_started_here_is_in_the_title_of_the_tab_and_its_end_in_a_toast(
    cache, running, monkeypatch
):
    titles = []
    monkeypatch.setattr(st, "set_page_config", lambda **given: titles.append(given["page_title"]))
    run = create_run(specification())
    run.rename("My run")
    run.write_state(running(stage=Stage("train", "Training"), done=3, total=4))
    test = opened("pages/5_Networks.py")
    assert "75 %" not in titles[-1]  # started elsewhere
    test.session_state["jobs started here"] = [run.id]
    test.run()
    assert "75 %" in titles[-1]
    assert not test.toast
    run.write_state(JobState("finished"))
    test.switch_page("pages/4_Predict.py").run()
    assert titles[-1].startswith("finished")
    assert [each.value for each in test.toast] == ["My run: finished."]
    assert not test.run().toast
    assert not titles[-1].startswith("finished")
