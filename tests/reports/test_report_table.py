import csv
import io
import re
from dataclasses import replace

import pytest

from medrecog_core.features import Cell, grid
from medrecog_core.networks import find_network
from medrecog_core.reports.report_table import report_table
from medrecog_core.runs.published import FIGURE_9, FIGURE_10

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
