"""A drawing of a network: the layers from left to right, scaled by the size of their output."""

import math
from collections.abc import Sequence
from dataclasses import replace

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.networks import Network
from medrecog_core.networks.summary import LayerSummary
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.plain_text import literal

_GAP = 1.5
_MOST_BLOCKS = 40
_FADED = 0.35

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


def show_architecture(network: Network, rows: Sequence[LayerSummary]) -> None:
    """Draw the layers from left to right, and show one of them in words.

    Heights and widths are logarithms.
    """
    by_name = {row.name: row for row in rows}
    # Says what hovering over the drawing says, to keyboards and touch screens too.
    marked = st.selectbox(
        "Layer in the drawing",
        list(by_name),
        index=None,
        placeholder="Select a layer",
        key=f"{network.name} drawn layer",
        width=240,
    )
    _draw(rows, marked)
    if marked is not None:
        st.caption(f"{literal(marked)}: {_words(by_name[marked])}.")


def _words(row: LayerSummary) -> str:
    words = f"output {row.side} x {row.side} x {row.channels}"
    if row.receptive_field is None:
        return words
    return f"{words}, receptive field {row.receptive_field:,} px"


def _draw(rows: Sequence[LayerSummary], marked: str | None) -> None:
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
                "opacity": 1.0 if marked in (None, row.name) else _FADED,
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
            opacity=alt.Opacity("opacity:Q", scale=None),
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
