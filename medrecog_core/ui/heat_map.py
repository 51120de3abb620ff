"""The grid as a heat map whose cells can be clicked."""

from collections.abc import Callable, Collection, Sequence

import streamlit as st

from medrecog_core.features import AnyCell
from medrecog_core.networks import Network
from medrecog_core.reports.figures.heat_map import (
    BELOW_MARK,
    BEST_MARK,
    EQUAL_MARK,
    SELECTION,
    describe_heat_map,
    draw_heat_map,
)
from medrecog_core.runs import CellResult
from medrecog_core.runs.comparison import RankedCell
from medrecog_core.ui.chart import show_chart
from medrecog_core.ui.methods.lessons import INPUT_SIZE, POOLING, SVM, lesson_links
from medrecog_core.ui.quantities import counted

TO_ONE, OF_RUN = "Chance to 1", "This run's range"


def show_heat_map(
    cells: Sequence[AnyCell],
    results: Sequence[CellResult],
    network: Network,
    measure: str,
    ranked: Sequence[RankedCell] = (),
    key: str | None = None,
    take_cell: Callable[[str], None] | None = None,
    is_stretched: bool = False,
    unbeaten: Collection[str] = (),
) -> None:
    """Draw the grid; see `draw_heat_map`."""
    words = describe_heat_map(results, measure)
    if key is None or take_cell is None:
        show_chart(
            draw_heat_map(cells, results, network, measure, ranked), width="stretch", alt=words
        )
        return

    def take_clicked() -> None:
        for clicked in st.session_state[key].selection.get(SELECTION, []):
            take_cell(clicked["name"])

    chart = draw_heat_map(
        *(cells, results, network, measure, ranked),
        clickable=True,
        is_stretched=is_stretched,
        unbeaten=unbeaten,
    )
    show_chart(chart, width="stretch", key=key, on_select=take_clicked, alt=words)


def choose_range() -> bool:
    """Show the choice of the range of colours; return whether it is that of the run's values."""
    chosen = st.segmented_control(
        "Colour range",
        [TO_ONE, OF_RUN],
        default=TO_ONE,
        required=True,
        key="range",
        bind="query-params",
        wrap=True,
        help="Chance is the share of the largest test class for the accuracy, 1/number of classes "
        "for the balanced accuracy, 0.5 for the AUC, and 0 for the other measures.",
    )
    return chosen == OF_RUN


def show_legend(ranked: Sequence[RankedCell], lowest: float) -> None:
    """Show what the marks in the heat map mean."""
    below = ""
    if any(each.estimate.value < lowest for each in ranked):
        below = f" {BELOW_MARK} below chance ({lowest:.3f})."
    second, about = "Second line: 95 % CI.", lesson_links(INPUT_SIZE, POOLING, SVM)
    if len(ranked) < 2:
        st.caption(f"{BEST_MARK} the only finished cell. {second}{below}", help=about)
        return
    equal = sum(each.ranked.is_indistinguishable for each in ranked) - 1
    tests = "paired tests, Holm-corrected, α = 5 %"
    others = (
        f"{EQUAL_MARK} not significantly different from the best "
        f"({counted(equal, 'cell')}; {tests})"
        if equal
        else f"all other cells are significantly worse ({tests})"
    )
    st.caption(f"{BEST_MARK} best cell · {others}. {second}{below}", help=about)
