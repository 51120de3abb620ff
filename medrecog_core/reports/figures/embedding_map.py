"""Figure of a map: the images of a run as points, coloured by class."""

from collections import Counter

import altair as alt
import numpy as np
import pandas as pd

from medrecog_core.runs.embedding import METHODS, Embedding
from medrecog_core.wording import counted

MOST_POINTS = 2_000
"""Points of a figure; of more images, a random sample is shown."""

_MOST_CLASSES = 20
_OTHERS = "all others"


def draw_map(embedding: Embedding) -> alt.Chart:
    """Return a map as a chart.

    Parameters
    ----------
    embedding
        Its points; of more than `MOST_POINTS`, a random sample of them.
    """
    n = len(embedding.images)
    shown = np.arange(n)
    if n > MOST_POINTS:
        shown = np.sort(np.random.default_rng(0).choice(n, MOST_POINTS, replace=False))
    counts = Counter(image.label for image in embedding.images)
    named = {label for label, _ in counts.most_common(_MOST_CLASSES)}
    labels = [embedding.images[i].label for i in shown]
    table = pd.DataFrame(
        {
            "x": embedding.points[shown, 0],
            "y": embedding.points[shown, 1],
            "class": [label if label in named else _OTHERS for label in labels],
        }
    )
    axis = alt.Axis(labels=False, ticks=False, title=None, grid=False)
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_circle(size=18, opacity=0.7)
        .encode(
            x=alt.X("x", axis=axis),
            y=alt.Y("y", axis=axis),
            color=alt.Color("class:N", scale=alt.Scale(scheme="tableau20"), title=None),
        )
        .properties(
            width=520,
            height=360,
            description=f"{METHODS[embedding.method]} map of {counted(len(shown), 'image')}, "
            "coloured by class",
        )
    )
    return chart
