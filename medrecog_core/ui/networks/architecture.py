"""A drawing of a network: the layers from left to right, scaled by the size of their output."""

import math
from collections.abc import Sequence
from dataclasses import replace

import altair as alt
import pandas as pd

from medrecog_core.networks import Network
from medrecog_core.networks.summary import LayerSummary
from medrecog_core.ui.chart import show_chart

_GAP = 1.5
_MOST_BLOCKS = 40

COLOURS = {
    "input": "#9db4b6",
    "convolution": "#0c7476",
    "pooling": "#d9822b",
    "stage": "#0c7476",
}


def drawn_rows(network: Network, rows: Sequence[LayerSummary]) -> list[LayerSummary]:
    """Return the rows to draw: every layer, or only the readable ones of a deep network."""
    if len(rows) <= _MOST_BLOCKS:
        return list(rows)
    by_name = {row.name: row for row in rows}
    return [
        rows[0],
        *(
            replace(by_name[layer.keras_layer], name=layer.name, kind="stage")
            for layer in network.layers
        ),
    ]


def show_architecture(rows: Sequence[LayerSummary]) -> None:
    """Draw the layers from left to right; heights and widths are logarithms."""
    left = 0.0
    blocks = []
    for row in rows:
        width = math.log2(row.channels)
        height = math.log2(row.side) + 1
        blocks.append(
            {
                "layer": row.name,
                "output": f"{row.side} x {row.side} x {row.channels}",
                "kind": {
                    "MaxPooling2D": "pooling",
                    "InputLayer": "input",
                    "stage": "stage",
                }.get(row.kind, "convolution"),
                "left": left,
                "right": left + width,
                "low": -height / 2,
                "high": height / 2,
            }
        )
        left += width + _GAP
    kinds = [kind for kind in COLOURS if any(block["kind"] == kind for block in blocks)]
    table = pd.DataFrame(blocks)
    drawn = (
        alt.Chart(table)
        .mark_rect(cornerRadius=2)
        .encode(
            x=alt.X("left:Q", axis=None),
            x2="right:Q",
            y=alt.Y("low:Q", axis=None),
            y2="high:Q",
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=kinds, range=[COLOURS[kind] for kind in kinds]),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=["layer:N", "output:N"],
        )
    )
    names = (
        alt.Chart(table[table["kind"] == "stage"])
        .transform_calculate(middle="(datum.left + datum.right) / 2")
        .mark_text(angle=270, color="white", fontSize=12)
        .encode(x=alt.X("middle:Q", axis=None), text="layer:N")
    )
    show_chart(
        (drawn + names).properties(height=220),
        width="stretch",
        alt="Layers in order: " + ", ".join(f"{b['layer']} {b['output']}" for b in blocks),
    )
