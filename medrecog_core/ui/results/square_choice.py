"""The selected square of the confusion matrix: by a click, a select box or the address."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.ui.plain_text import literal

ANY = "any"
"""Instead of a class: all classes."""

TRUE, PREDICTED = "true", "predicted"
"""Names of the two classes in the address."""

PAGE = "images"
"""Name of the page of its images in the address."""

_CHARTS = "confusion matrices drawn"


def choose_square(classes: Sequence[str]) -> tuple[str, str]:
    """Show select boxes of the true and the predicted class, and return both."""
    with st.container(horizontal=True):
        true = _choose("True class", TRUE, classes)
        predicted = _choose("Predicted class", PREDICTED, classes)
    return true, predicted


def take_square(true: str, predicted: str) -> None:
    """Select a square; called before the select boxes are shown."""
    st.session_state[TRUE], st.session_state[PREDICTED] = true, predicted
    _first_page()


def forget_square() -> None:
    """Select no square, because another run was selected."""
    take_square(ANY, ANY)
    _mark_anew()


def chart_key(name: str) -> str:
    """Return the key of a chart, which changes when a square is selected elsewhere."""
    return f"{name} {st.session_state.get(_CHARTS, 0)}"


def _choose(label: str, key: str, classes: Sequence[str]) -> str:
    asked = st.session_state.get(key, st.query_params.get(key, ANY))
    if asked not in (ANY, *classes):
        st.warning(f"Class “{literal(asked)}” not found in this run.", icon=":material/link_off:")
        st.session_state[key] = ANY
    chosen: str = st.selectbox(
        label,
        [ANY, *classes],
        key=key,
        bind="query-params",
        width=220,
        on_change=_mark_anew,
    )
    return chosen


def _mark_anew() -> None:
    # A chart keeps its selection as long as it has the same key.
    st.session_state[_CHARTS] = st.session_state.get(_CHARTS, 0) + 1
    _first_page()


def _first_page() -> None:
    if PAGE in st.session_state:
        st.session_state[PAGE] = 1
