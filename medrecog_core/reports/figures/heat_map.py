"""Heat map of the grid, with layers as rows, and scales and poolings as columns."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.features import AnyCell
from medrecog_core.networks import Network
from medrecog_core.reports.measures import measured
from medrecog_core.runs import CellResult
from medrecog_core.runs.ranked_cells import RankedCell

BEST_MARK, EQUAL_MARK = "★", "≈"
"""Marks of the best cell, and of those not significantly different from it."""

SELECTION = "chosen"
"""Name of the selection of a clicked cell; its `name` is the cell's."""

_ROW_HEIGHT = 60


def draw_heat_map(
    cells: Sequence[AnyCell],
    results: Sequence[CellResult],
    network: Network,
    measure: str,
    ranked: Sequence[RankedCell] = (),
    clickable: bool = False,
) -> ChartType:
    """Draw the grid.

    Parameters
    ----------
    cells
        The whole grid; cells without a result are blank.
    results
        The finished cells.
    network
        The network, for the order of its layers.
    measure
        One of the values of `MEASURES`.
    ranked
        Intervals of the finished cells and their comparisons with the best, if known.
    clickable
        Whether a click selects a cell.
    """
    result_of = {result.cell: result for result in results}
    ranked_of = {each.result.cell: each for each in ranked}
    table = pd.DataFrame(
        [
            {
                "layer": cell.layer,
                "column": f"{cell.scale} {cell.pooling}",
                "name": cell.name,
                **_numbers(result_of.get(cell), ranked_of.get(cell), measure),
            }
            for cell in cells
        ]
    )
    return _draw(table, network, measure, clickable)


def describe_heat_map(results: Sequence[CellResult], measure: str) -> str:
    """Return the heat map in words, for screen readers."""
    values = [(result.cell.name, measured(result, measure)) for result in results]
    told = [f"{name} {value:.3f}" for name, value in values if value is not None]
    return f"Heat map: {'; '.join(told)}"


def _numbers(result: CellResult | None, ranked: RankedCell | None, measure: str) -> dict[str, Any]:
    numbers: dict[str, Any] = {"value": None, "text": "", "interval": "", "tested": ""}
    value = None if result is None else measured(result, measure)
    if result is None or value is None:
        return numbers
    mark, low, high = "", *result.metrics.accuracy_interval
    tested = f"{result.n_test:,} images"
    if ranked is not None:
        low, high = ranked.estimate.low, ranked.estimate.high
        place = ranked.ranked
        mark = BEST_MARK if place.is_best else EQUAL_MARK if place.is_indistinguishable else ""
        if ranked.estimate.n_units < ranked.estimate.n_images:
            tested += f" of {ranked.estimate.n_units:,} groups"
    interval = f"{low:.3f} to {high:.3f}" if ranked is not None or measure == "accuracy" else ""
    text = f"{value:.3f} {mark}".rstrip()
    return {"value": value, "text": text, "interval": interval, "tested": tested}


def _rows(table: pd.DataFrame, network: Network) -> list[str]:
    """Return the layers in the order of the network, and fusions of layers below them."""
    layers = [layer.name for layer in network.layers]
    return layers + [name for name in table["layer"].unique() if name not in layers]


def _draw(table: pd.DataFrame, network: Network, measure: str, clickable: bool) -> ChartType:
    known = table["value"].dropna()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    base = alt.Chart(table).encode(
        x=alt.X(
            "column:N",
            sort=list(table["column"].unique()),
            title="input size (px) and pooling",
            axis=alt.Axis(labelAngle=0, orient="top", domain=False, ticks=False),
        ),
        y=alt.Y(
            "layer:N",
            sort=_rows(table, network),
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelFontSize=13),
        ),
    )
    squares = base.mark_rect(cornerRadius=4, stroke="white", strokeWidth=2)
    squares = squares.encode(
        color=alt.Color(
            "value:Q",
            scale=alt.Scale(scheme="teals", domain=[low - (high - low) * 0.15, high]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("layer:N"),
            alt.Tooltip("column:N", title="input size and pooling"),
            alt.Tooltip("value:Q", title=measure.replace("_", " "), format=".4f"),
            alt.Tooltip("interval:N", title="95 % CI"),
            alt.Tooltip("tested:N", title="tested on"),
        ],
    )
    if clickable:
        chosen = alt.selection_point(
            name=SELECTION, fields=["name"], empty=False, toggle=False, on="click"
        )
        squares = (
            squares.mark_rect(cornerRadius=4, stroke="white", strokeWidth=2, cursor="pointer")
            .add_params(chosen)
            .encode(
                stroke=alt.condition(chosen, alt.value("#d9822b"), alt.value("transparent")),
                strokeWidth=alt.value(3),
            )
        )
    numbers = base.mark_text(fontSize=15, fontWeight=600).encode(
        text="text:N",
        color=alt.condition(
            f"datum.value > {low + (high - low) * 0.45}", alt.value("white"), alt.value("#123")
        ),
    )
    rows = table["layer"].nunique()
    # Blank cells of a run in progress.
    empty = base.transform_filter("!isValid(datum.value)").mark_rect(
        cornerRadius=4, fill="gray", fillOpacity=0.15, stroke="white", strokeWidth=2
    )
    return alt.layer(empty, squares, numbers).properties(height=rows * _ROW_HEIGHT + 70)
