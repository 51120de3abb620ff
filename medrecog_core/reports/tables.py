"""The finished cells of a run as CSV, LaTeX, and in the layout of the 2018 report."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medrecog_core.csv_text import csv_text
from medrecog_core.errors import MedrecogError
from medrecog_core.features import Cell, in_order
from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import Network, find_network
from medrecog_core.reports.measures import MEASURES, measured
from medrecog_core.runs import Run
from medrecog_core.runs.comparison import RankedCell, rank_cells, with_positive
from medrecog_core.runs.description import DATA_RESERVATIONS, reservations
from medrecog_core.wording import counted

_REPLACED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    # Characters that need commands in the default font encoding of LaTeX.
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
}


def escape(text: str) -> str:
    """Return the text with all special characters of LaTeX escaped."""
    # An empty line would end a caption, and two hyphens would become a dash.
    text = re.sub(r"[ \t\n\r\f\v]+", " ", text)
    written = "".join(_REPLACED.get(character, character) for character in text)
    return re.sub("-(?=-)", "-{}", written)


BEST, EQUAL = "best", "not distinguishable"
"""Values of `beside_best` for the best cell, and for those not significantly different from it."""

COLUMNS = (
    *("run", "dataset", "layer", "scale", "pooling", "accuracy", "accuracy_low", "accuracy_high"),
    *("beside_best", "balanced_accuracy", "macro_f1", "auc", "sensitivity", "specificity"),
    *("n_train", "n_test", "n_test_units", "sample", "n_leaking_groups"),
    "small_test",
)


def cell_rows(run: Run, ranked: Sequence[RankedCell]) -> list[dict[str, Any]]:
    """Return a row for each cell, with `COLUMNS`.

    Parameters
    ----------
    run
        The run.
    ranked
        Its finished cells by accuracy, from `rank_cells`. Low and high are the ends of the 95 %
        confidence interval; units are groups, and images without a group count as one each. Leaking
        groups have both training and test images.
    """
    record, small = run.needed_record(), run.small_test()
    dataset = run.specification().dataset
    rows = []
    for each in ranked:
        result, estimate, place = each.result, each.estimate, each.ranked
        rows.append(
            {
                "run": run.id,
                "dataset": dataset,
                "layer": result.cell.layer,
                "scale": result.cell.scale,
                "pooling": result.cell.pooling,
                **{measure: measured(result, measure) for measure in MEASURES.values()},
                "accuracy_low": estimate.low,
                "accuracy_high": estimate.high,
                "beside_best": (
                    BEST if place.is_best else EQUAL if place.is_indistinguishable else ""
                ),
                "n_train": result.n_train,
                "n_test": result.n_test,
                "n_test_units": estimate.n_units,
                "sample": record.sample,
                "n_leaking_groups": record.split.n_leaking_groups,
                "small_test": "" if small is None else small.words,
            }
        )
    return rows


def cells_csv(run: Run) -> str:
    """Return the finished cells as CSV; if there are none, only the header.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    rows = cell_rows(run, rank_cells(run)) if run.cells() else []
    return csv_text(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def cells_latex(run: Run) -> str:
    """Return the finished cells as a LaTeX `table` in the style of the package booktabs.

    Raises
    ------
    MedrecogError
        If no cell is finished.
    StorageError
        If the run's folder is damaged.
    """
    ranked = rank_cells(ready(run))
    rows = cell_rows(run, ranked)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\begin{tabular}{lllrrrr}",
        r"\toprule",
        r"layer & scale & pooling & accuracy & 95\,\% CI & balanced accuracy & AUC \\",
        r"\midrule",
        *map(_latex_row, rows),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{_caption(run, ranked)}}}",
        rf"\label{{tab:{run.id}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def caption_reservations(run: Run) -> str:
    """Return what a caption says on the data and their split, each sentence after a space."""
    found = reservations(run)
    return "".join(f" {found[kind]}" for kind in DATA_RESERVATIONS if kind in found)


def ready(run: Run) -> Run:
    """Return the run if it has a finished cell.

    Raises
    ------
    MedrecogError
        If it has none.
    """
    if not run.cells():
        raise MedrecogError(f"Run {run.id} has no finished cells yet. Resume it first.")
    return run


def _latex_row(row: dict[str, Any]) -> str:
    accuracy = f"{row['accuracy']:.3f}"
    if row["beside_best"] == BEST:
        accuracy = rf"\textbf{{{accuracy}}}"
    elif row["beside_best"]:
        accuracy = rf"{accuracy}$^{{\approx}}$"
    fields = [
        *(escape(str(row[name])) for name in ("layer", "scale", "pooling")),
        accuracy,
        f"{row['accuracy_low']:.3f} to {row['accuracy_high']:.3f}",
        f"{row['balanced_accuracy']:.3f}",
        "" if row["auc"] is None else f"{row['auc']:.3f}",
    ]
    return " & ".join(fields) + r" \\"


def _caption(run: Run, ranked: Sequence[RankedCell]) -> str:
    """Return the caption in LaTeX."""
    estimate = ranked[0].estimate
    units = (
        f" of {counted(estimate.n_units, 'group')} (resampled in the intervals)"
        if estimate.n_units < ranked[0].result.n_test
        else ""
    )
    record = run.needed_record()
    words = (
        f"{run.specification().dataset}: {counted(ranked[0].result.n_test, 'test image')}{units}; "
        f"{find_network(run.specification().network).title} with the weights "
        f"“{record.weights.title}”."
    )
    marks = r" Bold: the best cell; $\approx$: not significantly different from it."
    return escape(words) + marks + escape(caption_reservations(run))


_SMALLEST = REPORT_SCALES[0]
_STEP = REPORT_SCALES[1] - REPORT_SCALES[0]


@dataclass(frozen=True)
class ReportTable:
    """Values of cells, laid out as in Figures 9 and 10 of the 2018 report.

    Attributes
    ----------
    layers
        Rows.
    scales, poolings
        Columns: every pooling under every scale.
    values
        The values; missing ones are empty.
    merged
        Layers and scales that have one value for all poolings.
    """

    layers: tuple[str, ...]
    scales: tuple[int, ...]
    poolings: tuple[str, ...]
    values: Mapping[Cell, float]
    merged: frozenset[tuple[str, int]] = frozenset()

    def to_csv(self, decimals: int = 3) -> str:
        """Return the table as CSV: one line of scales, one of poolings, and one per layer.

        A value shared by all poolings is written under each.
        """
        columns = [(scale, pooling) for scale in self.scales for pooling in self.poolings]
        header = ["Scale", *(_plain_scale(scale) for scale, _ in columns)]
        rows = [["Layer", *(pooling for _, pooling in columns)]]
        for layer in self.layers:
            numbers = (self._number(Cell(layer, *column), decimals) for column in columns)
            rows.append([layer, *numbers])
        return csv_text(header, rows, "\n")

    def to_latex(self, caption: str = "", label: str = "", decimals: int = 3) -> str:
        r"""Return the table as a LaTeX `table` that needs no package.

        Parameters
        ----------
        caption
            Plain text, which is escaped. Empty: none.
        label
            Label for `\ref`. Empty: none.
        decimals
            Decimals of every value.
        """
        n = len(self.poolings)
        lines = [
            r"\begin{table}",
            r"\centering",
            rf"\begin{{tabular}}{{l{('|' + 'c' * n) * len(self.scales)}}}",
            r"\hline",
            self._latex_row("Scale", [[(n, _latex_scale(scale))] for scale in self.scales]),
            self._latex_row("Layer", [[(1, escape(p)) for p in self.poolings]] * len(self.scales)),
            r"\hline",
            *(
                self._latex_row(
                    escape(layer),
                    [self._latex_cells(layer, scale, decimals) for scale in self.scales],
                )
                for layer in self.layers
            ),
            r"\hline",
            r"\end{tabular}",
            *([rf"\caption{{{escape(caption)}}}"] if caption else []),
            *([rf"\label{{{label}}}"] if label else []),
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def _number(self, cell: Cell, decimals: int) -> str:
        value = self.values.get(cell)
        return "" if value is None else f"{value:.{decimals}f}"

    def _latex_cells(self, layer: str, scale: int, decimals: int) -> list[tuple[int, str]]:
        numbers = [self._number(Cell(layer, scale, p), decimals) for p in self.poolings]
        if (layer, scale) in self.merged and len(set(numbers)) == 1:
            return [(len(numbers), numbers[0])]
        return [(1, number) for number in numbers]

    def _latex_row(self, head: str, groups: list[list[tuple[int, str]]]) -> str:
        cells = [head]
        for i, group in enumerate(groups):
            line = "|" if i < len(groups) - 1 else ""
            cells += [
                text if width == 1 else rf"\multicolumn{{{width}}}{{c{line}}}{{{text}}}"
                for width, text in group
            ]
        return " & ".join(cells) + r" \\"


def report_table(values: Mapping[Cell, float], network: Network | None = None) -> ReportTable:
    """Lay out the results of a run as in the 2018 report.

    Parameters
    ----------
    values
        A measure of each cell, in the order of the grid, without unavailable ones.
    network
        The network: layers of its head have one position at the smallest scale, and get one value
        there for all poolings. None: every pooling has its own value.
    """
    scales = tuple(sorted({cell.scale for cell in values}))
    layers = _in_order(cell.layer for cell in values)
    heads = () if network is None else [row.name for row in network.layers if row.in_head]
    return ReportTable(
        layers,
        scales,
        in_order(cell.pooling for cell in values),
        dict(values),
        frozenset((layer, _SMALLEST) for layer in layers if layer in heads),
    )


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _side(scale: int) -> str:
    """Return a side as written in the report, in steps of 320 from 224 if possible."""
    steps, rest = divmod(scale - _SMALLEST, _STEP)
    if rest or steps < 1:
        return str(scale)
    return f"({_SMALLEST} + {_STEP})" if steps == 1 else f"({_SMALLEST} + {_STEP}x{steps})"


def _plain_scale(scale: int) -> str:
    return f"{_side(scale)} x {_side(scale)}"


def _latex_scale(scale: int) -> str:
    side = _side(scale).replace("x", r" \times ")
    return rf"${side} \times {side}$"


def run_report_table(
    run: Run, measure: str = "accuracy", positive: str | None = None
) -> ReportTable:
    """Return the results of a run in the layout of the 2018 report, without fusions.

    Parameters
    ----------
    run
        The run.
    measure
        One of the values of `MEASURES`.
    positive
        The positive class, with two classes; None: chosen by name.

    Raises
    ------
    MedrecogError
        If the measure is not available for any finished single cell.
    """
    values = {
        result.cell: value
        for result in with_positive(ready(run).cells(), positive)
        if isinstance(result.cell, Cell) and (value := measured(result, measure)) is not None
    }
    if not values:
        raise MedrecogError(
            f"The report's table contains no cell of run {run.id}. Choose another table or measure."
        )
    return report_table(values, find_network(run.specification().network))
