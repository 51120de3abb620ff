"""Methods: what an SVM, a convolution, a pooling and a fold are, in figures that can be changed."""

from collections.abc import Callable

import streamlit as st

from medrecog_core.ui.methods import lessons
from medrecog_core.ui.methods.convolution import show_convolution
from medrecog_core.ui.methods.cross_validation import show_cross_validation
from medrecog_core.ui.methods.input_size import show_input_size
from medrecog_core.ui.methods.linear_svm import show_linear_svm
from medrecog_core.ui.methods.one_vs_rest import show_one_vs_rest
from medrecog_core.ui.methods.pooling import show_pooling
from medrecog_core.ui.page import open_page, shown_errors
from medrecog_core.ui.sign_in import fragment

open_page("Methods")

LESSONS = {
    lessons.SVM: show_linear_svm,
    lessons.CONVOLUTION: show_convolution,
    lessons.INPUT_SIZE: show_input_size,
    lessons.POOLING: show_pooling,
    lessons.ONE_VS_REST: show_one_vs_rest,
    lessons.FOLDS: show_cross_validation,
}

st.caption(
    "How images are classified here, step by step. Borders, poolings, positions and folds are "
    "computed by the code that runs experiments."
)


# A change in a lesson computes that lesson only.
@fragment
def show_lesson(show: Callable[[], None]) -> None:
    with shown_errors():
        show()


tabs = st.tabs(list(LESSONS), key=lessons.LESSON, on_change="rerun", bind="query-params")
for tab, show in zip(tabs, LESSONS.values(), strict=True):
    if tab.open:
        with tab:
            show_lesson(show)
