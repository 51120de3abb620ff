import csv
import io

import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.features import Cell
from medrecog_core.reports.cell_table import (
    BEST,
    COLUMNS,
    EQUAL,
    cells_csv,
    cells_latex,
    run_report_table,
)
from medrecog_core.runs.ranked_cells import rank_cells
from tests.made_runs import rewrite_record


def test_csv_holds_measures_intervals_and_places(finished):
    rows = list(csv.DictReader(io.StringIO(cells_csv(finished))))
    assert tuple(rows[0]) == COLUMNS
    ranked = rank_cells(finished)
    assert len(rows) == len(ranked)
    for row, each in zip(rows, ranked, strict=True):
        assert float(row["accuracy"]) == each.result.metrics.accuracy == each.estimate.value
        assert float(row["accuracy_low"]) == each.estimate.low
        assert int(row["n_test_units"]) == each.estimate.n_units
        assert row["sensitivity"] == ""
        assert (row["beside_best"] == BEST) == each.ranked.is_best
        assert (row["beside_best"] in (BEST, EQUAL)) == each.ranked.is_indistinguishable


def test_csv_of_a_run_without_cells_is_its_first_line(finished):
    finished.discard_cells()
    assert cells_csv(finished).splitlines() == [",".join(COLUMNS)]


def test_latex_has_a_row_a_cell_and_marks_the_best(finished):
    latex = cells_latex(finished)
    rows = [line for line in latex.splitlines() if line.startswith("block")]
    assert [row.split(" & ")[0] for row in rows] == ["block1", "block1", "block2", "block2"]
    assert sum(r"\textbf" in row for row in rows) == 1
    assert all(row.count(" & ") == 6 for row in rows)
    assert latex.count(r"\begin{") == latex.count(r"\end{") == 2
    assert "% needs \\usepackage{booktabs}" in latex


def test_latex_tells_leaks_sample_and_weights_in_its_caption(finished):
    rewrite_record(
        finished,
        split={"n_leaking_groups": 1},
        sample="a sample of 6 of 12 images",
        weights={"title": "custom_weights"},
    )
    caption = next(line for line in cells_latex(finished).splitlines() if "caption" in line)
    assert "Leakage: 1 group has images in both training" in caption
    assert "These results are based on a sample of 6 of 12 images." in caption
    assert r"custom\_weights" in caption


def test_report_table_holds_the_measure_of_every_single_cell(finished):
    table = run_report_table(finished, "macro_f1")
    assert table.values == {r.cell: r.metrics.macro_f1 for r in finished.cells()}
    assert table.values[Cell("block1", 224, "max")] is not None


def test_measure_that_cannot_be_told_has_no_report_table(finished):
    with pytest.raises(MedrecogError, match="The report's table contains no cell of run"):
        run_report_table(finished, "sensitivity")


def test_no_table_of_a_run_without_cells(finished):
    finished.discard_cells()
    for table in (cells_latex, run_report_table):
        with pytest.raises(MedrecogError, match="has no finished cells yet"):
            table(finished)


def test_groups_are_counted_as_units(finished):
    finished.write_images([type(i)(i.path, i.sha256, i.label, "one") for i in finished.images()])
    (first, *_) = csv.DictReader(io.StringIO(cells_csv(finished)))
    assert (first["n_test_units"], int(first["n_test"])) == ("1", len(finished.split().tested))
