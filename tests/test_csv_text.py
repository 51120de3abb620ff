"""CSV for spreadsheets: text is never a formula, and numbers stay numbers."""

import ast
import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.csv_text import csv_text, without_mark
from medrecog_core.datasets.intake.table import read_table
from medrecog_core.images import UnreadableImageError
from medrecog_core.models import answers_csv

CORE = Path(__file__).parents[1] / "medrecog_core"
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1+1", "=", "-x.png"]


def cells(text):
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("formula", FORMULAS)
def test_text_that_would_be_computed_is_marked_as_text_in_rows_and_header(formula):
    assert cells(csv_text([formula], [[formula]])) == [[f"'{formula}"], [f"'{formula}"]]


def test_numbers_stay_as_they_are():
    numbers = [-1, -0.5, 1e-300, np.float64(-2.5), "-0.5", "+1", "-1e-5", "-.5"]
    assert cells(csv_text(["n"], [[n] for n in numbers]))[1:] == [[str(n)] for n in numbers]
    assert cells(csv_text(["a", "b"], [[None, True]]))[1] == ["", "True"]


@given(st.text(alphabet="=+-@'0a \t,\"\n", max_size=8))
def test_text_is_restored_by_the_reader(text):
    ((cell,),) = cells(csv_text([text], []))
    assert cell[:1] not in tuple("=@\t") or not cell
    if not text.startswith("'"):
        assert without_mark(cell) == text


def test_a_table_of_names_like_formulas_can_be_read_again(tmp_path):
    file = tmp_path / "labels.csv"
    rows = [["=a.png", "+red"], ["-b.png", "@blue"], ["c.png", "-1"]]
    file.write_text(csv_text(["image", "label"], rows), encoding="utf-8")
    assert read_table(file).rows == rows


def test_predictions_of_files_named_like_formulas_are_no_formulas():
    name = '=HYPERLINK("http://evil.example")'
    (row,) = cells(answers_csv([name], [UnreadableImageError("@broken")]))[1:]
    assert row == [f"'{name}", "'@broken"]


def test_no_other_module_writes_csv():
    for file in CORE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert file.name == "csv_text.py" or used.isdisjoint({"DictWriter", "writer"})
