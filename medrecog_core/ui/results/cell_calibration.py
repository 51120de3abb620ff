"""The calibration of a cell: how well its scores work as probabilities."""

import streamlit as st

from medrecog_core.classification import CrossCalibration
from medrecog_core.reports.figures.curves import describe_reliability, draw_reliability
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.quantities import counted

_HELP = {
    "Calibration error": "Expected calibration error: mean gap between predicted probability and "
    "observed frequency, over 10 bins.",
    "Brier score": "Mean squared difference between probability and outcome: for the positive "
    "class of two, or summed over the classes if there are more.",
    "Log loss": "Mean of -log of the probability of the true class, in nats.",
}


def show_calibration(found: CrossCalibration, positive: str | None) -> None:
    """Show reliability curves and measures before and after calibration."""
    st.markdown("**Calibration**, before and after")
    before, after = found.before, found.after
    figures = {
        "Calibration error": (before.curve.calibration_error, after.curve.calibration_error),
        "Brier score": (before.brier, after.brier),
        "Log loss": (before.log_loss, after.log_loss),
    }
    left, right = st.columns([3, 2])
    with left:
        show_chart(
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
        groups = f" in {counted(found.n_units, 'group')}, which are kept together"
    st.caption(
        f"Calibration is cross-fitted on the test images ({found.n_folds} parts, "
        f"{counted(found.n_images, 'prediction')}{groups}): each probability comes from a fit that "
        "did not see that image. Before: softmax of the scores. The closer a curve is to the "
        "diagonal, the better; larger points represent more images."
    )
