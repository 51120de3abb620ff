"""ROC and precision-recall curves of a cell, and the spread of its folds."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import PrecisionRecallCurve, RocCurve
from medrecog_core.runs.cell_result import FoldResult

_MOST_POINTS = 300
_FOLD_HEIGHT = 22
_MOST_ROWS = 30
_HEIGHT = 280


def draw_roc(curve: RocCurve) -> ChartType:
    """Draw sensitivity against 1 - specificity, and a random classifier as a dashed line."""
    return _draw(
        curve.false_positive_rates,
        curve.true_positive_rates,
        ("1 - specificity", "sensitivity"),
        guess=((0, 0), (1, 1)),
    )


def draw_precision_recall(curve: PrecisionRecallCurve) -> ChartType:
    """Draw precision against recall, and a random classifier as a dashed line."""
    return _draw(
        curve.recalls[::-1],
        curve.precisions[::-1],
        ("recall", "precision"),
        guess=((0, curve.prevalence), (1, curve.prevalence)),
    )


def draw_folds(folds: Sequence[FoldResult]) -> ChartType:
    """Draw the accuracy of each fold as a point."""
    table = pd.DataFrame(
        [
            {"fold": i, "accuracy": f.accuracy, f.parameter: f.value, "test images": f.n_test}
            for i, f in enumerate(folds, 1)
        ]
    )
    # Many folds, as of leave-one-group-out, share one row.
    rows = {"y": alt.Y("fold:O")} if len(folds) <= _MOST_ROWS else {}
    chart: alt.Chart = (
        alt.Chart(table)
        .mark_circle(size=110, color="#0f8b8d", opacity=0.75)
        .encode(
            x=alt.X("accuracy:Q", scale=alt.Scale(zero=False)),
            **rows,
            tooltip=[
                "fold:Q",
                alt.Tooltip("accuracy:Q", format=".3f"),
                f"{folds[0].parameter}:Q",
                "test images:Q",
            ],
        )
        .properties(height=_FOLD_HEIGHT * len(folds) + 50 if rows else 70)
    )
    return chart


def _draw(
    x: np.ndarray,
    y: np.ndarray,
    titles: tuple[str, str],
    guess: tuple[tuple[float, float], tuple[float, float]],
) -> ChartType:
    # A curve with thousands of steps looks the same with a few hundred.
    kept = np.unique(np.linspace(0, len(x) - 1, _MOST_POINTS).astype(int))
    unit = alt.Scale(domain=[0, 1])
    axes = {
        "x": alt.X("x:Q", title=titles[0], scale=unit),
        "y": alt.Y("y:Q", title=titles[1], scale=unit),
    }
    curve = alt.Chart(pd.DataFrame({"x": x[kept], "y": y[kept], "step": kept})).mark_line(
        color="#0f8b8d", strokeWidth=2.5
    )
    line = alt.Chart(pd.DataFrame(guess, columns=["x", "y"])).mark_line(
        color="#9db4b6", strokeDash=[5, 4]
    )
    layers = line.encode(**axes), curve.encode(order="step:Q", **axes)
    return alt.layer(*layers).properties(height=_HEIGHT)
