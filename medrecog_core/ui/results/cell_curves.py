"""ROC and precision-recall curves of a cell, and the accuracy of its folds."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from medrecog_core.classification import Metrics, ScoredImages, precision_recall_curve, roc_curve
from medrecog_core.reports.figures.curves import draw_folds, draw_precision_recall, draw_roc
from medrecog_core.reports.run_figures import curve_classes, find_class
from medrecog_core.runs.cell_evaluation import FoldResult
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.plain_text import literal

CURVE = "curve"
"""Name of the class of the curves in the address."""

_FIRST = ""


def show_curves(images: ScoredImages) -> str:
    """Draw both curves of a class against the rest; return the class, empty if none has any."""
    known = curve_classes(images)
    if not known:
        return ""
    label = find_class(images)
    if images.positive not in known:
        label = _choose(known)
    position = images.classes.index(label)
    is_member = images.truth == position
    roc = roc_curve(images.scores[:, position], is_member)
    recall = precision_recall_curve(images.scores[:, position], is_member)
    left, right = st.columns(2)
    counts = f"{roc.n_members:,} test images of {literal(label)}, {roc.n_others:,} of others"
    with left:
        st.markdown(f"**ROC curve**, AUC {roc.area:.3f}")
        show_chart(draw_roc(roc), width="stretch", alt=f"ROC curve of {label}, AUC {roc.area:.3f}")
    with right:
        st.markdown(f"**Precision-recall curve**, average precision {recall.average_precision:.3f}")
        show_chart(
            draw_precision_recall(recall),
            width="stretch",
            alt=f"Precision-recall curve of {label}",
        )
    st.caption(f"{counts}. Dashed line: random classifier.")
    return label


def asked_curve(metrics: Metrics) -> str:
    """Return the class of the curves in the address; empty if there is none in these results."""
    asked: str = st.query_params.get(CURVE, _FIRST)
    return asked if asked in [row.label for row in metrics.classes] else _FIRST


def forget_curve() -> None:
    """Select the first class, because another run was selected."""
    st.session_state[CURVE] = _FIRST


def _choose(labels: Sequence[str]) -> str:
    asked = st.session_state.get(CURVE, st.query_params.get(CURVE, _FIRST))
    if asked not in (_FIRST, *labels):
        st.warning(
            f"Class “{literal(asked)}” not found or without curves in this run.",
            icon=":material/link_off:",
        )
    st.session_state[CURVE] = asked if asked in labels else labels[0]
    chosen: str = st.selectbox(
        "Class of the curves", labels, key=CURVE, bind="query-params", width=240
    )
    return chosen


def show_folds(folds: Sequence[FoldResult]) -> None:
    """Draw the accuracy of each fold, and show the chosen hyper-parameters."""
    if len(folds) < 2:
        return
    values = np.array([fold.accuracy for fold in folds])
    st.markdown(
        f"**Cross-validation with {len(folds)} folds**: accuracy {values.mean():.3f} on average, "
        f"from {values.min():.3f} to {values.max():.3f}; one dot per fold"
    )
    listed = ", ".join(f"{value:.3f}" for value in values)
    show_chart(draw_folds(folds), width="stretch", alt=f"Accuracy of each fold: {listed}")
    chosen = sorted({fold.value for fold in folds})
    if len(chosen) > 1:
        named = ", ".join(f"{value:g}" for value in chosen)
        st.caption(f"Values of {folds[0].parameter} chosen on the training images: {named}.")
