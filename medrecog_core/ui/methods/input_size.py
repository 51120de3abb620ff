"""The lesson on the input size: a fully connected and a fully convolutional network."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.images import REPORT_SCALES
from medrecog_core.networks import DEFAULT_NETWORK, Network, find_network
from medrecog_core.networks.summary import summarise
from medrecog_core.ui.chart import category_colours, show_chart, theme_colour
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.methods.lessons import show_sources
from medrecog_core.ui.methods.plane import WIDTH

LAYERS = ("block5", "fc1", "fc2")
_HEIGHT = 400


@dataclass(frozen=True)
class Positions:
    """The positions of a layer's map in the input.

    Attributes
    ----------
    scale
        Side of the input in pixels.
    side
        Positions on a side.
    stride
        Pixels from one to the next.
    """

    scale: int
    side: int
    stride: int

    @property
    def window(self) -> int:
        """Side in pixels of the part of the input that belongs to one position."""
        return self.scale - (self.side - 1) * self.stride

    def table(self) -> pd.DataFrame:
        """Return the tile at the middle of each position's window: its edges in pixels."""
        starts = np.arange(self.side) * self.stride
        row, column = (each.ravel() for each in np.meshgrid(starts, starts, indexing="ij"))
        edge = (self.window - self.stride) // 2
        gap = self.stride / 8
        words = [
            f"rows {r} to {r + self.window}, columns {c} to {c + self.window}"
            for r, c in zip(row, column, strict=True)
        ]
        return pd.DataFrame(
            {
                "left": column + edge + gap,
                "right": column + edge + self.stride - gap,
                "top": row + edge + gap,
                "bottom": row + edge + self.stride - gap,
                "pixels": words,
            }
        )


def positions(network: Network, layer: str, scale: int) -> Positions:
    """Return the positions of a layer at an input size, by the network's table."""
    found = network.layer(layer)
    side = next(row.side for row in summarise(network, scale) if row.name == found.keras_layer)
    return Positions(scale, side, found.stride)


def show_input_size() -> None:
    """Show the lesson."""
    network = find_network(DEFAULT_NETWORK)
    st.markdown(
        f"Convolutions slide over an input of any size. The fully connected layers of "
        f"{network.title} do not: each of their weights belongs to one of 7 x 7 positions, which "
        "only an input of 224 pixels gives. A **fully convolutional** network has the same "
        "weights, but reads `fc1` as a convolution of 7 x 7 positions. It then slides too, and a "
        "larger input gives more positions. A pooling over the positions makes the feature vector "
        "as long as before."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        scales = [str(scale) for scale in REPORT_SCALES]
        scale = int(choose_setting("Input size (px)", scales, key="size", width=200))
        layer = choose_setting("Layer", list(LAYERS), key="size-layer", width=200)
    found = positions(network, layer, scale)
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=WIDTH):
            _show(found)
        with st.container(width=WIDTH):
            _show_table(network, layer)
            st.markdown(
                f"At {scale} pixels, `{layer}` has {found.side} x {found.side} positions, "
                f"{found.stride} pixels apart. Each belongs to a window of {found.window} x "
                f"{found.window} pixels; the orange square is the first one. After pooling, "
                f"the features are {network.layer(layer).channels} numbers at every input size."
            )
            st.caption(
                "A position sees a little beyond its window, because the convolutions before it "
                "overlap: its receptive field is on the Networks page."
            )
            st.page_link("pages/5_Networks.py", label="Layers", icon=":material/account_tree:")
    show_sources(
        "Simonyan and Zisserman (2015), Very deep convolutional networks for large-scale image "
        "recognition",
        "Long, Shelhamer and Darrell (2015), Fully convolutional networks for semantic "
        "segmentation",
    )


def _show(found: Positions) -> None:
    teal, orange, *_ = category_colours()
    largest = max(REPORT_SCALES)
    scale = alt.Scale(domain=[0, largest], nice=False)
    down = alt.Scale(domain=[largest, 0], nice=False)
    axis = alt.Axis(grid=False, values=[0, *REPORT_SCALES], format="d")

    def squares(table: pd.DataFrame) -> alt.Chart:
        return alt.Chart(table).encode(
            x=alt.X("left:Q", scale=scale, axis=axis, title="pixels"),
            x2="right:Q",
            y=alt.Y("top:Q", scale=down, axis=axis, title=None),
            y2="bottom:Q",
        )

    frames = pd.DataFrame({"left": 0, "top": 0, "right": REPORT_SCALES, "bottom": REPORT_SCALES})
    chosen = frames[frames["right"] == found.scale]
    window = frames.iloc[:1].assign(right=found.window, bottom=found.window)
    chart = alt.layer(
        squares(frames).mark_rect(
            fill="transparent", stroke=theme_colour("borderColor"), strokeDash=[4, 4]
        ),
        squares(chosen).mark_rect(
            fill="transparent", stroke=theme_colour("textColor"), strokeWidth=2
        ),
        squares(found.table()).mark_rect(color=teal).encode(tooltip="pixels:N"),
        squares(window).mark_rect(fill="transparent", stroke=orange, strokeWidth=2),
    )
    show_chart(
        chart.properties(height=_HEIGHT),
        width="stretch",
        alt=f"Input of {found.scale} pixels, drawn to scale, with {found.side} x {found.side} "
        "positions",
    )


def _show_table(network: Network, layer: str) -> None:
    rows = []
    for scale in REPORT_SCALES:
        found = positions(network, layer, scale)
        gflop = sum(row.gflop for row in summarise(network, scale))
        rows.append(
            {
                "input": f"{scale} px",
                "positions": f"{found.side} x {found.side}",
                "fully connected": "yes" if scale == REPORT_SCALES[0] else "not possible",
                "GFLOP": round(gflop),
            }
        )
    st.table(rows, hide_index=True, alt=f"Positions of {layer} at each input size")
