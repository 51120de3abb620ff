"""The grid as a heat map whose cells can be clicked."""

from collections.abc import Callable, Sequence

import streamlit as st

from medrecog_core.features import AnyCell
from medrecog_core.networks import Network
from medrecog_core.reports.figures.heat_map import (
    BEST_MARK,
    EQUAL_MARK,
    SELECTION,
    describe_heat_map,
    draw_heat_map,
)
from medrecog_core.runs import CellResult
from medrecog_core.runs.ranked_cells import RankedCell
from medrecog_core.ui.quantities import counted


def show_heat_map(
    cells: Sequence[AnyCell],
    results: Sequence[CellResult],
    network: Network,
    measure: str,
    ranked: Sequence[RankedCell] = (),
    key: str | None = None,
    take_cell: Callable[[str], None] | None = None,
) -> None:
    """Draw the grid; see `draw_heat_map`."""
    words = describe_heat_map(results, measure)
    if key is None or take_cell is None:
        st.altair_chart(
            draw_heat_map(cells, results, network, measure, ranked), width="stretch", alt=words
        )
        return

    def take_clicked() -> None:
        for clicked in st.session_state[key].selection.get(SELECTION, []):
            take_cell(clicked["name"])

    chart = draw_heat_map(cells, results, network, measure, ranked, clickable=True)
    st.altair_chart(chart, width="stretch", key=key, on_select=take_clicked, alt=words)


def show_legend(ranked: Sequence[RankedCell]) -> None:
    """Show what the marks in the heat map mean."""
    if len(ranked) < 2:
        st.caption(f"{BEST_MARK} the only finished cell. Hover over it for its 95 % interval.")
        return
    equal = sum(each.ranked.is_indistinguishable for each in ranked) - 1
    tests = "paired tests, Holm-corrected, α = 5 %"
    others = (
        f"{EQUAL_MARK} not significantly different from the best "
        f"({counted(equal, 'cell')}; {tests})"
        if equal
        else f"all other cells are significantly worse ({tests})"
    )
    st.caption(f"{BEST_MARK} best cell · {others}. Hover over a cell for its 95 % interval.")
