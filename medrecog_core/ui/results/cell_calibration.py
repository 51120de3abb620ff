"""How far a cell's scores can be trusted as probabilities."""

import streamlit as st

from medrecog_core.classification import CrossCalibration
from medrecog_core.reports.figures.reliability import describe_reliability, draw_reliability
from medrecog_core.ui.quantities import counted

_HELP = {
    "Calibration error": "Mean distance between the probability and the share it was true of, over "
    "10 bins (expected calibration error).",
    "Brier score": "Mean squared distance between probability and truth: of the positive one of "
    "two classes; of more classes summed over them.",
    "Log loss": "Mean of -log of the true class's probability, in nats.",
}


def show_calibration(found: CrossCalibration, positive: str | None) -> None:
    """Show the reliability curves before and after calibration, with their figures."""
    st.markdown("**Probabilities**, calibrated and as the scores are")
    before, after = found.before, found.after
    figures = {
        "Calibration error": (before.curve.calibration_error, after.curve.calibration_error),
        "Brier score": (before.brier, after.brier),
        "Log loss": (before.log_loss, after.log_loss),
    }
    left, right = st.columns([3, 2])
    with left:
        st.altair_chart(
            draw_reliability(found, positive),
            width="stretch",
            alt=describe_reliability(found, positive),
        )
    with right, st.container(horizontal=True, gap="medium"):
        for title, (then, now) in figures.items():
            st.metric(
                title,
                f"{now:.3f}",
                delta=f"{then:.3f} before",
                delta_color="off",
                delta_arrow="off",
                width="content",
                help=_HELP[title],
            )
    groups = ""
    if found.n_units < found.n_images:
        groups = f" of {counted(found.n_units, 'group')}, which stay whole"
    st.caption(
        f"Fitted on the test images themselves, {counted(found.n_images, 'prediction')}{groups}, "
        f"in {found.n_folds} parts: the probabilities of each part come from the other parts, so "
        "none has seen its own truth, and the classifiers have learnt from none of them. Before: "
        "softmax of the scores. The less a curve leaves the dashes, the better; larger points are "
        "more images."
    )
