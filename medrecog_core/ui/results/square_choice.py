"""The selected square of the confusion matrix: by a click, a select box or the address."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.ui.choice import choose_or_none, named, open_objects
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
    """Open a square; called before the select boxes are shown."""
    open_objects({TRUE: true, PREDICTED: predicted}, closes=[PAGE])


def forget_square() -> None:
    """Draw a chart without a selection, because another run was selected."""
    _mark_anew()


def chart_key(name: str) -> str:
    """Return the key of a chart, which changes when a square is selected elsewhere."""
    return f"{name} {st.session_state.get(_CHARTS, 0)}"


def _choose(label: str, key: str, classes: Sequence[str]) -> str:
    asked = named(key)
    if asked is not None and asked not in classes:
        st.warning(f"Class “{literal(asked)}” not found in this run.", icon=":material/link_off:")
    chosen = choose_or_none(
        label, ANY, classes, key, width=220, closes=[PAGE], on_change=_mark_anew
    )
    return chosen or ANY


def _mark_anew() -> None:
    # A chart keeps its selection as long as it has the same key.
    st.session_state[_CHARTS] = st.session_state.get(_CHARTS, 0) + 1
