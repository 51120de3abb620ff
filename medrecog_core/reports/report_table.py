"""Table in the layout of the 2018 report: scales and poolings as columns, layers as rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from medrecog_core.csv_text import csv_text
from medrecog_core.features import Cell, in_order
from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import Network
from medrecog_core.reports.latex import escape

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
