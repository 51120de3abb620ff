"""The progress of a run, updated while it is active."""

from dataclasses import replace

import streamlit as st

from medrecog_core.jobs.queue import jobs_before
from medrecog_core.jobs.state import JobState
from medrecog_core.networks import find_network
from medrecog_core.runs import Run
from medrecog_core.ui.experiments.followed import follow, scroll_to_followed
from medrecog_core.ui.heat_map import show_heat_map
from medrecog_core.ui.jobs import progress_text, show_job_buttons, show_stage, show_status
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.sign_in import fragment


def show_live(run: Run, name: str) -> None:
    """Show a run and its buttons, updated every second while it is active."""
    shown = run.state()
    scroll_to_followed()

    @fragment(run_every=None if shown.has_ended else "1s")
    def live() -> None:
        state = run.state()
        if state.status != shown.status:
            st.rerun()  # the whole page: the list of runs and the timer depend on the status
        with shown_errors():
            _show_once(run, name, state)

    live()


def _show_once(run: Run, name: str, state: JobState) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show_status(state)
        st.markdown(f"**{literal(name)}** `{run.id}`")
        if run.starter is not None:
            st.caption(f"started by {literal(run.starter.name)}")
    if state.status == "queued" and state.stage:
        _show_queue(run)
    else:
        show_stage(state)
    show_job_buttons(run, state)
    if (record := run.record()) and record.skipped:
        with st.expander(f"{counted(len(record.skipped), 'unreadable image')} skipped"):
            st.dataframe([each.model_dump() for each in record.skipped], hide_index=True)
    results = run.cells()
    specification = run.specification()
    if state.status != "finished":
        st.caption(_done(state, len(results), len(specification.cells)))
    if results or not state.has_ended:
        show_heat_map(specification.cells, results, find_network(specification.network), "accuracy")
    if state.status == "finished":
        st.page_link(
            "pages/3_Results.py",
            label="Open results",
            icon=":material/grid_on:",
            query_params={"run": run.id},
        )


def _done(state: JobState, n_finished: int, n_cells: int) -> str:
    """Return how far an unfinished run came."""
    cells = f"{n_finished:,} of {counted(n_cells, 'cell')} finished"
    if state.has_ended and state.stage is not None and state.total:
        return f"{progress_text(replace(state, rate=0.0))} · {cells}"
    return cells


def _show_queue(run: Run) -> None:
    """Show the position of a queued run and the runs before it."""
    before = jobs_before(run)
    if not before:
        st.caption("Next in the queue; starting soon.")
        return
    st.caption(f"Position {len(before)} in the queue. Starts automatically after:")
    for other in before:
        with st.container(horizontal=True, vertical_alignment="center"):
            show_status(other.state())
            st.button(
                literal(other.title),
                key=f"follow-{other.id}-before-{run.id}",
                type="tertiary",
                on_click=follow,
                args=(other.id,),
            )
