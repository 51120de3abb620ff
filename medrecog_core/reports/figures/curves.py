"""ROC, precision-recall, reliability and decision curves of a cell, and the spread of its folds."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import (
    CrossCalibration,
    DecisionCurve,
    PrecisionRecallCurve,
    ReliabilityCurve,
    RocCurve,
)
from medrecog_core.runs.cell_evaluation import FoldResult

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


BEFORE, AFTER = "uncalibrated", "calibrated"

_COLOURS = ("#d9822b", "#0f8b8d")
_SQUARE_HEIGHT = 300


def draw_reliability(found: CrossCalibration, positive: str | None) -> ChartType:
    """Draw the observed frequency against the predicted probability, in bins.

    Parameters
    ----------
    found
        Before and after calibration.
    positive
        Class of the curves; None: the predicted class.
    """
    table = pd.concat([_bins(found.before.curve, BEFORE), _bins(found.after.curve, AFTER)])
    of = "of the predicted class" if positive is None else f"of {positive}"
    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart(table).encode(
        x=alt.X("probability:Q", title=f"probability {of}", scale=unit),
        y=alt.Y("share:Q", title="observed frequency", scale=unit),
        color=alt.Color(
            "kind:N",
            scale=alt.Scale(domain=[BEFORE, AFTER], range=list(_COLOURS)),
            legend=alt.Legend(orient="top", title=None),
        ),
    )
    lines = base.mark_line(strokeWidth=2)
    points = base.mark_circle(opacity=0.9).encode(
        size=alt.Size("images:Q", scale=alt.Scale(range=[30, 300]), legend=None),
        tooltip=[
            alt.Tooltip("kind:N", title="probabilities"),
            alt.Tooltip("probability:Q", title="mean predicted probability", format=".3f"),
            alt.Tooltip("share:Q", format=".3f"),
            alt.Tooltip("images:Q"),
        ],
    )
    dashes = (
        alt.Chart(pd.DataFrame({"probability": [0, 1], "share": [0, 1]}))
        .mark_line(color="#9db4b6", strokeDash=[5, 4])
        .encode(x="probability:Q", y="share:Q")
    )
    return alt.layer(dashes, lines, points).properties(height=_SQUARE_HEIGHT)


def describe_reliability(found: CrossCalibration, positive: str | None) -> str:
    """Return the curves in words, for screen readers."""
    of = "the predicted class" if positive is None else positive
    return (
        f"Reliability of the probabilities of {of}: calibration error "
        f"{found.before.curve.calibration_error:.3f} before and "
        f"{found.after.curve.calibration_error:.3f} after calibration"
    )


_STRATEGIES = {
    "this cell": ("model", "#0f8b8d", [1, 0]),
    "treat all": ("treat_all", "#d9822b", [6, 3]),
    "treat none": ("none", "#7d9396", [2, 3]),
}


def draw_decision(found: DecisionCurve, positive: str) -> ChartType:
    """Draw the net benefit over the threshold probability, beside treating all and none."""
    rows = [
        {"threshold": point.threshold, "strategy": name, "benefit": getattr(point, field, 0.0)}
        for name, (field, _, _) in _STRATEGIES.items()
        for point in found.points
    ]
    prevalence = found.n_members / found.n_images
    names = list(_STRATEGIES)
    colours, dashes = ([style[i] for style in _STRATEGIES.values()] for i in (1, 2))
    # Treating all falls to minus infinity, which is of no interest.
    ends = [-prevalence / 4, prevalence * 1.05]
    chart: alt.Chart = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(strokeWidth=2.5, clip=True)
        .encode(
            x=alt.X(
                "threshold:Q",
                title=f"threshold probability of {positive}",
                scale=alt.Scale(domain=[0, 1]),
            ),
            y=alt.Y("benefit:Q", title="net benefit", scale=alt.Scale(domain=ends, nice=False)),
            color=alt.Color(
                "strategy:N",
                sort=names,
                scale=alt.Scale(domain=names, range=colours),
                legend=alt.Legend(orient="top", title=None),
            ),
            strokeDash=alt.StrokeDash(
                "strategy:N", sort=names, scale=alt.Scale(domain=names, range=dashes)
            ),
            tooltip=[
                alt.Tooltip("strategy:N"),
                alt.Tooltip("threshold:Q", format=".2f"),
                alt.Tooltip("benefit:Q", title="net benefit", format="+.3f"),
            ],
        )
        .properties(height=_SQUARE_HEIGHT)
    )
    return chart


def describe_decision(found: DecisionCurve, positive: str) -> str:
    """Return the curve in words, for screen readers."""
    useful = found.useful_range
    if useful is None:
        return f"Decision curve of {positive}: never above treating all or none"
    low, high = useful
    return (
        f"Decision curve of {positive}: above treating all and none at threshold probabilities "
        f"from {low:.2f} to {high:.2f}"
    )


def _bins(curve: ReliabilityCurve, kind: str) -> pd.DataFrame:
    told = np.flatnonzero(curve.counts)
    return pd.DataFrame(
        {
            "kind": kind,
            "probability": curve.mean_probabilities[told],
            "share": curve.frequencies[told],
            "images": curve.counts[told],
        }
    )
