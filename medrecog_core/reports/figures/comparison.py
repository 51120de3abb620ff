"""Figures that compare runs: differences of their cells, and intervals side by side."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import Estimate
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


_FOREST_ROW_HEIGHT = 44


def draw_forest(rows: Sequence[tuple[str, str, Estimate]], measure: str) -> ChartType:
    """Draw the best cell of each run with its 95 % confidence interval.

    Parameters
    ----------
    rows
        Title of the run, name of its cell, and its measure.
    measure
        Name of the measure, for the axis.
    """
    titles = [title for title, _, _ in rows]
    table = pd.DataFrame(
        [
            {
                "run": title,
                "cell": cell,
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "n": found.n_images,
            }
            for title, cell, found in rows
        ]
    )
    base = alt.Chart(table).encode(
        y=alt.Y("run:N", sort=titles, title=None, axis=alt.Axis(labelLimit=200)),
        tooltip=[
            alt.Tooltip("run:N"),
            alt.Tooltip("cell:N", title="best cell"),
            alt.Tooltip("value:Q", format=".3f"),
            alt.Tooltip("low:Q", title="95 % CI from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q"),
        ],
    )
    lines = base.mark_rule(strokeWidth=3, color="#0f8b8d").encode(
        x=alt.X("low:Q", title=measure.replace("_", " "), scale=alt.Scale(zero=False)),
        x2="high:Q",
    )
    points = base.mark_point(filled=True, size=110, color="#0f8b8d", opacity=1).encode(x="value:Q")
    return alt.layer(lines, points).properties(height=len(rows) * _FOREST_ROW_HEIGHT + 50)


def describe_forest(rows: Sequence[tuple[str, str, Estimate]]) -> str:
    """Return the plot in words, for screen readers."""
    told = (
        f"{title} ({cell}) {found.value:.3f}, 95 % CI {found.low:.3f} to {found.high:.3f}"
        for title, cell, found in rows
    )
    return f"Best cells: {'; '.join(told)}"
