"""The lesson on pooling a map to a feature vector, and on its L2 normalisation."""

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.classification import l2_normalise
from medrecog_core.features import GLOBAL_POOLINGS
from medrecog_core.ui.chart import category_colours, show_chart, theme_colour
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.methods.lessons import show_sources
from medrecog_core.ui.methods.number_grid import Matrix, short, show_matrices
from medrecog_core.ui.methods.plane import WIDTH

MAPS = {
    "one strong answer": [
        [[0, 0, 0], [0, 3, 0], [0, 0, 0]],
        [[1, 0, 1], [0, 1, 0], [1, 0, 1]],
    ],
    "even answers": [
        [[2, 2, 1], [2, 2, 2], [1, 2, 2]],
        [[1, 2, 1], [1, 1, 2], [2, 1, 1]],
    ],
    "a texture": [
        [[3, 0, 3], [0, 3, 0], [3, 0, 3]],
        [[0, 2, 0], [2, 0, 2], [0, 2, 0]],
    ],
}
"""From name to the two channels of a map of 3 x 3 positions."""

_REACH = 4.5


def pooled(name: str, factor: float) -> dict[str, np.ndarray]:
    """Return the feature vector of a map by each pooling, shape (2,)."""
    feature_map = factor * np.moveaxis(np.array(MAPS[name], float), 0, -1)
    return {key: pooling.pool(feature_map) for key, pooling in GLOBAL_POOLINGS.items()}


def show_pooling() -> None:
    """Show the lesson."""
    st.markdown(
        "A layer gives a map with many positions for each of its channels, and an SVM needs one "
        "vector for each image. A **pooling** makes one number of each channel: its maximum, its "
        "average, or something between (GeM, the generalised mean: the cube root of the average "
        "cube). The maximum answers “is it there?”, the average “how much of it is there?”. **L2 "
        "normalisation** then divides the vector by its length, so that only its direction counts: "
        "an image whose answers are all twice as strong gets the same features."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = choose_setting("Map", list(MAPS), key="map", width=220)
        factor = st.slider(
            "Strength of all answers",
            0.5,
            1.5,
            1.0,
            0.1,
            key="strength",
            bind="query-params",
            width=260,
        )
    channels = factor * np.array(MAPS[name], float)
    vectors = pooled(name, factor)
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=WIDTH):
            show_matrices([[_channel(k, channel) for k, channel in enumerate(channels, 1)]])
            _show_vectors(vectors)
        with st.container(width=WIDTH):
            _show(vectors)
            st.caption(
                "Lines: the features by each pooling. Marks: the same after L2 normalisation, on "
                "the circle of radius 1."
            )
    show_sources(
        "Razavian et al. (2014), CNN features off-the-shelf",
        "Radenović, Tolias and Chum (2018), Fine-tuning CNN image retrieval with no human "
        "annotation",
    )


def _channel(k: int, channel: np.ndarray) -> Matrix:
    largest = {(int(i), int(j)) for i, j in np.argwhere(channel == channel.max())}
    return Matrix(f"channel {k}", channel, largest)


def _show_vectors(vectors: dict[str, np.ndarray]) -> None:
    rows = []
    for name, vector in vectors.items():
        normalised = l2_normalise(vector[None])[0]
        rows.append(
            {
                "pooling": GLOBAL_POOLINGS[name].title,
                "features": ", ".join(map(short, vector)),
                "length": short(float(np.linalg.norm(vector))),
                "after L2": ", ".join(map(short, normalised)),
            }
        )
    st.table(rows, hide_index=True, alt="Features by each pooling")


def _show(vectors: dict[str, np.ndarray]) -> None:
    colours = category_colours()[: len(vectors)]
    titles = [GLOBAL_POOLINGS[name].title for name in vectors]
    ends = np.stack(list(vectors.values()))
    unit = l2_normalise(ends)
    table = pd.DataFrame(
        {
            "pooling": titles,
            "x": ends[:, 0],
            "y": ends[:, 1],
            "unit x": unit[:, 0],
            "unit y": unit[:, 1],
            "zero": 0.0,
        }
    )
    angle = np.linspace(0, np.pi / 2, 40)
    circle = pd.DataFrame({"x": np.cos(angle), "y": np.sin(angle), "order": angle})
    scale = alt.Scale(domain=[0, _REACH], nice=False)

    def axes(x: str, y: str) -> tuple[alt.X, alt.Y]:
        axis = alt.Axis(grid=False, values=list(range(int(_REACH) + 1)))
        return (
            alt.X(f"{x}:Q", scale=scale, axis=axis, title="channel 1"),
            alt.Y(f"{y}:Q", scale=scale, axis=axis, title="channel 2"),
        )

    colour = alt.Color(
        "pooling:N",
        scale=alt.Scale(domain=titles, range=colours),
        title=None,
        legend=alt.Legend(orient="top"),
    )
    x, y = axes("x", "y")
    unit_x, unit_y = axes("unit x", "unit y")
    zero_x, zero_y = axes("zero", "zero")
    layers = [
        alt.Chart(circle)
        .mark_line(color=theme_colour("textColor"), strokeDash=[4, 4], tooltip=None)
        .encode(x=x, y=y, order="order:Q"),
        alt.Chart(table)
        .mark_rule(strokeWidth=2)
        .encode(x=zero_x, y=zero_y, x2="x:Q", y2="y:Q", color=colour),
        alt.Chart(table)
        .mark_point(filled=True, size=120, opacity=1)
        .encode(
            x=unit_x,
            y=unit_y,
            color=colour,
            shape=alt.Shape("pooling:N", legend=None, scale=alt.Scale(domain=titles)),
            tooltip=["pooling:N", "x:Q", "y:Q"],
        ),
    ]
    words = (
        f"{title} ({short(each[0])}, {short(each[1])})"
        for title, each in zip(titles, ends, strict=True)
    )
    show_chart(
        alt.layer(*layers).properties(height=380),
        width="stretch",
        alt="Features in the plane of the two channels: " + "; ".join(words),
    )
