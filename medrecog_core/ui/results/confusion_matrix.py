"""The confusion matrix of a cell with clickable squares."""

import streamlit as st

from medrecog_core.classification import Metrics
from medrecog_core.reports.figures.confusion_matrix import (
    SELECTION,
    describe_confusion_matrix,
    draw_confusion_matrix,
)
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.results.square_choice import chart_key, take_square


def show_confusion_matrix(metrics: Metrics, name: str) -> None:
    """Draw the confusion matrix; colours are shares of the true class."""
    key = chart_key(f"confusion matrix {name}")

    def take_clicked() -> None:
        clicked = st.session_state[key].selection.get(SELECTION) or [{}]
        take_square(clicked[0].get("true", ""), clicked[0].get("predicted", ""))

    show_chart(
        draw_confusion_matrix(metrics, clickable=True),
        width="stretch",
        key=key,
        on_select=take_clicked,
        alt=describe_confusion_matrix(metrics),
    )
