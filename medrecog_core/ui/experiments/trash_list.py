"""Deleted runs, which can be restored."""

import time

import streamlit as st

from medrecog_core.access import Action
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_allowed
from medrecog_core.ownership import may_change
from medrecog_core.runs.trash import DAYS_KEPT, DeletedRun, deleted_runs, empty_trash, restore_run
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.sign_in import dialog

_OPEN, _CHOSEN = "trash-open", "trash-chosen"


def show_trash() -> None:
    """Show the trash in an expander, which is read while it is open."""
    section = st.expander("Trash", key=_OPEN, on_change="rerun", icon=":material/delete:")
    if not section.open:
        return
    with section, shown_errors():
        found = {run.id: run for run in deleted_runs() if may_change(run.path)}
        if not found:
            st.caption(f"Deleted runs can be restored here for {DAYS_KEPT} days.")
            return
        st.multiselect(
            "Deleted runs",
            list(found),
            key=_CHOSEN,
            format_func=lambda run_id: _described(found[run_id]) if run_id in found else run_id,
            placeholder=f"{counted(len(found), 'run')}, the last deleted first",
        )
        with st.container(horizontal=True):
            st.button(
                "Restore",
                icon=":material/restore_from_trash:",
                disabled=not st.session_state[_CHOSEN],
                on_click=_restore,
                key="restore-runs",
            )
            can_empty = is_allowed(Action.MANAGE)
            if can_empty and st.button("Empty trash", icon=":material/delete_forever:"):
                _confirm()


def _described(run: DeletedRun) -> str:
    deleted = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.deleted))
    return f"{run.title} (deleted {deleted}, {counted(run.days_left, 'day')} left)"


def _restore() -> None:
    try:
        for run_id in st.session_state[_CHOSEN]:
            restore_run(run_id)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    st.session_state[_CHOSEN] = []


@dialog("Empty trash")
def _confirm() -> None:
    n_deleted = len(deleted_runs())
    st.write(f"Remove {counted(n_deleted, 'deleted run')} and their results permanently?")
    if st.button("Remove permanently", type="primary", icon=":material/delete_forever:"):
        with shown_errors():
            empty_trash()
            st.rerun()
