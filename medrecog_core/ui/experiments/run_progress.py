"""How a run is doing, kept up to date while it works."""

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import RunFolder
from medrecog_core.jobs.state import JobState
from medrecog_core.jobs.work import resume, stop
from medrecog_core.mode import is_viewer
from medrecog_core.networks import find_network
from medrecog_core.ui.experiments.run_list import show_log, show_queue
from medrecog_core.ui.heat_map import show_heat_map
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.quantities import counted, duration
from medrecog_core.ui.run_status import show_status


def show_live(run: RunFolder) -> None:
    """Show a run, again every second while it is at work, with a button that stops it."""
    shown = run.state()

    @st.fragment(run_every=None if shown.has_ended else "1s")
    def live() -> None:
        state = run.state()
        if state.status != shown.status:
            st.rerun()  # the whole page: its list, and the clock that starts and stops with the run
        with shown_errors():
            _show_once(run, state)

    live()


def _show_once(run: RunFolder, state: JobState) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show_status(state)
        st.markdown(f"`{run.id}`" if run.title == run.id else f"**{run.title}** `{run.id}`")
    if not state.has_ended:
        if state.status == "queued" and state.stage:
            show_queue(run)
        else:
            _show_stage(state)
            _show_time_left(state)
        stopping = state.status == "stopping"
        if not is_viewer():
            st.button(
                "Stopping …" if stopping else "Stop",
                disabled=stopping,
                icon=":material/stop:",
                key=f"stop-{run.id}",
                on_click=_attempt,
                args=(stop, run),
                help="What is done is kept; the run can be carried on later.",
            )
    elif state.error:
        st.error(state.error, icon=":material/error:")
    elif state.status == "interrupted":
        st.warning(
            "Its process ended without a word, or has been silent; what was done is kept.",
            icon=":material/power_off:",
        )
    if state.status in ("stopped", "interrupted", "failed") and not is_viewer():
        st.button(
            "Carry on",
            icon=":material/play_arrow:",
            key=f"resume-{run.id}",
            on_click=_attempt,
            args=(resume, run),
        )
    skipped = run.record().get("skipped", [])
    if skipped:
        with st.expander(f"{counted(len(skipped), 'image')} could not be read and left out"):
            st.dataframe(skipped, hide_index=True)
    results = run.cells()
    specification = run.specification()
    if results or not state.has_ended:
        show_heat_map(specification.cells, results, find_network(specification.network), "accuracy")
    if state.status == "finished":
        st.page_link(
            "pages/3_Results.py",
            label="Look at the results",
            icon=":material/grid_on:",
            query_params={"run": run.id},
        )
    show_log(run)


def _show_stage(state: JobState) -> None:
    if not state.total:
        st.progress(0.0, text=(state.stage.label if state.stage else "Starting") + " …")
        return
    words = f"{state.stage.label if state.stage else 'Working'}: {state.done:,} of {state.total:,}"
    if state.rate and state.done < state.total:
        words += f", {state.rate:.1f} a second"
        if state.stage_seconds_left is not None:
            words += f", about {duration(state.stage_seconds_left)} left"
    st.progress(min(1.0, state.done / state.total), text=words)


def _show_time_left(state: JobState) -> None:
    if state.job_seconds_left is not None:
        st.caption(
            f":material/schedule: About {duration(state.job_seconds_left)} to the end of the run, "
            "over all scales and SVMs."
        )


def _attempt(action, run: RunFolder) -> None:  # type: ignore[no-untyped-def]
    try:
        action(run)
    except MedrecogError as error:
        st.toast(str(error), icon=":material/error:")
