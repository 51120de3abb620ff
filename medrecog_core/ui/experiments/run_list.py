"""The list of runs: search, open, rename, delete; and the queue."""

import time

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.queue import jobs_before
from medrecog_core.mode import is_viewer
from medrecog_core.runs import Run, search_runs
from medrecog_core.ui.choice import open_object
from medrecog_core.ui.jobs import show_status
from medrecog_core.ui.plain_text import literal

FOLLOWED = "followed"
"""Key of the session state with the run whose progress is shown."""
SEEN = "experiment"
"""Name in the address of the run whose progress or settings are shown."""

_SHOWN = 50
_N_SHOWN = "runs-shown"


def follow(run_id: str) -> None:
    """Show the progress of a run from now on."""
    st.session_state[FOLLOWED] = run_id


def show_runs(runs: list[Run]) -> None:
    """Show runs, the newest first, with their buttons."""
    text = st.text_input(
        "Search",
        key="run-search",
        bind="query-params",
        placeholder="Title, data set, layer, input size or status",
        icon=":material/search:",
        width=420,
    )
    found = search_runs(runs, text or "")
    if not found:
        st.info(f"No runs match “{literal(text)}”.", icon=":material/search_off:")
    n_shown = st.session_state.get(_N_SHOWN, _SHOWN)
    for run in found[:n_shown]:
        _show_run(run)
    if len(found) > n_shown:
        st.caption(f"Showing {n_shown:,} of {len(found):,} runs.")
        st.button(
            "Show more",
            key="more-runs",
            on_click=st.session_state.__setitem__,
            args=(_N_SHOWN, n_shown + _SHOWN),
        )


def show_queue(run: Run) -> None:
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


def _show_run(run: Run) -> None:
    state = run.state()
    with st.container(horizontal=True, vertical_alignment="center"):
        show_status(state)
        st.page_link("pages/3_Results.py", label=literal(run.title), query_params={"run": run.id})
        st.caption(time.strftime("%Y-%m-%d %H:%M", time.localtime(state.created)))
        if is_viewer():
            st.button(
                "Settings",
                key=f"see-{run.id}",
                on_click=open_object,
                args=(SEEN, run.id),
                type="tertiary",
            )
            return
        st.button(
            "View progress",
            key=f"follow-{run.id}",
            on_click=follow,
            args=(run.id,),
            type="tertiary",
        )
        with st.popover("Rename", type="tertiary", key=f"ask-name-{run.id}"):
            st.text_input(
                "Title",
                value="" if run.title == run.id else run.title,
                key=f"title-{run.id}",
                placeholder=run.id,
                max_chars=100,
            )
            st.button("Rename", key=f"rename-{run.id}", on_click=_rename, args=(run,))
        if state.has_ended:
            with st.popover("Delete", type="tertiary", key=f"ask-{run.id}"):
                st.write(
                    f"Delete “{literal(run.title)}”? Its results are removed permanently; cached "
                    "features are kept."
                )
                st.button(
                    f"Delete {literal(run.id)}",
                    key=f"delete-{run.id}",
                    on_click=_delete,
                    args=(run,),
                )


def _rename(run: Run) -> None:
    try:
        # From the session state: an argument would be the title before the last change.
        run.rename(st.session_state[f"title-{run.id}"])
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")


def _delete(run: Run) -> None:
    try:
        run.delete()
        st.toast(f"Deleted {literal(run.id)}.", icon=":material/delete:")
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
        return
    if st.session_state.get(FOLLOWED) == run.id:
        del st.session_state[FOLLOWED]
        st.query_params.pop(SEEN, None)
