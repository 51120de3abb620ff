"""The decision curve of a cell: for which threshold probabilities it is of use."""

import streamlit as st

from medrecog_core.classification import DecisionCurve
from medrecog_core.reports.figures.curves import describe_decision, draw_decision
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

_THRESHOLD = "threshold"
_STEPS = tuple(range(5, 100, 5))


def show_decision(found: DecisionCurve, positive: str) -> None:
    """Show the net benefit of a cell, and its numbers at a threshold."""
    st.markdown("**Decision curve**, with calibrated probabilities")
    left, right = st.columns([3, 2])
    with left:
        show_chart(
            draw_decision(found, positive), width="stretch", alt=describe_decision(found, positive)
        )
    with right:
        percent = st.selectbox(
            "Threshold probability",
            _STEPS,
            index=_STEPS.index(50),
            format_func=lambda n: f"{n} %",
            key=_THRESHOLD,
            bind="query-params",
            width=240,
            help=f"Probability of {literal(positive)} from which a patient would be treated or "
            "examined further. The less harm a false alarm does, the lower it is.",
        )
        at = found.at(percent / 100)
        with st.container(horizontal=True, gap="medium"):
            st.metric("This cell", f"{at.model:+.3f}", width="content")
            st.metric("Treat all", f"{at.treat_all:+.3f}", width="content")
            st.metric("Treat none", "0.000", width="content")
    st.caption(
        "Net benefit: share of true positives minus the share of false positives, weighted by the "
        f"odds of the threshold (Vickers and Elkin, 2006); n = {counted(found.n_images, 'image')}, "
        f"{found.n_members:,} of {literal(positive)}. A cell is of use where its curve is above "
        "both others. The share of the class in these test images counts, so the curve applies "
        "only where the class is as frequent."
    )
