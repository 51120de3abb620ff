"""The Experiments page in a read-only view: runs, their progress and settings."""

import time

import streamlit as st

from medrecog_core.runs import ListedRun
from medrecog_core.runs.description import used_settings
from medrecog_core.ui.experiments.followed import SEEN
from medrecog_core.ui.experiments.run_list import show_runs
from medrecog_core.ui.experiments.run_progress import show_live
from medrecog_core.ui.jobs import show_status
from medrecog_core.ui.listed_runs import choose_run
from medrecog_core.ui.page import show_absence
from medrecog_core.ui.plain_text import literal, literal_error


def view_runs(rows: list[ListedRun]) -> None:
    """Show one run with its settings, and the list of runs."""
    if not rows:
        show_absence("runs")
        return
    chosen = choose_run(rows, SEEN)
    with st.container(border=True):
        _show_state(chosen)
        st.table({name: literal(value) for name, value in used_settings(chosen.run).items()})
    st.subheader("Runs")
    show_runs(rows)


def _show_state(row: ListedRun) -> None:
    run, state = row.run, row.state
    if not state.has_ended:
        show_live(run, row.name)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        show_status(state)
        st.markdown(f"**{literal(row.name)}**")
        st.caption(time.strftime("%Y-%m-%d %H:%M", time.localtime(state.created)))
    if state.error:
        st.error(literal_error(state.error), icon=":material/error:")
    st.page_link(
        "pages/3_Results.py",
        label="Open results",
        icon=":material/grid_on:",
        query_params={"run": run.id},
    )
