"""The selected cell of a run: by a click in the heat map, a select box or the address."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.ui.plain_text import literal

BEST = "the best"
"""Instead of a cell: the best one by the measure that is shown."""

CELL = "cell"
"""Name of the cell in the address."""


def choose_cell(names: Sequence[str]) -> str:
    """Show a select box of the finished cells; return the selected one, empty for the best."""
    asked = st.session_state.get(CELL, st.query_params.get(CELL, BEST))
    if asked not in (BEST, *names):
        st.info(
            f"Cell “{literal(asked)}” does not exist in this run or is not finished. Showing the "
            "best cell."
        )
        st.session_state[CELL] = BEST
    chosen: str = st.selectbox("Cell", [BEST, *names], key=CELL, bind="query-params", width=420)
    return "" if chosen == BEST else chosen


def take_cell(name: str) -> None:
    """Select a cell; called before the select box is shown."""
    st.session_state[CELL] = name


def forget_cell() -> None:
    """Select the best cell, because another run was selected."""
    take_cell(BEST)
