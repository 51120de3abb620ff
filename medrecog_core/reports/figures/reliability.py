"""The reliability curves of a cell, before and after calibration."""

import altair as alt
import numpy as np
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification import CrossCalibration, ReliabilityCurve

BEFORE, AFTER = "uncalibrated", "calibrated"

_COLOURS = ("#d9822b", "#0f8b8d")
_HEIGHT = 300


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
    return alt.layer(dashes, lines, points).properties(height=_HEIGHT)


def describe_reliability(found: CrossCalibration, positive: str | None) -> str:
    """Return the curves in words, for screen readers."""
    of = "the predicted class" if positive is None else positive
    return (
        f"Reliability of the probabilities of {of}: calibration error "
        f"{found.before.curve.calibration_error:.3f} before and "
        f"{found.after.curve.calibration_error:.3f} after calibration"
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
