"""A choice of one thing that stands in the address, so that the link shows it to others too."""

from collections.abc import Sequence

import streamlit as st


def choose(label: str, options: Sequence[str], key: str, width: int = 420) -> str:
    """Show a select box and return what is chosen: from the address, else the first option.

    Parameters
    ----------
    label
        Above the box.
    options
        At least one.
    key
        Name of the choice in the address.
    width
        In pixels; narrower screens shrink it.
    """
    # Streamlit leaves a widget's own default out of the address, and tomorrow's first option may
    # be another one; set like this, the choice is always in it.
    if key not in st.session_state and key not in st.query_params:
        st.session_state[key] = options[0]
    chosen = st.selectbox(
        label,
        options,
        index=None,
        placeholder=options[0],
        key=key,
        bind="query-params",
        width=width,
    )
    return chosen if chosen is not None else options[0]
