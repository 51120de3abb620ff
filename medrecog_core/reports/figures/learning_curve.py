"""Figure of learning curves: accuracy against the number of training groups."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd
from altair.typing import ChartType

from medrecog_core.classification.learning_curve import CurvePoint, LearningCurve

_WIDTH, _HEIGHT = 520, 300


def draw_learning_curves(curves: Mapping[str, LearningCurve], unit: str) -> ChartType:
    """Draw curves by name: points with 95 % intervals, and the power law up to twice the groups.

    Parameters
    ----------
    curves
        One or several, by the name of their cell.
    unit
        What is counted, in the plural, such as `groups`.
    """
    measured = _table({name: curve.points for name, curve in curves.items()})
    fitted = _table({name: curve.fitted for name, curve in curves.items()})
    inside = _table({name: curve.fitted[:-1] for name, curve in curves.items()})
    beyond = _table({name: curve.fitted[-2:] for name, curve in curves.items()})
    x = alt.X("n:Q", title=f"training {unit}", scale=alt.Scale(type="log", nice=False))
    y = alt.Y("accuracy:Q", title="accuracy", scale=alt.Scale(zero=False))
    legend = alt.Legend(orient="bottom") if len(curves) > 1 else None
    colour = alt.Color("cell:N", title=None, legend=legend)
    ends: Any = {"y": alt.Y("low:Q", title="accuracy"), "y2": "high:Q"}
    band = alt.Chart(fitted).mark_area(opacity=0.15).encode(x=x, color=colour, **ends)
    line = alt.Chart(inside).mark_line().encode(x=x, y=y, color=colour)
    dashed = alt.Chart(beyond).mark_line(strokeDash=[5, 4]).encode(x=x, y=y, color=colour)
    bars = alt.Chart(measured).mark_rule(strokeWidth=2).encode(x=x, color=colour, **ends)
    tips = [
        alt.Tooltip("cell:N"),
        alt.Tooltip("n:Q", title=f"training {unit}", format=","),
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("accuracy", "low", "high")),
    ]
    dots = (
        alt.Chart(measured)
        .mark_point(filled=True, size=60, opacity=1)
        .encode(x=x, y=y, color=colour, tooltip=tips)
    )
    chart: ChartType = alt.layer(band, line, dashed, bars, dots).properties(
        width=_WIDTH, height=_HEIGHT, description=describe_learning_curves(curves, unit)
    )
    return chart


def describe_learning_curves(curves: Mapping[str, LearningCurve], unit: str) -> str:
    """Return the first and the last accuracy of each curve, for those who do not see the chart."""
    told = [
        f"{name}: {first.accuracy:.3f} with {first.n_groups:,} and {last.accuracy:.3f} with "
        f"{last.n_groups:,} training {unit}"
        for name, first, last in (
            (name, curve.points[0], curve.points[-1]) for name, curve in curves.items()
        )
    ]
    return f"Learning curves. {'; '.join(told)}"


def _table(points: Mapping[str, Sequence[CurvePoint]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "cell": name,
                "n": each.n_groups,
                "accuracy": each.accuracy,
                "low": each.low,
                "high": each.high,
            }
            for name, of_cell in points.items()
            for each in of_cell
        ]
    )
