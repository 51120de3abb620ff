"""A network drawn: each layer a block as high as its map and as wide as its channels."""

import math
from collections.abc import Sequence

import altair as alt
import pandas as pd
import streamlit as st

from medrecog_core.networks.layer_summary import LayerSummary

_GAP = 1.5


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
                "kind": {"MaxPooling2D": "pooling", "InputLayer": "input"}.get(
                    row.kind, "convolution"
                ),
                "left": left,
                "right": left + width,
                "low": -height / 2,
                "high": height / 2,
            }
        )
        left += width + _GAP
    chart = (
        alt.Chart(pd.DataFrame(blocks))
        .mark_rect(cornerRadius=2, stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("left:Q", axis=None),
            x2="right:Q",
            y=alt.Y("low:Q", axis=None),
            y2="high:Q",
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(
                    domain=["input", "convolution", "pooling"],
                    range=["#9db4b6", "#0f8b8d", "#d9822b"],
                ),
                legend=alt.Legend(orient="bottom"),
            ),
            tooltip=["layer:N", "output:N"],
        )
        .properties(height=220)
    )
    st.altair_chart(
        chart,
        width="stretch",
        alt="Layers in order: " + ", ".join(f"{b['layer']} {b['output']}" for b in blocks),
    )
