"""The grid as a heat map whose cells can be clicked."""

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.experiments import CellResult
from medrecog_core.features import AnyCell
from medrecog_core.networks import Network

MEASURES = {
    "Accuracy": "accuracy",
    "Balanced accuracy": "balanced_accuracy",
    "AUC": "auc",
}
_ROW_HEIGHT = 60
_SELECTION = "chosen"


def measured(result: CellResult, measure: str) -> float | None:
    """Return a cell's value in one of `MEASURES`' values."""
    value: float | None = getattr(result.metrics, measure)
    return value


def best_cell(results: Sequence[CellResult], measure: str) -> AnyCell:
    """Return the cell of the greatest value."""
    return max(results, key=lambda result: measured(result, measure) or 0.0).cell


def show_heat_map(
    cells: Sequence[AnyCell],
    results: Sequence[CellResult],
    network: Network,
    measure: str,
    key: str | None = None,
) -> AnyCell | None:
    """Draw the grid, a row a layer, a column a scale and pooling.

    Parameters
    ----------
    cells
        The whole grid; cells without a result are left blank.
    results
        The finished cells.
    network
        The network, for the order of its layers.
    measure
        One of `MEASURES`' values.
    key
        Where it is given, cells can be clicked.

    Returns
    -------
    Cell or None
        The cell that was clicked last.
    """
    result_of = {result.cell: result for result in results}
    table = pd.DataFrame(
        [
            {
                "layer": cell.layer,
                "column": f"{cell.scale} {cell.pooling}",
                "name": cell.name,
                **_numbers(result_of.get(cell), measure),
            }
            for cell in cells
        ]
    )
    chart = _draw(table, network, measure, clickable=key is not None)
    known = table.dropna(subset="value")
    alt_text = "; ".join(f"{n} {v:.3f}" for n, v in zip(known["name"], known["value"], strict=True))
    if key is None:
        st.altair_chart(chart, width="stretch", alt=f"Heat map: {alt_text}")
        return None
    event = st.altair_chart(
        chart, width="stretch", on_select="rerun", key=key, alt=f"Heat map: {alt_text}"
    )
    clicked = event.selection.get(_SELECTION, [])
    by_name = {cell.name: cell for cell in cells}
    return by_name.get(clicked[0]["name"]) if clicked else None


def _numbers(result: CellResult | None, measure: str) -> dict[str, Any]:
    if result is None:
        return {"value": None, "interval": "", "n_test": None}
    interval = "{:.3f} to {:.3f}".format(*result.metrics.accuracy_interval)
    return {"value": measured(result, measure), "interval": interval, "n_test": result.n_test}


def _draw(
    table: pd.DataFrame, network: Network, measure: str, clickable: bool
) -> alt.LayerChart | alt.FacetChart:
    known = table["value"].dropna()
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    base = alt.Chart(table).encode(
        x=alt.X(
            "column:N",
            sort=None,
            title="scale (pixels) and pooling",
            axis=alt.Axis(labelAngle=0, orient="top", domain=False, ticks=False),
        ),
        y=alt.Y(
            "layer:N",
            sort=[layer.name for layer in network.layers],
            title=None,
            axis=alt.Axis(domain=False, ticks=False, labelFontSize=13),
        ),
    )
    squares = base.mark_rect(cornerRadius=4, stroke="white", strokeWidth=2, cursor="pointer")
    squares = squares.encode(
        color=alt.Color(
            "value:Q",
            scale=alt.Scale(scheme="teals", domain=[low - (high - low) * 0.15, high]),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("layer:N"),
            alt.Tooltip("column:N", title="scale and pooling"),
            alt.Tooltip("value:Q", title=measure.replace("_", " "), format=".4f"),
            alt.Tooltip("interval:N", title="95 % interval of accuracy"),
            alt.Tooltip("n_test:Q", title="test images"),
        ],
    )
    if clickable:
        chosen = alt.selection_point(
            name=_SELECTION, fields=["name"], empty=False, toggle=False, on="click"
        )
        squares = squares.add_params(chosen).encode(
            stroke=alt.condition(chosen, alt.value("#d9822b"), alt.value("transparent")),
            strokeWidth=alt.value(3),
        )
    numbers = base.mark_text(fontSize=15, fontWeight=600).encode(
        text=alt.Text("value:Q", format=".3f"),
        color=alt.condition(
            f"datum.value > {low + (high - low) * 0.45}", alt.value("white"), alt.value("#123")
        ),
    )
    rows = table["layer"].nunique()
    return alt.layer(squares, numbers).properties(height=rows * _ROW_HEIGHT + 70)
