"""What a page shows is named in its address: a link shows the same, Back and Forward go through it.

An *object* (run, cell, data set, image, ...) is opened with one Back step; a *setting* (measure,
sorting, ...) only replaces the address. Streamlit adds a Back step whenever the server changes the
address, and replaces it for bound widgets that a visitor changes.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from medrecog_core.ui.plain_text import literal

_LAST = "last opened {}"

# Replaces the address, then has Streamlit read it as after Back: the server cannot do so itself.
_NAMING = """
export default function ({ data }) {
  const address = new URL(window.location.href);
  if (address.searchParams.get(data.key)) return;
  address.searchParams.set(data.key, data.name);
  window.history.replaceState(window.history.state, "", address);
  window.dispatchEvent(new PopStateEvent("popstate"));
}
"""


def named(key: str) -> str | None:
    """Return what the address names under a key, None if nothing."""
    return st.query_params.get(key) or None


def open_object(key: str, name: str, closes: Collection[str] = ()) -> None:
    """Open an object with one Back step; close what belongs to the one that was shown."""
    _write({**dict.fromkeys(closes, ""), key: name})


def open_objects(names: Mapping[str, str], closes: Collection[str] = ()) -> None:
    """Open several objects with one Back step; an empty name closes one."""
    _write({**dict.fromkeys(closes, ""), **names})


def close_object(*keys: str) -> None:
    """Name nothing under these keys, with one Back step."""
    _write(dict.fromkeys(keys, ""))


def opened(label: str, names: Sequence[str], key: str, list_page: str = "") -> str | None:
    """Return the object of the address, else the last or first one; None if it is gone.

    What is gone is said, with a link to the page that lists the others, by default the page itself.
    """
    asked = named(key)
    if asked is None:
        last = st.session_state.get(_LAST.format(key))
        asked = str(last) if last in names else names[0]
        name_in_address(key, asked)
    if asked in names:
        st.session_state[_LAST.format(key)] = asked
        return asked
    show_lost(label, asked, key, list_page)
    return None


def show_lost(label: str, asked: str, key: str, list_page: str = "") -> None:
    """Say that an object of the address does not exist, and link to the list of the others."""
    st.warning(
        f"{label} “{literal(asked)}” not found. It may have been deleted or belong to another "
        "server.",
        icon=":material/link_off:",
    )
    words, icon = f"Show all {label.lower()}s", ":material/list:"
    if list_page:
        st.page_link(list_page, label=words, icon=icon)
    else:  # a link to the page itself would keep the address
        st.button(words, icon=icon, type="tertiary", on_click=close_object, args=(key,))


def name_in_address(key: str, name: str) -> None:
    """Name in the address what is shown though nothing was asked for, without a Back step."""
    # Mounted here, for a component belongs to the run of the server that declares it.
    st.components.v2.component("name_in_address", js=_NAMING)(
        data={"key": key, "name": name}, key=f"name in address {key}", height=0
    )


def choose(
    label: str,
    options: Sequence[str] | Mapping[str, str],
    key: str,
    list_page: str = "",
    width: int = 420,
    closes: Collection[str] = (),
    on_change: Callable[[], None] | None = None,
) -> str:
    """Show a select box of objects and return the opened one; stop the page if it is gone.

    Options are what the address names, or a mapping from that to the texts of the box.
    """
    shown = opened(label, list(options), key, list_page)
    texts = options if isinstance(options, Mapping) else {}
    st.session_state[key] = shown

    def take() -> None:
        open_object(key, st.session_state[key], closes)
        if on_change is not None:
            on_change()

    st.selectbox(
        label,
        list(options),
        index=None if shown is None else 0,
        placeholder=f"Select a {label.lower()}",
        key=key,
        format_func=lambda name: texts.get(name, name),
        width=width,
        on_change=take,
    )
    if shown is None:
        st.stop()
    return shown


def choose_or_none(
    label: str,
    nothing: str,
    options: Sequence[str],
    key: str,
    width: int = 420,
    closes: Collection[str] = (),
    on_change: Callable[[], None] | None = None,
) -> str | None:
    """Show a select box whose first option is no object; return the opened one or None.

    A name that is not among the options is None too: the caller says so.
    """
    asked = named(key)
    shown = asked if asked in options else None
    st.session_state[key] = nothing if shown is None else shown

    def take() -> None:
        chosen = st.session_state[key]
        open_object(key, "" if chosen == nothing else chosen, closes)
        if on_change is not None:
            on_change()

    st.selectbox(label, [nothing, *options], key=key, width=width, on_change=take)
    return shown


def choose_setting(
    label: str,
    options: Sequence[str],
    key: str,
    width: int = 420,
    on_change: Callable[[], None] | None = None,
) -> str:
    """Show a select box of a setting, which is in the address but no Back step."""
    # `key` is the name in the address. Every page needs its own: Streamlit drops the value from a
    # link between two pages that share a key.
    asked = named(key)
    if asked is not None and asked not in options:
        st.warning(
            f"{label} “{literal(asked)}” not found. It may have been deleted or belong to another "
            f"server. Showing “{literal(options[0])}”.",
            icon=":material/link_off:",
        )
    if st.session_state.get(key) not in options:
        st.session_state[key] = asked if asked in options else options[0]
    chosen: Any = st.selectbox(
        label, options, key=key, bind="query-params", width=width, on_change=on_change
    )
    return str(chosen)


def _write(changes: dict[str, str]) -> None:
    """Change the address in one message, which is one Back step."""
    real = {key: name for key, name in changes.items() if name != (named(key) or "")}
    if len(real) == 1 and not all(real.values()):
        del st.query_params[next(iter(real))]
    elif real:
        st.query_params.update(real)
