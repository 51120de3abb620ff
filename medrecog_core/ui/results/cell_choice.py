"""The selected cell of a run: by a click in the heat map, a select box or the address."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.ui.choice import choose_or_none, named, open_object
from medrecog_core.ui.plain_text import literal

BEST = "the best"
"""Instead of a cell: the best one by the measure that is shown."""

CELL = "cell"
"""Name of the cell in the address."""


def choose_cell(names: Sequence[str]) -> str:
    """Show a select box of the finished cells; return the selected one, empty for the best."""
    asked = named(CELL)
    if asked is not None and asked not in names:
        st.info(
            f"Cell “{literal(asked)}” does not exist in this run or is not finished. Showing the "
            "best cell."
        )
    return choose_or_none("Cell", BEST, names, CELL) or ""


def take_cell(name: str) -> None:
    """Open a cell; called before the select box is shown."""
    open_object(CELL, name)
