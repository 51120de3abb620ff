"""Explore: the images of a run as a map, and images that are similar to each other."""

import streamlit as st

from medrecog_core.reports.measures import best_cell
from medrecog_core.runs import Run
from medrecog_core.ui.choice import choose_setting
from medrecog_core.ui.explore.embedding_map import ON_EXPLORE, show_embedding_map
from medrecog_core.ui.listed_runs import choose_run, listed_runs, show_no_runs
from medrecog_core.ui.page import RESEARCH_ONLY, open_page, shown_errors
from medrecog_core.ui.sign_in import fragment

open_page("Explore")


# A selection in the map computes this part of the page only.
@fragment
def show_run(run: Run) -> None:
    with shown_errors():
        results = {result.cell.name: result for result in run.cells()}
        if not results:
            st.info("This run has no finished cell yet.", icon=":material/hourglass_empty:")
            return
        best = best_cell(list(results.values()), "accuracy").name
        names = [best, *(name for name in results if name != best)]
        cell = choose_setting("Cell", names, key="mapped")
        show_embedding_map(run, results[cell], ON_EXPLORE)


with shown_errors():
    runs = listed_runs()
    if not runs:
        show_no_runs()
    else:
        show_run(choose_run(runs, "explored", closes=[ON_EXPLORE.similar, ON_EXPLORE.page]).run)
    st.caption(RESEARCH_ONLY)
