"""Heat map of the grid, with layers as rows, and scales and poolings as columns."""

from collections.abc import Collection, Sequence
from typing import Any

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.features import AnyCell
from medrecog_core.networks import Network
from medrecog_core.reports.figures.colours import (
    BELOW_CHANCE,
    SELECTED,
    VIRIDIS,
    colour_at,
    ink_on,
)
from medrecog_core.reports.measures import MEASURES, chance, measured
from medrecog_core.runs import CellResult
from medrecog_core.runs.comparison import RankedCell

BEST_MARK, EQUAL_MARK, BELOW_MARK, UNBEATEN_MARK = "★", "≈", "▼", "▽"
"""Marks of the best cell, those not significantly different from it, those below chance, and those
not significantly better than the best baseline."""

SELECTION = "chosen"
"""Name of the selection of a clicked cell; its `name` is the cell's."""

_ROW_HEIGHT = 68
_LEAST_WIDTH = 84
"""Pixels of a column that has room for the interval and n."""


def draw_heat_map(
    cells: Sequence[AnyCell],
    results: Sequence[CellResult],
    network: Network,
    measure: str,
    ranked: Sequence[RankedCell] = (),
    clickable: bool = False,
    is_stretched: bool = False,
    unbeaten: Collection[str] = (),
) -> ChartType:
    """Draw the grid.

    Colours go from chance to 1. Cells below chance are grey and marked.

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
    is_stretched
        Whether colours go from the lowest to the highest value of these results instead.
    unbeaten
        Names of the cells that are not significantly better than the best baseline.
    """
    low, high = _ends(results, measure, is_stretched)
    result_of = {result.cell: result for result in results}
    ranked_of = {each.result.cell: each for each in ranked}
    table = pd.DataFrame(
        [
            {
                "layer": cell.layer,
                "column": f"{cell.scale} {cell.pooling}",
                "name": cell.name,
                **_numbers(
                    *(result_of.get(cell), ranked_of.get(cell), measure, low, high),
                    is_unbeaten=cell.name in unbeaten,
                ),
            }
            for cell in cells
        ]
    )
    return _draw(table, network, measure, (low, high), clickable)


def describe_heat_map(results: Sequence[CellResult], measure: str) -> str:
    """Return the heat map in words, for screen readers."""
    values = [(result.cell.name, measured(result, measure)) for result in results]
    told = [f"{name} {value:.3f}" for name, value in values if value is not None]
    return f"Heat map: {'; '.join(told)}"


def _ends(results: Sequence[CellResult], measure: str, is_stretched: bool) -> tuple[float, float]:
    """Return the values of the first and the last colour."""
    known = [v for result in results if (v := measured(result, measure)) is not None]
    if is_stretched and len(set(known)) > 1:
        return min(known), max(known)
    return (chance(results[0].metrics, measure) if results else 0.0), 1.0


def _numbers(
    result: CellResult | None,
    ranked: RankedCell | None,
    measure: str,
    first: float,
    last: float,
    is_unbeaten: bool,
) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        "value": None,
        "text": "",
        "interval": "",
        "n": "",
        "tested": "",
        "ink": "",
        "below": False,
    }
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
    interval = f"{low:.3f}–{high:.3f}" if ranked is not None or measure == "accuracy" else ""
    is_below = value < first
    if is_below:
        mark = f"{BELOW_MARK}{mark}"
    elif is_unbeaten:
        mark = f"{UNBEATEN_MARK}{mark}"
    fill = BELOW_CHANCE if is_below else colour_at((value - first) / (last - first), VIRIDIS)
    n = result.n_test if ranked is None else ranked.estimate.n_images
    return {
        "value": value,
        "text": f"{value:.3f} {mark}".rstrip(),
        "interval": interval,
        "n": f"n = {n:,}",
        "tested": tested,
        "ink": ink_on(fill),
        "below": is_below,
    }


def _rows(table: pd.DataFrame, network: Network) -> list[str]:
    """Return the layers in the order of the network, and fusions of layers below them."""
    layers = [layer.name for layer in network.layers]
    return layers + [name for name in table["layer"].unique() if name not in layers]


def _draw(
    table: pd.DataFrame,
    network: Network,
    measure: str,
    ends: tuple[float, float],
    clickable: bool,
) -> ChartType:
    columns = list(table["column"].unique())
    base = alt.Chart(table).encode(
        x=alt.X(
            "column:N",
            sort=columns,
            scale=alt.Scale(paddingInner=0.02),
            title="input size (px) and pooling",
            axis=alt.Axis(labelAngle=0, orient="top", domain=False, ticks=False),
        ),
        y=alt.Y(
            "layer:N",
            sort=_rows(table, network),
            scale=alt.Scale(paddingInner=0.05),
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelFontSize=13),
        ),
    )
    low, high = ends
    title = next(title for title, name in MEASURES.items() if name == measure)
    steps = len(VIRIDIS) - 1
    # As many values as colours: the text's colour is computed for just these.
    values = [low + (high - low) * i / steps for i in range(steps + 1)]
    colours = alt.Color(
        "value:Q",
        scale=alt.Scale(domain=values, range=list(VIRIDIS), interpolate="rgb"),
        legend=alt.Legend(
            title=title,
            orient="bottom",
            direction="horizontal",
            gradientLength=220,
            gradientThickness=12,
            values=[low, (low + high) / 2, high],
            format=".2f",
        ),
    )
    squares = base.mark_rect(cornerRadius=4, cursor="pointer" if clickable else "default").encode(
        color=alt.condition("datum.below", alt.value(BELOW_CHANCE), colours),
        stroke=alt.value("transparent"),
        strokeWidth=alt.value(3),
        tooltip=[
            alt.Tooltip("layer:N"),
            alt.Tooltip("column:N", title="input size and pooling"),
            alt.Tooltip("value:Q", title=measure.replace("_", " "), format=".4f"),
            alt.Tooltip("interval:N", title="95 % CI"),
            alt.Tooltip("tested:N", title="tested on"),
            alt.Tooltip("below:N", title="below chance"),
        ],
    )
    if clickable:
        chosen = alt.selection_point(
            name=SELECTION, fields=["name"], empty=False, toggle=False, on="click"
        )
        squares = squares.add_params(chosen).encode(
            stroke=alt.condition(chosen, alt.value(SELECTED), alt.value("transparent"))
        )
    # Narrow columns, as on a phone, have room for the value only.
    width = f"width / {len(columns)}"
    has_room = f"{width} >= {_LEAST_WIDTH}"
    ink = alt.Color("ink:N", scale=None)
    numbers = base.mark_text(
        fontWeight=600,
        fontSize=alt.expr(f"{width} < 60 ? 11 : 15"),
        dy=alt.expr(f"{has_room} ? -15 : 0"),
    ).encode(text="text:N", color=ink)
    intervals = [
        base.mark_text(fontSize=11, dy=dy, opacity=alt.expr(f"{has_room} ? 1 : 0")).encode(
            text=f"{field}:N", color=ink
        )
        for field, dy in (("interval", 4), ("n", 19))
    ]
    rows = table["layer"].nunique()
    # Blank cells of a run in progress.
    empty = base.transform_filter("!isValid(datum.value)").mark_rect(
        cornerRadius=4, fill="gray", fillOpacity=0.15, stroke="transparent", strokeWidth=3
    )
    layers = alt.layer(empty, squares, numbers, *intervals).properties(
        height=rows * _ROW_HEIGHT + 164
    )
    # The text has its own colours, which are no part of the scale and of the colour bar.
    chart: alt.LayerChart = layers.resolve_scale(color="independent")
    return chart
