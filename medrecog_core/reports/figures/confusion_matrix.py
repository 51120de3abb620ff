"""The confusion matrix of a cell."""

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import Metrics
from medrecog_core.reports.figures.colours import ERRORS, HITS, SELECTED, colour_at, ink_on

SELECTION = "square"
"""Name of the selection of a clicked square; its `true` and `predicted` are labels."""

_MOST_NUMBERED = 20
_MOST_LEVEL = 24
_LEAST_WIDTH = 36
"""Pixels of a column that has room for the share."""
_ROW, _AXIS, _SLANTED_LETTER = 44, 50, 5
"""Pixels: a row of squares, the axis below with level labels, and what a slanted letter adds."""


def draw_confusion_matrix(metrics: Metrics, clickable: bool = False) -> ChartType:
    """Draw counts of true and predicted classes, with their shares of the true class.

    Hits are teal and errors orange, the darker the larger their share.

    Parameters
    ----------
    metrics
        Metrics of the cell.
    clickable
        Whether a click selects a square.
    """
    labels = [c.label for c in metrics.classes]
    table = pd.DataFrame(
        [
            _square(true, predicted, n, n / max(1, sum(row)))
            for true, row in zip(labels, metrics.confusion, strict=True)
            for predicted, n in zip(labels, row, strict=True)
        ]
    )
    is_level = sum(map(len, labels)) <= _MOST_LEVEL
    base = alt.Chart(table).encode(
        x=alt.X(
            "predicted:N",
            sort=labels,
            axis=alt.Axis(
                labelAngle=0 if is_level else -45, labelOverlap=False, domain=False, ticks=False
            ),
        ),
        y=alt.Y("true:N", sort=labels, axis=alt.Axis(domain=False, ticks=False)),
    )
    squares = base.mark_rect(
        cornerRadius=3,
        stroke="transparent",
        strokeWidth=2,
        cursor="pointer" if clickable else "default",
    ).encode(
        color=alt.Color("fill:N", scale=None),
        tooltip=[
            alt.Tooltip("true:N"),
            alt.Tooltip("predicted:N"),
            alt.Tooltip("images:Q"),
            alt.Tooltip("share:Q", title="of the true class", format=".1%"),
        ],
    )
    if clickable:
        chosen = alt.selection_point(
            name=SELECTION, fields=["true", "predicted"], empty=False, toggle=False, on="click"
        )
        squares = squares.add_params(chosen).encode(
            stroke=alt.condition(chosen, alt.value(SELECTED), alt.value("transparent"))
        )
    layers: list[alt.Chart] = [squares]
    ink = alt.Color("ink:N", scale=None)
    if len(labels) <= _MOST_NUMBERED:
        layers.append(base.mark_text(fontSize=14, dy=-7).encode(text="images:Q", color=ink))
        width = f"width / {len(labels)}"
        layers.append(
            base.mark_text(
                fontSize=11, dy=9, opacity=alt.expr(f"{width} >= {_LEAST_WIDTH} ? 1 : 0")
            ).encode(text=alt.Text("share:Q", format=".1%"), color=ink)
        )
    # The height holds the labels below the squares too.
    below = _AXIS + (0 if is_level else _SLANTED_LETTER * max(map(len, labels)))
    return alt.layer(*layers).properties(height=_ROW * len(labels) + below)


def _square(true: str, predicted: str, n: int, share: float) -> dict[str, str | int | float]:
    fill = colour_at(share, HITS if true == predicted else ERRORS)
    return {
        "true": true,
        "predicted": predicted,
        "images": n,
        "share": share,
        "fill": fill,
        "ink": ink_on(fill),
    }


def describe_confusion_matrix(metrics: Metrics) -> str:
    """Return the matrix in words, for screen readers."""
    rows = (
        f"{c.label} {list(row)}" for c, row in zip(metrics.classes, metrics.confusion, strict=True)
    )
    return f"Confusion matrix, one row per true class: {'; '.join(rows)}"
