"""By how much the cells that two runs have in common differ."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.runs.comparison import CommonCell

_ROW_HEIGHT = 46


def draw_difference_map(cells: Sequence[CommonCell], titles: Sequence[str]) -> ChartType:
    """Draw each cell's measure in the first run less that in the second.

    Teal where the first run has the greater one, orange where the second has.

    Parameters
    ----------
    cells
        With a value for each of two runs.
    titles
        What the two runs are called.
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
            title="scale (pixels) and pooling",
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
            alt.Tooltip("column:N", title="scale and pooling"),
            alt.Tooltip("first:Q", title=titles[0], format=".4f"),
            alt.Tooltip("second:Q", title=titles[1], format=".4f"),
            alt.Tooltip("difference:Q", format="+.4f"),
        ],
    )
    numbers = base.mark_text(fontSize=14, color="#123").encode(text="text:N")
    height = table["layer"].nunique() * _ROW_HEIGHT + 60
    return alt.layer(squares, numbers).properties(height=height)


def describe_difference_map(cells: Sequence[CommonCell], titles: Sequence[str]) -> str:
    """Return the differences in words, for those who do not see them."""
    told = "; ".join(f"{common.cell.name} {common.difference:+.3f}" for common in cells)
    return f"{titles[0]} less {titles[1]}: {told}"
