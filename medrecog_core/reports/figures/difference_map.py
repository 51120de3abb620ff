"""Differences between the cells that two runs have in common."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.runs.comparison import CommonCell

_ROW_HEIGHT = 46


def draw_difference_map(cells: Sequence[CommonCell], titles: Sequence[str]) -> ChartType:
    """Draw the measure of each cell in the first run minus that in the second.

    Teal if the first run has the higher value, orange if the second has.

    Parameters
    ----------
    cells
        Cells with a value for each of two runs.
    titles
        Titles of the two runs.
    """
    table = pd.DataFrame(
        [
            {
                "layer": common.cell.layer,
                "column": f"{common.cell.scale} {common.cell.pooling}",
                "first": common.values[0],
                "second": common.values[1],
                "difference": common.difference,
                "text": f"{common.difference:+.3f}",
            }
            for common in cells
        ]
    )
    greatest = float(table["difference"].abs().max()) or 1.0
    base = alt.Chart(table).encode(
        x=alt.X(
            "column:N",
            sort=None,
            title="input size (px) and pooling",
            axis=alt.Axis(labelAngle=0, orient="top", domain=False, ticks=False),
        ),
        y=alt.Y("layer:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False)),
    )
    squares = base.mark_rect(cornerRadius=4, stroke="transparent", strokeWidth=2).encode(
        color=alt.Color(
            "difference:Q",
            scale=alt.Scale(
                domain=[-greatest, 0, greatest],
                range=["#d9822b", "#f3f5f5", "#0f8b8d"],
                interpolate="rgb",
            ),
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("layer:N"),
            alt.Tooltip("column:N", title="input size and pooling"),
            alt.Tooltip("first:Q", title=titles[0], format=".4f"),
            alt.Tooltip("second:Q", title=titles[1], format=".4f"),
            alt.Tooltip("difference:Q", format="+.4f"),
        ],
    )
    numbers = base.mark_text(fontSize=14, color="#123").encode(text="text:N")
    height = table["layer"].nunique() * _ROW_HEIGHT + 60
    return alt.layer(squares, numbers).properties(height=height)


def describe_difference_map(cells: Sequence[CommonCell], titles: Sequence[str]) -> str:
    """Return the differences in words, for screen readers."""
    told = "; ".join(f"{common.cell.name} {common.difference:+.3f}" for common in cells)
    return f"{titles[0]} minus {titles[1]}: {told}"
