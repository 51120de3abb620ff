"""The list of runs: search, a table, actions on the selected runs, and the trash."""

import streamlit as st

from medrecog_core.mode import is_viewer
from medrecog_core.runs import RUN_TRASH, ListedRun, Run, search_runs
from medrecog_core.ui.experiments.run_actions import has_changed, note_change, show_actions
from medrecog_core.ui.experiments.run_table import choose_runs
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.sign_in import fragment
from medrecog_core.ui.trash import offer_undo, show_trash

_ARCHIVED = "run-archived"


def show_runs(rows: list[ListedRun]) -> None:
    """Show runs as a table, with search and actions."""
    offer_undo(RUN_TRASH, then=note_change)
    if rows:
        _show_list(rows)
    _watch({row.run.id: row.state.status for row in rows if not row.state.has_ended})
    if not is_viewer():
        show_trash(RUN_TRASH)


# A search or a selection computes this part of the page only.
@fragment
def _show_list(rows: list[ListedRun]) -> None:
    if has_changed():
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search",
            key="run-search",
            bind="query-params",
            placeholder="busi C 0.01 accuracy > 0.9",
            icon=":material/search:",
            width=420,
            help="Words, “quoted phrases”, settings (C 0.01, seed 7, status failed, tag paper) and "
            "comparisons (accuracy > 0.9, n >= 100). A run must match all of them.",
        )
        n_archived = sum(row.labels.archived for row in rows)
        if n_archived:
            st.toggle(f"Show archived ({n_archived:,})", key=_ARCHIVED)
    is_all = not n_archived or st.session_state[_ARCHIVED]
    listed = [row for row in rows if is_all or not row.labels.archived]
    with shown_errors():
        found = search_runs(listed, text or "")
    if not found:
        words = f"No runs match “{literal(text)}”." if text else "All runs are archived."
        st.info(words, icon=":material/search_off:")
        return
    chosen = choose_runs(found)
    if not chosen:
        shown = counted(len(found), "run")
        if len(found) < len(listed):
            shown = f"{len(found):,} of {counted(len(listed), 'run')}"
        st.caption(f"{shown}. Select rows to open, compare or change them.")
    else:
        show_actions(chosen)


def _watch(active: dict[str, str]) -> None:
    """Show the whole page again when the status of an active run changes."""

    @fragment(run_every="3s" if active else None)
    def watch() -> None:
        if any(Run(run_id).state().status != status for run_id, status in active.items()):
            st.rerun()

    watch()
