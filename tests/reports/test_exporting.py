import csv
import io
import json
from pathlib import PurePath

import pytest

from medrecog_core.errors import UsageError
from medrecog_core.reports.exporting import Choice, exported
from medrecog_core.runs import result_document
from tests.made_runs import made_run, rewrite_record


@pytest.mark.parametrize(
    ("file", "beginning"),
    [
        ("x.csv", b"run,dataset,layer"),
        ("x.tex", b"% needs"),
        ("x.html", b"<!doctype html>"),
        ("x.svg", b"<svg "),
        ("x.PNG", b"\x89PNG"),
    ],
)
def test_the_ending_tells_the_form(finished, file, beginning):
    assert exported(finished, PurePath(file)).lstrip().startswith(beginning)


def test_json_is_everything(finished):
    assert json.loads(exported(finished, PurePath("x.json"))) == json.loads(
        json.dumps(result_document(finished))
    )


def test_report_table_has_its_own_shape(finished):
    content = exported(finished, PurePath("x.csv"), Choice(table="report")).decode()
    assert content.splitlines()[:2] == ["Scale,224 x 224,224 x 224", "Layer,max,average"]


def test_tables_tell_leaks_and_samples(finished):
    rewrite_record(finished, split={"n_leaking_groups": 2}, sample="a sample of 6 of 12 images")
    latex = exported(finished, PurePath("x.tex"), Choice(table="report")).decode()
    (caption,) = [line for line in latex.splitlines() if "caption" in line]
    assert "based on a sample of 6 of 12 images. Leakage: 2 groups have images" in caption
    first, *_ = csv.DictReader(io.StringIO(exported(finished, PurePath("x.csv")).decode()))
    assert first["n_leaking_groups"] == "2"
    assert first["sample"] == "a sample of 6 of 12 images"
    assert first["small_test"] == finished.small_test().words


@pytest.mark.parametrize(
    ("file", "choice"),
    [("x", Choice()), ("x.png", Choice(table="cells")), ("x.html", Choice(figure="roc"))],
)
def test_what_does_not_go_together_is_refused(finished, file, choice):
    with pytest.raises(UsageError):
        exported(finished, PurePath(file), choice)


@pytest.mark.parametrize("wrong", [{"table": "other"}, {"measure": "luck"}])
def test_a_choice_is_checked_when_it_is_made(wrong):
    with pytest.raises(UsageError, match="Available"):
        Choice(**wrong)


def test_decision_curve_of_a_cell_is_a_row_for_each_threshold(cache):
    run = made_run(n=120)
    choice = Choice(table="decision", cell="block1-224-average", positive="NORMAL")
    rows = list(csv.DictReader(io.StringIO(exported(run, PurePath("x.csv"), choice).decode())))
    assert [float(row["threshold"]) for row in rows] == [i / 100 for i in range(1, 100)]
    assert {(row["cell"], row["positive"]) for row in rows} == {("block1-224-average", "NORMAL")}
    assert float(rows[49]["treat_all"]) == pytest.approx(0)
    with pytest.raises(UsageError):
        exported(run, PurePath("x.tex"), choice)
    with pytest.raises(UsageError):
        several = made_run(classes=("a", "b", "c"))
        exported(several, PurePath("x.csv"), Choice(table="decision"))
