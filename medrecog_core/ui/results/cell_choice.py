"""Which cell of a run is looked at: by a click in the heat map, a select box or the address."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.ui.plain_text import literal

BEST = "the best"
"""In place of a cell: the best one in whatever measure is shown."""

CELL = "cell"
"""Name of the cell in the address."""


def choose_cell(names: Sequence[str]) -> str:
    """Show a select box of the finished cells; return the chosen one, empty for the best."""
    asked = st.session_state.get(CELL, st.query_params.get(CELL, BEST))
    if asked not in (BEST, *names):
        st.info(f"The cell {literal(asked)} is not finished: the best one is shown.")
        st.session_state[CELL] = BEST
    chosen: str = st.selectbox("Cell", [BEST, *names], key=CELL, bind="query-params", width=420)
    return "" if chosen == BEST else chosen


def take_cell(name: str) -> None:
    """Look at a cell from now on; called before the select box is shown."""
    st.session_state[CELL] = name


def forget_cell() -> None:
    """Look at the best cell, as the run is another one."""
    take_cell(BEST)
