"""What can be done with the selected runs."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

import streamlit as st

from medrecog_core.errors import MedrecogError
from medrecog_core.jobs.state import RESUMABLE
from medrecog_core.jobs.work import resume
from medrecog_core.mode import is_viewer
from medrecog_core.ownership import may_change
from medrecog_core.runs import RUN_TRASH, ListedRun, find_run, list_runs
from medrecog_core.runs.labels import LONGEST_NOTE
from medrecog_core.runs.naming import rename_run
from medrecog_core.runs.run import LONGEST_TITLE
from medrecog_core.ui.choice import open_object
from medrecog_core.ui.experiments.followed import FOLLOWED, SEEN, follow
from medrecog_core.ui.jobs import note_started
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal, literal_error
from medrecog_core.ui.sign_in import dialog
from medrecog_core.ui.trash import forget_deleted, note_deleted

_CHANGED = "runs changed"
_NAMES_SHOWN = 5
_NAME, _TAGS, _NOTE = "name of run", "tags of run", "note on run"


def show_actions(rows: Sequence[ListedRun]) -> None:
    """Show the names of the selected runs, and buttons for what can be done with them."""
    ids = tuple(row.run.id for row in rows)
    names = ", ".join(f"**{literal(row.name)}**" for row in rows[:_NAMES_SHOWN])
    more = f" and {len(rows) - _NAMES_SHOWN:,} more" if len(rows) > _NAMES_SHOWN else ""
    st.markdown(f"Selected: {names}{more}")
    for row in rows[:_NAMES_SHOWN]:
        if row.reason:
            st.error(literal_error(row.reason), icon=":material/error:")
    with st.container(horizontal=True, vertical_alignment="center"):
        _show_links(rows)
        if not is_viewer():
            _show_changes(rows, ids)


def has_changed() -> bool:
    """Return whether an action changed a run since this was asked last."""
    return bool(st.session_state.pop(_CHANGED, False))


def note_change() -> None:
    """Have the list of runs read again."""
    st.session_state[_CHANGED] = True


def _show_links(rows: Sequence[ListedRun]) -> None:
    first, others = rows[0].run.id, [row.run.id for row in rows[1:]]
    if others:
        st.page_link(
            "pages/3_Results.py",
            label="Compare",
            icon=":material/compare_arrows:",
            query_params={"run": first, "compare": ",".join(others)},
        )
        return
    st.page_link(
        "pages/3_Results.py", label="Open", icon=":material/grid_on:", query_params={"run": first}
    )
    if is_viewer():
        _button("Settings", "tune", (first,), _open_settings)
    else:
        _button("View progress", "monitoring", (first,), _follow)


def _show_changes(rows: Sequence[ListedRun], ids: tuple[str, ...]) -> None:
    if len(rows) == 1 and st.button("Edit", icon=":material/edit:", key=f"edit {ids[0]}"):
        _edit(ids[0])
    own = [row for row in rows if may_change(row.run.path)]
    resumable = tuple(row.run.id for row in own if row.state.status in RESUMABLE)
    if resumable:
        _button("Resume", "play_arrow", resumable, _resume)
    is_pinned = all(row.labels.pinned for row in rows)
    _button("Unpin" if is_pinned else "Pin", "star", ids, _pin, not is_pinned)
    is_archived = all(row.labels.archived for row in rows)
    _button(
        "Unarchive" if is_archived else "Archive",
        "archive",
        ids,
        _archive,
        not is_archived,
    )
    deletable = {row.run.id: row.name for row in own if row.state.has_ended}
    if deletable:
        of = "ended" if len(own) == len(rows) else "of yours"
        label = "Delete" if len(deletable) == len(rows) else f"Delete {len(deletable):,} {of}"
        _button(label, "delete", tuple(deletable), _delete, deletable)


def _button(
    label: str, icon: str, ids: tuple[str, ...], action: Callable[..., None], *arguments: object
) -> None:
    # The key names the runs: a click on a button of another selection does nothing.
    digest = sha256("\n".join(ids).encode()).hexdigest()[:16]
    st.button(
        label,
        icon=f":material/{icon}:",
        key=f"{label.split(maxsplit=1)[0]} {digest}",
        on_click=_attempt,
        args=(action, ids, *arguments),
    )


def _attempt(action: Callable[..., None], ids: tuple[str, ...], *arguments: object) -> None:
    forget_deleted(RUN_TRASH)
    try:
        action(ids, *arguments)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    note_change()


def _open_settings(ids: tuple[str, ...]) -> None:
    open_object(SEEN, ids[0])


def _follow(ids: tuple[str, ...]) -> None:
    follow(ids[0])


def _resume(ids: tuple[str, ...]) -> None:
    for run_id in ids:
        run = find_run(run_id)
        resume(run)
        note_started(run)
    follow(ids[0])


def _pin(ids: tuple[str, ...], value: bool) -> None:
    for run_id in ids:
        run = find_run(run_id)
        run.write_labels(replace(run.labels(), pinned=value))


def _archive(ids: tuple[str, ...], value: bool) -> None:
    for run_id in ids:
        run = find_run(run_id)
        run.write_labels(replace(run.labels(), archived=value))


def _delete(ids: tuple[str, ...], names: dict[str, str]) -> None:
    deleted: dict[str, str] = {}
    try:
        for run_id in ids:
            find_run(run_id).delete()
            deleted[run_id] = names[run_id]
    finally:
        note_deleted(RUN_TRASH, deleted)
        if st.session_state.get(FOLLOWED) in deleted:
            del st.session_state[FOLLOWED]
            st.query_params.pop(SEEN, None)


@dialog("Edit run")
def _edit(run_id: str) -> None:
    if has_changed():
        st.rerun()  # which closes the dialog
    with shown_errors():
        run, rows = find_run(run_id), list_runs()
        labels = run.labels()
        described = next((row.name for row in rows if row.run.id == run_id), run_id)
        with st.form(f"edit run {run_id}", border=False):
            st.text_input(
                "Name",
                value="" if run.title == run_id else run.title,
                key=f"{_NAME} {run_id}",
                placeholder=described,
                max_chars=LONGEST_TITLE,
                disabled=not may_change(run.path),
            )
            st.multiselect(
                "Tags",
                sorted({tag for row in rows for tag in row.labels.tags}),
                default=labels.tags,
                key=f"{_TAGS} {run_id}",
                accept_new_options=True,
                placeholder="Add tags",
            )
            st.text_area("Note", value=labels.note, key=f"{_NOTE} {run_id}", max_chars=LONGEST_NOTE)
            st.caption(f"`{run_id}`")
            st.form_submit_button("Save", type="primary", on_click=_save, args=(run_id,))


def _save(run_id: str) -> None:
    title, tags, note = (st.session_state[f"{key} {run_id}"] for key in (_NAME, _TAGS, _NOTE))
    try:
        run = find_run(run_id)
        labels = replace(run.labels(), tags=tuple(tags), note=note)
        if may_change(run.path):
            rename_run(run, title)
        run.write_labels(labels)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    else:
        note_change()
