"""The confusion matrix of a cell."""

import streamlit as st

from medrecog_core.classification import Metrics
from medrecog_core.reports.figures.confusion_matrix import (
    describe_confusion_matrix,
    draw_confusion_matrix,
)


def show_confusion_matrix(metrics: Metrics) -> None:
    """Draw counts of true against predicted classes; colours are shares of the true class."""
    chart = draw_confusion_matrix(metrics)
    st.altair_chart(chart, width="stretch", alt=describe_confusion_matrix(metrics))
