"""ROC and precision-recall curves of a cell, and the spread of its folds."""

from collections.abc import Sequence

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from medrecog_core.classification import ScoredImages, precision_recall_curve, roc_curve
from medrecog_core.experiments.cell_result import FoldResult

_MOST_POINTS = 300
_HEIGHT = 280


def show_curves(images: ScoredImages) -> None:
    """Draw both curves of a class against the rest: of the positive one, or of a chosen one."""
    known = [
        label
        for position, label in enumerate(images.classes)
        if 0 < (images.truth == position).sum() < images.n_images
    ]
    if not known:
        return
    label = images.positive if images.positive in known else None
    if label is None or len(images.classes) > 2:
        label = st.selectbox("Curves of the class", known, width=240)
    position = images.classes.index(label)
    is_member = images.truth == position
    roc = roc_curve(images.scores[:, position], is_member)
    recall = precision_recall_curve(images.scores[:, position], is_member)
    left, right = st.columns(2)
    counts = f"{roc.n_members:,} test images of {label}, {roc.n_others:,} of others"
    with left:
        st.markdown(f"**ROC**, area {roc.area:.3f}")
        _draw(
            roc.false_positive_rates,
            roc.true_positive_rates,
            ("1 - specificity", "sensitivity"),
            alt_text=f"ROC curve of {label}, area {roc.area:.3f}",
            guess=((0, 0), (1, 1)),
        )
    with right:
        st.markdown(f"**Precision and recall**, average precision {recall.average_precision:.3f}")
        _draw(
            recall.recalls[::-1],
            recall.precisions[::-1],
            ("recall", "precision"),
            alt_text=f"Precision-recall curve of {label}",
            guess=((0, recall.prevalence), (1, recall.prevalence)),
        )
    st.caption(f"{counts}. The dashed line is guessing.")


def show_folds(folds: Sequence[FoldResult]) -> None:
    """Draw the accuracy of each fold, and say which C was chosen."""
    if len(folds) < 2:
        return
    values = np.array([fold.accuracy for fold in folds])
    st.markdown(
        f"**Folds**: accuracy {values.mean():.3f} on average, from {values.min():.3f} to "
        f"{values.max():.3f} in {len(folds)} folds"
    )
    table = pd.DataFrame(
        [
            {"fold": i, "accuracy": f.accuracy, "C": f.C, "test images": f.n_test}
            for i, f in enumerate(folds, 1)
        ]
    )
    chart = (
        alt.Chart(table)
        .mark_circle(size=110, color="#0f8b8d", opacity=0.75)
        .encode(
            x=alt.X("accuracy:Q", scale=alt.Scale(zero=False)),
            tooltip=["fold:Q", alt.Tooltip("accuracy:Q", format=".3f"), "C:Q", "test images:Q"],
        )
        .properties(height=70)
    )
    listed = ", ".join(f"{value:.3f}" for value in values)
    st.altair_chart(chart, width="stretch", alt=f"Accuracy of each fold: {listed}")
    chosen = sorted({fold.C for fold in folds})
    if len(chosen) > 1:
        st.caption(f"C chosen inside the training parts: {', '.join(f'{C:g}' for C in chosen)}.")


def _draw(
    x: np.ndarray,
    y: np.ndarray,
    titles: tuple[str, str],
    alt_text: str,
    guess: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    # A curve of thousands of steps looks the same with some hundred.
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
    chart = alt.layer(line.encode(**axes), curve.encode(order="step:Q", **axes))
    st.altair_chart(chart.properties(height=_HEIGHT), width="stretch", alt=alt_text)
