"""The forms of the dialog that adds a data set, without a browser."""

from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import Decisions
from medrecog_core.jobs.job import create_job
from medrecog_core.jobs.kinds import IMPORT
from medrecog_core.jobs.state import JobState
from medrecog_core.ui.datasets import adding_dataset, import_preview
from tests.archives import pack

pytestmark = pytest.mark.slow

APP = Path(__file__).parents[3] / "app.py"


def form():
    from medrecog_core.ui.datasets.adding_dataset import _from_here
    from medrecog_core.ui.page import shown_errors

    with shown_errors():
        _from_here()


@pytest.fixture
def started(monkeypatch):
    """The names, sources and decisions of the jobs that would be started."""
    found = []

    def start(name, sources, decisions, uploaded=None):
        found.append((name, sources, decisions))
        return create_job(IMPORT, name, f"Import {name}")

    monkeypatch.setattr(adding_dataset, "start_import", start)
    import_preview._remembered.clear()
    import_preview._unpacked.clear()
    return found


def png(path: Path, colour) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), colour).save(path)
    return path.read_bytes()


def opened(path, tables=()) -> AppTest:
    test = AppTest.from_function(form, default_timeout=60).run()
    test.text_input[0].set_value(str(path)).run()
    if tables:
        test.text_area[0].set_value("\n".join(map(str, tables))).run()
    assert not test.exception
    return test


def add(test):
    (button,) = [each for each in test.button if each.label == "Add this data set"]
    button.click().run()
    assert not test.exception


def test_a_folder_is_previewed_and_added(started, tmp_path):
    for i, name in enumerate(("nv/1.png", "nv/2.png", "mel/3.png")):
        png(tmp_path / "Skin Images" / name, (40 * i, 9, 9))
    test = opened(tmp_path / "Skin Images")
    (name,) = [each for each in test.text_input if each.label == "Name"]
    assert name.value == "skin-images"
    name.set_value("skin").run()
    add(test)
    assert started == [("skin", [tmp_path / "Skin Images"], Decisions())]


def test_a_table_and_what_is_decided_go_into_the_command(started, tmp_path):
    for i in (1, 2, 3):
        png(tmp_path / f"images/{i}.png", (40 * i, 9, 9))
    table = tmp_path / "labels.csv"
    table.write_text("image,kind,who\n1,nv,a\n2,mel,b\n3,mel,b\n")
    test = opened(tmp_path / "images", [table])
    (label,) = [each for each in test.multiselect if each.label == "Label column"]
    assert label.value == []
    label.set_value(["kind"]).run()
    assert not test.error
    add(test)
    ((_, _, decisions),) = started
    assert decisions == Decisions(tables=(table,), label_columns=("kind",))


def test_a_label_column_without_a_reason_is_not_guessed(started, tmp_path):
    for i in (1, 2, 3):
        png(tmp_path / f"images/{i}.png", (40 * i, 9, 9))
    table = tmp_path / "labels.csv"
    table.write_text("image,zz,who\n1,nv,a\n2,mel,b\n3,mel,b\n")
    test = opened(tmp_path / "images", [table])
    (label,) = [each for each in test.multiselect if each.label == "Label column"]
    assert label.placeholder == "Select the label column"
    assert "Add this data set" not in [each.label for each in test.button]


def test_an_archive_is_previewed_and_added(started, tmp_path, cache):
    members = [
        (name, png(tmp_path / name, (40 * i, 9, 9)))
        for i, name in enumerate(("nv/1.png", "mel/2.png"))
    ]
    archive = pack(tmp_path / "skin.zip", members)
    test = opened(archive)
    assert {m.label: m.value for m in test.metric}["Images"] == "2"
    assert len(list(cache.datasets.glob(".preview-*"))) == 1
    add(test)
    assert started == [("skin", [archive], Decisions())]


@pytest.mark.parametrize("name", ["missing", "text.txt", "bad.zip"])
def test_what_cannot_be_added_gets_one_sentence(started, tmp_path, name):
    (tmp_path / "text.txt").write_text("no archive")
    pack(tmp_path / "bad.zip", [("../1.png", b"")])
    test = opened(tmp_path / name)
    assert len(test.error) == 1
    assert "Add this data set" not in [each.label for each in test.button]


def test_two_ways_to_read_a_folder_are_asked_about(started, tmp_path):
    for i, outer in enumerate(("oak", "elm")):
        for j, inner in enumerate(("leaf", "bark")):
            for k in range(3):
                png(tmp_path / f"trees/{outer}/{inner}/{k}.png", (90 * i, 90 * j, 40 * k))
    test = opened(tmp_path / "trees")
    (choice,) = [each for each in test.selectbox if each.label == "Layout"]
    assert choice.value is None
    assert "Add this data set" not in [each.label for each in test.button]
    choice.select(choice.options[1]).run()
    assert not test.exception
    assert not test.error
    add(test)
    ((_, _, decisions),) = started
    assert decisions.class_level is not None


def texts(test):
    return [each.label for each in test.text_input]


def test_the_dialog_stays_open_when_a_job_ends(cache):
    path = "Image folder or archive (path on the server)"
    test = AppTest.from_file(str(APP), default_timeout=60).run()
    test.switch_page("pages/1_Datasets.py").run()
    assert path not in texts(test)
    job = create_job(IMPORT, "mine", "Import mine", {"sources": []})
    job.write_state(JobState("stopped"))
    test.session_state[adding_dataset._JOB] = job
    next(each for each in test.button if each.label == "Add a data set").click().run()
    assert path in texts(test)
    job.write_state(JobState("finished"))  # as the page notices, which then runs again
    test.run()
    assert not test.exception
    assert path in texts(test)
    assert "dataset" not in test.query_params
