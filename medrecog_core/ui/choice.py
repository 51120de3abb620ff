"""A choice that is part of the address, so that a link shows the same to others."""

from collections.abc import Callable, Sequence

import streamlit as st

from medrecog_core.ui.plain_text import literal


def choose(
    label: str,
    options: Sequence[str],
    key: str,
    width: int = 420,
    on_change: Callable[[], None] | None = None,
    falls_back: bool = True,
) -> str:
    """Return the option of the address, else the first; stop the page if it must not fall back."""
    # `key` is the name in the address. Every page needs its own: Streamlit drops the value from a
    # link between two pages that share a key.
    asked = st.query_params.get(key)
    is_lost = asked is not None and asked not in options
    if is_lost:
        shown = f" Showing “{literal(options[0])}”." if falls_back else ""
        st.warning(
            f"{label} “{literal(asked)}” not found. It may have been deleted or belong to another "
            f"server.{shown}",
            icon=":material/link_off:",
        )
    # The box stays empty in later reruns, in which the lost name is no longer in the address.
    is_empty = not falls_back and (is_lost or st.session_state.get(key, "") is None)
    # Streamlit leaves a widget's own default out of the address, and tomorrow's first option may
    # be another one; set like this, the choice is always in it.
    if st.session_state.get(key) not in options:
        first = None if is_empty else options[0]
        st.session_state[key] = asked if asked in options else first
    chosen = st.selectbox(
        label,
        options,
        index=None,
        placeholder=f"Select a {label.lower()}" if is_empty else options[0],
        key=key,
        bind="query-params",
        width=width,
        on_change=on_change,
    )
    if chosen is None and not falls_back:
        st.stop()
    return chosen if chosen is not None else options[0]
