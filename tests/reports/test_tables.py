import csv
import io
import re
from dataclasses import replace

import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.features import Cell, grid
from medrecog_core.networks import find_network
from medrecog_core.reports.tables import (
    BEST,
    COLUMNS,
    EQUAL,
    cells_csv,
    cells_latex,
    escape,
    report_table,
    run_report_table,
)
from medrecog_core.runs.comparison import rank_cells
from medrecog_core.runs.published import FIGURE_9, FIGURE_10
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


def test_every_character_that_latex_reads_otherwise_is_escaped():
    assert escape("50 % of a_b & c#$") == r"50 \% of a\_b \& c\#\$"
    assert escape("\\") == r"\textbackslash{}"
    assert escape("<b>|") == r"\textless{}b\textgreater{}\textbar{}"
    assert escape("a---b -c") == "a-{}-{}-b -c"


def test_an_empty_line_ends_no_paragraph():
    assert escape("a\n\nb\t c") == "a b c"


def test_other_text_stays_as_it_is():
    assert escape("naïve “text”, 1 + 1") == "naïve “text”, 1 + 1"


VGG19 = find_network("vgg19")


def published(table):
    laid_out = report_table(
        {
            Cell(row.layer, row.scale, pooling): row.accuracy
            for row in table.accuracies
            for pooling in row.poolings
        }
    )
    merged = {(row.layer, row.scale) for row in table.accuracies if row.is_merged}
    return replace(laid_out, merged=frozenset(merged))


def widths(row):
    """How many columns each cell of a LaTeX row takes."""
    cells = re.split(r"(?<!\\)&", row.removesuffix(r"\\"))
    spans = [re.search(r"\\multicolumn\{(\d+)\}", cell) for cell in cells]
    return [int(span.group(1)) if span else 1 for span in spans]


def test_figure_10_is_printed_as_in_the_report():
    assert published(FIGURE_10).to_latex(decimals=2) == (
        "\\begin{table}\n"
        "\\centering\n"
        "\\begin{tabular}{l|cc|cc}\n"
        "\\hline\n"
        "Scale & \\multicolumn{2}{c|}{$224 \\times 224$} & "
        "\\multicolumn{2}{c}{$(224 + 320) \\times (224 + 320)$} \\\\\n"
        "Layer & max & average & max & average \\\\\n"
        "\\hline\n"
        "block5 & 0.74 & 0.75 & 0.76 & 0.77 \\\\\n"
        "fc1 & \\multicolumn{2}{c|}{0.75} & \\multicolumn{2}{c}{0.77} \\\\\n"
        "fc2 & \\multicolumn{2}{c|}{0.75} & \\multicolumn{2}{c}{0.77} \\\\\n"
        "\\hline\n"
        "\\end{tabular}\n"
        "\\end{table}\n"
    )


def test_figure_9_has_its_four_scales_as_the_report_writes_them():
    rows = list(csv.reader(io.StringIO(published(FIGURE_9).to_csv(decimals=2))))
    assert rows[0][1::2] == [
        "224 x 224",
        "(224 + 320) x (224 + 320)",
        "(224 + 320x2) x (224 + 320x2)",
        "(224 + 320x3) x (224 + 320x3)",
    ]
    assert rows[1] == ["Layer", *["max", "average"] * 4]
    assert rows[3] == ["fc1", *["0.83", "0.83", "0.78", "0.79", "0.72", "0.77", "0.77", "0.74"]]


def test_every_latex_row_fills_its_columns():
    cells = grid(VGG19, ["block5", "fc1"], [224, 300, 544], ["max", "average"])
    table = report_table(dict.fromkeys(cells, 0.5), VGG19)
    latex = table.to_latex()
    columns = re.search(r"\\begin\{tabular\}\{(.+)\}", latex).group(1).replace("|", "")
    for row in (line for line in latex.splitlines() if line.endswith(r"\\")):
        assert sum(widths(row)) == len(columns) == 7
    assert r"$300 \times 300$" in latex


def test_head_at_224_has_one_number_as_in_the_report_where_it_is_one():
    cells = grid(VGG19, ["fc1"], [224], ["max", "average"])
    same = report_table(dict.fromkeys(cells, 0.81), VGG19).to_latex()
    assert r"fc1 & \multicolumn{2}{c}{0.810} \\" in same
    differing = report_table(dict(zip(cells, (0.81, 0.82), strict=True)), VGG19).to_latex()
    assert r"fc1 & 0.810 & 0.820 \\" in differing


def test_missing_cells_stay_empty_and_other_poolings_follow():
    values = {
        Cell("block5", 544, "vlad"): 0.9,
        Cell("block4", 224, "average"): 0.7,
        Cell("block5", 224, "max"): 0.8,
    }
    assert report_table(values).to_csv(decimals=1) == (
        "Scale,224 x 224,224 x 224,224 x 224,"
        + ",".join(["(224 + 320) x (224 + 320)"] * 3)
        + "\nLayer,max,average,vlad,max,average,vlad\n"
        "block5,0.8,,,,,0.9\n"
        "block4,,0.7,,,,\n"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [("my_set & 5%", r"my\_set \& 5\%"), ("a\\b", r"a\textbackslash{}b"), ("é", "é")],
)
def test_what_latex_reads_otherwise_is_escaped(text, escaped):
    latex = report_table({Cell("block5", 224, "max"): 0.5}).to_latex(text, "tab:one")
    assert rf"\caption{{{escaped}}}" in latex
    assert r"\label{tab:one}" in latex
