"""The list of runs: search, follow, rename, delete, logs; and who waits for whom."""

import time

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.queue import jobs_before
from medrecog_core.mode import is_viewer
from medrecog_core.runs import Run, search_runs
from medrecog_core.ui.jobs import show_status
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted

FOLLOWED = "followed"
"""Key of the session state that names the run which is followed."""
SEEN = "experiment"
"""Name in the address of the run that is followed, or that a read-only view shows."""

_SHOWN = 50


def follow(run_id: str) -> None:
    """Show a run live from now on."""
    st.session_state[FOLLOWED] = run_id


def show_runs(runs: list[Run]) -> None:
    """Show runs, the newest first, with what can be done about each."""
    text = st.text_input(
        "Search",
        key="run-search",
        bind="query-params",
        placeholder="Title, data set, layer, scale or status",
        icon=":material/search:",
        width=420,
    )
    found = search_runs(runs, text or "")
    if not found:
        st.info(f"No run is described by “{literal(text)}”.", icon=":material/search_off:")
    for run in found[:_SHOWN]:
        _show_run(run)
    if len(found) > _SHOWN:
        st.caption(f"{counted(len(found) - _SHOWN, 'older run')} not shown: search for them.")


def show_queue(run: Run) -> None:
    """Say what a waiting run waits for."""
    before = jobs_before(run)
    if not before:
        st.caption("It is its turn: it starts in a moment.")
        return
    st.caption(
        f"Place {len(before)} in the queue. It starts by itself after "
        + ("this run:" if len(before) == 1 else f"these {len(before)} runs:")
    )
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
                on_click=st.session_state.__setitem__,
                args=(SEEN, run.id),
                type="tertiary",
            )
            return
        st.button(
            "Follow", key=f"follow-{run.id}", on_click=follow, args=(run.id,), type="tertiary"
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
                st.write(f"The results of {literal(run.title)} go; descriptors stay in the store.")
                st.button(
                    f"Delete {literal(run.id)}",
                    key=f"delete-{run.id}",
                    on_click=_delete,
                    args=(run,),
                )


def _rename(run: Run) -> None:
    try:
        # What is typed when the button is pressed; an argument would be what it was before.
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
