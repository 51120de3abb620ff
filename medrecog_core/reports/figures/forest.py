"""Forest plot: values with their confidence intervals, one below the other."""

from collections.abc import Sequence

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import Estimate

_ROW_HEIGHT = 44


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
    return alt.layer(lines, points).properties(height=len(rows) * _ROW_HEIGHT + 50)


def describe_forest(rows: Sequence[tuple[str, str, Estimate]]) -> str:
    """Return the plot in words, for screen readers."""
    told = (
        f"{title} ({cell}) {found.value:.3f}, 95 % CI {found.low:.3f} to {found.high:.3f}"
        for title, cell, found in rows
    )
    return f"Best cells: {'; '.join(told)}"
