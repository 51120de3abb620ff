"""The Experiments page: what can be done about runs, without a browser and in a real one."""

import json
import subprocess
import sys
import time
from urllib.parse import urlencode

import pytest

from medrecog_core.jobs import queue, work
from medrecog_core.jobs.process import identify, this_process
from medrecog_core.jobs.progress import Stage
from medrecog_core.jobs.state import JobState
from medrecog_core.runs import RUN_TRASH, all_runs, create_run, list_runs
from tests.textures import (
    LAYERS,
    add_textures,
    cache_at,
    finished,
    finished_cache,
    known,
    pictures,
    specification,
)
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

__all__ = ["finished", "finished_cache", "known", "pictures"]

PAGE = "pages/2_Experiments.py"
MINUTE = 60_000


def link(**settings):
    return {"on": "textures", "form": json.dumps(settings)}


def buttons(test):
    return [button.label for button in test.button]


def press(test, label):
    next(button for button in test.button if button.label == label).click()
    return test.run()


def select(test, *runs):
    """Select runs in the table, as a visitor's browser does it."""
    (table,) = test.main.dataframe
    listed = [row.run.id for row in list_runs() if not row.labels.archived]
    rows = [listed.index(run.id) for run in runs]
    states = test._tree.get_widget_states()
    selection = {"selection": {"rows": rows, "columns": [], "cells": []}}
    states.widgets.add(id=table.proto.id, string_value=json.dumps(selection))
    test._run(states)
    assert not test.exception
    return test


def names(test):
    return list(test.main.dataframe[0].value["Name"]) if test.main.dataframe else []


def run_in(state, **changes):
    run = create_run(specification(**changes))
    run.write_state(state)
    return run


@pytest.fixture
def at_work(known):
    """Give a run that a process of another program is working on."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    state = JobState(
        "running",
        Stage("extract-224", "Extracting features at 224 px", "images"),
        4,
        12,
        2.0,
        3_700.0,
        process=identify(process.pid),
        heartbeat=time.monotonic(),
    )
    yield run_in(state, scales=[224, 544])
    process.kill()
    process.wait()


@pytest.fixture
def no_process(monkeypatch):
    """Let runs be launched without a process that carries them out."""
    monkeypatch.setattr(work, "start_module", lambda *_: this_process())


def test_a_run_that_is_finished_already_is_offered_before_it_is_repeated(finished, no_process):
    finished.rename("Shallow blocks")
    test = press(opened(PAGE, **link(layers=LAYERS)), "Start run")
    assert "An identical run already exists" in words(test)
    assert "“Shallow blocks”" in words(test)
    assert len(all_runs()) == 1
    test = press(test, "Run again")
    assert not test.exception
    assert len(all_runs()) == 2
    assert "An identical run already exists" not in words(test)
    assert "Stop" in buttons(test)


def test_an_offer_goes_when_the_form_asks_for_something_else(finished, no_process):
    test = press(opened(PAGE, **link(layers=LAYERS)), "Start run")
    assert "An identical run already exists" in words(test)
    test.text_input(key="experiment-C").set_value("7").run()
    assert not test.exception
    assert "An identical run already exists" not in words(test)
    assert "Run again" not in buttons(test)


def test_a_deleted_run_in_view_gets_one_warning(finished, no_process):
    test = press(select(opened(PAGE), finished), "View progress")
    finished.delete()
    test.run()
    assert not test.exception
    assert f"There is no run “{finished.id}”" in words(test)
    assert f"There is no run “{finished.id}”" not in words(test.run())


def test_what_is_typed_and_started_in_one_go_is_what_is_started(known, no_process):
    test = opened(PAGE, on="textures")
    test.text_input(key="experiment-C").input("7")
    press(test, "Start run")
    (run,) = all_runs()
    assert run.specification().parameter_values == (7.0,)


def test_another_experiment_is_started_at_once(finished, no_process):
    press(opened(PAGE, **link(layers=LAYERS, seed=1)), "Start run")
    assert sorted(run.specification().seed for run in all_runs()) == [0, 1]


def test_a_run_gets_a_name_tags_and_a_note(finished):
    test = press(select(opened(PAGE), finished), "Edit")
    test.text_input[-1].input("Two blocks")
    test.text_area[0].input("To be repeated")
    test.multiselect[-1].set_value(["paper"])
    press(test, "Save")
    assert finished.title == "Two blocks"
    assert (finished.labels().tags, finished.labels().note) == (("paper",), "To be repeated")
    test = press(select(opened(PAGE), finished), "Edit")
    test.text_input[-1].input("")
    press(test, "Save")
    assert finished.title == finished.id


def test_a_started_run_has_the_name_of_the_form_or_its_settings(known, no_process):
    test = opened(PAGE, **link(layers=LAYERS))
    test.text_input(key="run-title").input("Mine")
    press(test, "Start run")
    assert test.text_input(key="run-title").value == ""
    press(press(test, "Start run"), "Start run")
    assert sorted(run.title for run in all_runs()) == [
        "Mine",
        *(f"textures · VGG-19 block1–2 · 224{n}" for n in ("", " (2)")),
    ]
    test.text_input(key="run-title").input("Mine")
    press(test, "Start run")
    assert len(all_runs()) == 3
    assert "A run has the name “Mine” already." in test.error[0].value


def test_deleted_runs_are_restored_by_undo_or_from_the_trash(finished):
    other = run_in(JobState("stopped"), layers=["block1"])
    test = press(select(opened(PAGE), other), "Delete")
    assert [run.id for run in all_runs()] == [finished.id]
    assert [each.name for each in RUN_TRASH.contents()] == [other.id]
    test = press(test, "Undo")
    assert len(all_runs()) == 2
    test = press(select(test, finished, other), "Delete")
    assert all_runs() == []
    test.session_state["run-trash-open"] = True
    chosen = [each.id for each in RUN_TRASH.contents() if each.name == finished.id]
    test.run().multiselect(key="run-trash-chosen").set_value(chosen).run()
    test = press(test, "Restore")
    assert [run.id for run in all_runs()] == [finished.id]
    assert not test.exception


def test_a_run_at_work_can_not_be_deleted(at_work):
    assert "Delete" not in buttons(select(opened(PAGE), at_work))


def test_delete_removes_the_selected_run_though_another_was_added(finished):
    test = select(opened(PAGE), finished)
    other = run_in(JobState("stopped"), layers=["block1"])
    press(test, "Delete")
    assert [run.id for run in all_runs()] == [other.id]
    # The rows have moved: nothing is selected any more.
    assert "Delete" not in buttons(test)


def test_runs_are_pinned_and_archived(finished):
    other = run_in(JobState("stopped"), layers=["block1"])
    test = press(select(opened(PAGE), finished), "Pin")
    assert list(test.main.dataframe[0].value["Pin"]) == ["★", ""]
    test = press(select(test, other), "Archive")
    assert len(names(test)) == 1
    test.toggle(key="run-archived").set_value(True).run()
    assert len(names(test)) == 2
    home = opened("app.py")
    assert "Pinned" in [each.value for each in home.subheader]


def test_two_runs_are_compared_by_a_link(finished):
    other = run_in(JobState("stopped"), layers=["block1"])
    test = select(opened(PAGE), other, finished)
    (compare,) = [each for each in test.main.get("page_link") if each.proto.label == "Compare"]
    assert finished.id in compare.proto.query_string
    assert other.id in compare.proto.query_string


def test_runs_are_found_by_what_describes_them(finished):
    finished.rename("Finished one")
    run_in(JobState("stopped"), layers=["block4"], C=0.01).rename("Stopped one")
    test = opened(PAGE)
    for text, found in {
        "": {"Finished one", "Stopped one"},
        "block4": {"Stopped one"},
        "C 0.01": {"Stopped one"},
        "status finished": {"Finished one"},
        "accuracy > 0": {"Finished one"},
        "nonsense": set(),
    }.items():
        test.text_input(key="run-search").input(text).run()
        assert set(names(test)) == found
    assert "No runs match “nonsense”." in words(test)


def test_a_stopped_run_says_what_is_done(known):
    stage = Stage("extract-224", "Extracting features at 224 px", "images")
    run_in(JobState("stopped", stage, 184, 240, created=1.0))
    test = opened(PAGE)
    assert list(test.main.dataframe[0].value["Status"]) == ["stopped (184 of 240 images)"]
    assert "Extracting features at 224 px: 184 of 240 images · 0 of" in words(test)


def test_the_log_and_the_cells_of_the_run_that_is_followed_are_shown(finished):
    test = opened(PAGE)
    assert not test.get("code")
    press(select(test, finished), "View progress")
    assert "attempt 1: medrecog" in test.get("code")[0].value
    assert len(test.get("vega_lite_chart")) == 1


def test_a_link_follows_the_run_that_is_followed(finished):
    test = opened(PAGE)
    press(select(test, finished), "View progress")
    assert finished.id in test.query_params["experiment"]
    assert opened(PAGE, experiment=finished.id).get("code")
    lost = opened(PAGE, experiment="nothing")
    assert "There is no run “nothing”" in words(lost)
    assert "experiment" not in lost.query_params


def test_an_active_run_shows_its_remaining_time_and_the_grid(at_work):
    test = opened(PAGE)
    (bar,) = test.get("progress")
    assert bar.proto.value == 33
    for part in ("4 of 12 images", "2.0 per second", "about 4 s left"):
        assert part in bar.proto.text
    assert "About 62 min left in total." in words(test)
    assert len(test.get("vega_lite_chart")) == 1


def test_a_run_is_stopped(at_work):
    test = press(opened(PAGE), "Stop")
    assert not test.exception
    assert at_work.is_asked_to_stop()


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (JobState("stopped"), ""),
        (JobState("failed", error="The disk is full."), "The disk is full."),
        (JobState("running"), "stopped unexpectedly"),
    ],
)
def test_a_run_that_did_not_finish_shows_why_and_is_resumed(known, no_process, state, sentence):
    run = run_in(state)
    test = opened(PAGE)
    assert sentence in words(test)
    test = press(test, "Resume")
    assert not test.exception
    assert (run.state().status, run.state().error) == ("queued", "")
    assert "Resume" not in buttons(test)


def test_of_three_runs_two_wait_and_say_for_whom(known):
    runs = []
    for status in ("running", "queued", "queued"):
        stage = Stage("train" if status == "running" else "wait-for-turn", "Something")
        runs.append(run_in(JobState(status, stage, process=this_process())))
        queue.join(runs[-1])
    first, second, third = runs
    first.rename("The first")
    test = opened(PAGE)
    press(select(test, third), "View progress")
    assert "Position 2 in the queue." in words(test)
    test.button(key=f"follow-{second.id}-before-{third.id}").click().run()
    assert "Position 1 in the queue." in words(test)
    assert "The first" in buttons(test)


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_linked_experiment_is_run_offered_repeated_searched_for_and_deleted(
    browser, server, pictures
):
    with cache_at(server.cache):
        add_textures(pictures)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(MINUTE)
    settings = {"layers": ["block1"], "poolings": ["max"], "C": 2}
    page.goto(f"{server.address}/Experiments?{urlencode(link(**settings))}")
    page.get_by_text("1 cell · all images, one pass each").wait_for()
    page.get_by_role("button", name="Start run").click()
    page.get_by_role("link", name="Open results").wait_for(timeout=2 * MINUTE)
    page.get_by_role("button", name="Start run").click()
    page.get_by_text("An identical run already exists").wait_for()
    page.get_by_role("button", name="Run again").click()
    page.get_by_text("An identical run already exists").wait_for(state="hidden")
    with cache_at(server.cache):
        page.get_by_role("button", name="Stop").wait_for()
        newest, first = all_runs()
        assert newest.specification() == first.specification()
        page.get_by_role("link", name="Open results").wait_for(timeout=2 * MINUTE)

        newest.rename("Again")
        page.reload()
        page.get_by_role("textbox", name="Search").fill("again")
        page.get_by_role("textbox", name="Search").press("Enter")
        page.get_by_text("1 of 2 runs.").wait_for()
        # The box that selects the first row of the table, which is a canvas.
        page.get_by_test_id("stDataFrame").click(position={"x": 16, "y": 52})
        page.get_by_text("Selected: Again").wait_for()
        create_run(first.specification())
        page.get_by_role("button", name="Delete").click()
        page.get_by_text("Moved 1 run to the trash").wait_for()
        assert newest.id not in [run.id for run in all_runs()]
        assert len(all_runs()) == 2
    # What the form says has stayed in the address all the while.
    page.get_by_text("1 cell · all images, one pass each").wait_for()
    assert "block1" in page.url
    assert page.get_by_test_id("stException").count() == 0
    page.close()
