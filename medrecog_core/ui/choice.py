"""A choice of one thing that stands in the address, so that the link shows it to others too."""

from collections.abc import Callable, Sequence

import streamlit as st

from medrecog_core.ui.plain_text import literal


def choose(
    label: str,
    options: Sequence[str],
    key: str,
    width: int = 420,
    on_change: Callable[[], None] | None = None,
) -> str:
    """Show a select box and return what is chosen: from the address, else the first option."""
    asked = st.query_params.get(key)
    if asked is not None and asked not in options:
        st.warning(
            f"There is no {label.lower()} “{literal(asked)}” here: {literal(options[0])} is shown.",
            icon=":material/link_off:",
        )
    # Streamlit leaves a widget's own default out of the address, and tomorrow's first option may
    # be another one; set like this, the choice is always in it.
    if st.session_state.get(key) not in options:
        st.session_state[key] = asked if asked in options else options[0]
    chosen = st.selectbox(
        label,
        options,
        index=None,
        placeholder=options[0],
        key=key,
        bind="query-params",
        width=width,
        on_change=on_change,
    )
    return chosen if chosen is not None else options[0]
