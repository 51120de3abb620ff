"""Deleted runs or models: Undo for what was deleted last, and a list to restore from."""

import time
from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from medrecog_core.access import Action
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import is_allowed
from medrecog_core.ownership import may_change
from medrecog_core.trash import DAYS_KEPT, Deleted, Trash
from medrecog_core.ui.page import shown_errors
from medrecog_core.ui.plain_text import literal
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.sign_in import dialog

_NAMES_SHOWN = 5


def note_deleted(trash: Trash, titles: Mapping[str, str]) -> None:
    """Remember what was deleted, as titles by name, for `offer_undo`."""
    st.session_state[_last(trash)] = dict(titles)


def forget_deleted(trash: Trash) -> None:
    """Offer no Undo any more."""
    st.session_state.pop(_last(trash), None)


def offer_undo(trash: Trash, then: Callable[[], None] | None = None) -> None:
    """Show what was deleted last, and the button that restores it."""
    deleted: dict[str, str] = st.session_state.get(_last(trash), {})
    if not deleted:
        return
    titles = ", ".join(literal(title) for title in list(deleted.values())[:_NAMES_SHOWN])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":material/delete: Moved {counted(len(deleted), trash.noun)} to the trash for "
            f"{DAYS_KEPT} days: {titles}"
        )
        st.button(
            "Undo",
            icon=":material/undo:",
            on_click=_restore,
            args=(trash, tuple(deleted), then),
            key="undo",
        )


def show_trash(trash: Trash) -> None:
    """Show the trash in an expander, which is read while it is open."""
    noun = trash.noun
    section = st.expander(
        "Trash", key=f"{noun}-trash-open", on_change="rerun", icon=":material/delete:"
    )
    if not section.open:
        return
    with section, shown_errors():
        found = {each.id: each for each in trash.contents() if may_change(each.folder)}
        if not found:
            st.caption(f"Deleted {noun}s can be restored here for {DAYS_KEPT} days.")
            return
        chosen = st.multiselect(
            f"Deleted {noun}s",
            list(found),
            key=f"{noun}-trash-chosen",
            format_func=lambda name: _described(found[name]) if name in found else name,
            placeholder=f"{counted(len(found), noun)}, the last deleted first",
        )
        with st.container(horizontal=True):
            st.button(
                "Restore",
                icon=":material/restore_from_trash:",
                disabled=not chosen,
                on_click=_restore_chosen,
                args=(trash,),
                key=f"restore-{noun}s",
            )
            can_empty = is_allowed(Action.MANAGE)
            if can_empty and st.button("Empty trash", icon=":material/delete_forever:"):
                _confirm(trash)


def _described(deleted: Deleted) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(deleted.deleted))
    return f"{deleted.title} (deleted {when}, {counted(deleted.days_left, 'day')} left)"


def _restore_chosen(trash: Trash) -> None:
    key = f"{trash.noun}-trash-chosen"
    _restore(trash, st.session_state[key])
    st.session_state[key] = []


def _restore(trash: Trash, names: Sequence[str], then: Callable[[], None] | None = None) -> None:
    forget_deleted(trash)
    try:
        for name in names:
            trash.restore(name)
    except MedrecogError as error:
        st.toast(literal(error), icon=":material/error:")
    if then is not None:
        then()


@dialog("Empty trash")
def _confirm(trash: Trash) -> None:
    n_deleted = len(trash.contents())
    st.write(f"Remove {counted(n_deleted, f'deleted {trash.noun}')} permanently?")
    if st.button("Remove permanently", type="primary", icon=":material/delete_forever:"):
        with shown_errors():
            trash.empty()
            forget_deleted(trash)
            st.rerun()


def _last(trash: Trash) -> str:
    return f"{trash.noun}s deleted last"
