"""The confusion matrix of a cell."""

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import Metrics

SELECTION = "square"
"""Name of the selection of a clicked square; its `true` and `predicted` are labels."""

_MOST_NUMBERED = 20
_MOST_LEVEL = 24


def draw_confusion_matrix(metrics: Metrics, clickable: bool = False) -> ChartType:
    """Draw counts of true and predicted classes; colours are shares of the true class.

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
            {"true": true, "predicted": predicted, "images": n, "share": n / max(1, sum(row))}
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
        color=alt.Color(
            "share:Q",
            scale=alt.Scale(range=["#e3f0f1", "#0f6a73"], domain=[0, 1]),
            legend=None,
        ),
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
            stroke=alt.condition(chosen, alt.value("#d9822b"), alt.value("transparent"))
        )
    layers: list[alt.Chart] = [squares]
    if len(labels) <= _MOST_NUMBERED:
        layers.append(
            base.mark_text(fontSize=14).encode(
                text="images:Q",
                color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("#123")),
            )
        )
    return alt.layer(*layers).properties(height=max(240, 34 * len(labels) + 60))


def describe_confusion_matrix(metrics: Metrics) -> str:
    """Return the matrix in words, for screen readers."""
    rows = (
        f"{c.label} {list(row)}" for c, row in zip(metrics.classes, metrics.confusion, strict=True)
    )
    return f"Confusion matrix, one row per true class: {'; '.join(rows)}"
