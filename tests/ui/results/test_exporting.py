import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from medrecog_core.jobs.process import this_process
from medrecog_core.ui.results.exporting import offer_exports

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[3]
LABELS = [
    "HTML report",
    "CSV",
    "LaTeX",
    "JSON",
    "2018 report layout (LaTeX)",
    "2018 report layout (CSV)",
]
LABELS += ["PNG", "SVG", "Bundle"]


def opened(run):
    test = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=60)
    test.query_params["run"] = run.id
    test.query_params["tab"] = "Export"
    return test.switch_page("pages/3_Results.py").run()


@pytest.fixture
def offered(finished, monkeypatch):
    """Give the files that are offered: from label to name and the function that makes them."""
    buttons = {}

    def note(label, data, file_name, **_):
        buttons[label] = file_name, data

    monkeypatch.setattr(st, "download_button", note)
    offer_exports(finished, finished.cells()[0], "macro_f1", None)
    return buttons


@pytest.mark.parametrize(
    ("label", "ending", "beginning"),
    [
        ("HTML report", "-report.html", b"<!doctype html>"),
        ("CSV", "-cells.csv", b"run,dataset"),
        ("LaTeX", "-cells.tex", b"% needs"),
        ("JSON", "-run.json", b"{"),
        ("2018 report layout (LaTeX)", "-table-macro_f1.tex", b"\\begin{table}"),
        ("2018 report layout (CSV)", "-table-macro_f1.csv", b"Scale,"),
        ("PNG", "-heat-map-macro_f1.png", b"\x89PNG"),
        ("SVG", "-heat-map-macro_f1.svg", b"<svg"),
    ],
)
def test_a_file_is_what_its_name_says(finished, offered, label, ending, beginning):
    name, make = offered[label]
    assert name == finished.id + ending
    assert make().lstrip().startswith(beginning)


def test_the_bundle_holds_the_run(finished, offered):
    name, make = offered["Bundle"]
    assert name == f"{finished.id}.zip"
    with zipfile.ZipFile(io.BytesIO(make())) as opened:
        assert f"runs/{finished.id}/record.json" in opened.namelist()


def test_the_page_offers_all_of_it_and_makes_none(finished, monkeypatch):
    made = []
    for name in ("exported", "write_bundle"):
        monkeypatch.setattr(f"medrecog_core.ui.results.exporting.{name}", lambda *_: made.append(1))
    test = opened(finished)
    assert not test.exception
    assert [button.proto.label for button in test.get("download_button")] == LABELS
    figure = next(box for box in test.selectbox if box.label == "Figure")
    figure.set_value("ROC").run()
    assert not test.exception
    assert made == []


def test_a_bundle_of_a_run_at_work_is_not_offered(finished, monkeypatch):
    at_work = replace(finished.state(), status="running", process=this_process(), heartbeat=0)
    finished.write_state(at_work)
    test = opened(finished)
    assert "Bundle" not in [button.proto.label for button in test.get("download_button")]


@pytest.mark.parametrize("figure", ["ROC", "Precision and recall"])
def test_a_curve_is_exported_of_the_class_that_is_looked_at(finished, monkeypatch, figure):
    asked, names = [], []
    monkeypatch.setattr(
        "medrecog_core.ui.results.exporting.exported",
        lambda run, file, choice: asked.append((file.suffix, choice.label)),
    )
    monkeypatch.setattr(st, "selectbox", lambda *_, **__: figure)

    def make(label, data, file_name, **_):
        if label in ("PNG", "SVG"):
            names.append(file_name)
            data()

    monkeypatch.setattr(st, "download_button", make)
    offer_exports(finished, finished.cells()[0], "accuracy", None, "two waves")
    assert asked == [(".png", "two waves"), (".svg", "two waves")]
    assert all("-two-waves." in name for name in names)
