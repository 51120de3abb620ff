"""The grid as a heat map whose cells can be clicked."""

from collections.abc import Sequence

import streamlit as st

from medrecog_core.experiments import CellResult
from medrecog_core.experiments.ranked_cells import RankedCell
from medrecog_core.features import AnyCell
from medrecog_core.networks import Network
from medrecog_core.reports.figures.heat_map import SELECTION, describe_heat_map, draw_heat_map


def show_heat_map(
    cells: Sequence[AnyCell],
    results: Sequence[CellResult],
    network: Network,
    measure: str,
    key: str | None = None,
    ranked: Sequence[RankedCell] = (),
) -> AnyCell | None:
    """Draw the grid; see `draw_heat_map`.

    Parameters
    ----------
    cells, results, network, measure, ranked
        As for `draw_heat_map`.
    key
        Where it is given, cells can be clicked.

    Returns
    -------
    Cell or None
        The cell that was clicked last.
    """
    is_clickable = key is not None
    chart = draw_heat_map(cells, results, network, measure, ranked, clickable=is_clickable)
    words = describe_heat_map(results, measure)
    if key is None:
        st.altair_chart(chart, width="stretch", alt=words)
        return None
    event = st.altair_chart(chart, width="stretch", on_select="rerun", key=key, alt=words)
    clicked = event.selection.get(SELECTION, [])
    by_name = {cell.name: cell for cell in cells}
    return by_name.get(clicked[0]["name"]) if clicked else None
