"""Sign-in: who visits, what is shown to somebody who may not see a page, and signing out."""

import functools
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, overload

import streamlit as st
from streamlit.errors import StreamlitAuthError, StreamlitMissingAuthlibError
from streamlit.runtime.scriptrunner import get_script_run_ctx

from medrecog_core.access import (
    NOBODY,
    OPERATOR,
    Action,
    Person,
    acting,
    acting_as,
    ask_who,
    may,
    person_of,
    session_end,
)
from medrecog_core.errors import MedrecogError
from medrecog_core.mode import check_may_view, is_allowed
from medrecog_core.settings import Settings, read_settings
from medrecog_core.ui.plain_text import literal

_T = TypeVar("_T")
_Function = TypeVar("_Function", bound=Callable[..., Any])
_Claims = Mapping[str, Any]

_LONGEST_KEPT = 31 * 24 * 3600
"""Seconds after which the browser has no cookie of a sign-in."""
_ended: dict[tuple[str, ...], float] = {}
"""When each sign-in was ended by signing out: other tabs still have its identity."""
_ending = threading.Lock()


def admit() -> None:
    """Stop the page, with a way to sign in, unless the visitor may view it."""
    ask_who(visitor)
    settings, claims = read_settings(), _claims()
    if may(_person(claims, settings).role, Action.VIEW):
        return
    st.title("medrecog")
    refusal, is_signed_in = _refusal(claims, settings)
    st.info(refusal, icon=":material/lock:")
    if is_signed_in:
        st.button("Sign out", icon=":material/logout:", on_click=_sign_out)
    elif _is_set_up(claims):
        _show_providers()
    st.stop()


def show_account() -> None:
    """Show in the side bar who is signed in, with which role, and the button to sign out."""
    person = acting()
    if person.id:
        with st.container(gap="xxsmall"):
            st.caption(f"{literal(person.name)} ({person.role.title})")
            st.button("Sign out", icon=":material/logout:", type="tertiary", on_click=_sign_out)


def visitor() -> Person:
    """Return who acts in this thread of the server."""
    if get_script_run_ctx(suppress_warning=True) is None:
        # A thread of the server, which nobody in particular has started.
        return NOBODY if _has_roles(read_settings()) else OPERATOR
    return _person(_claims(), read_settings())


@overload
def fragment(function: _Function) -> _Function: ...
@overload
def fragment(*, run_every: str | None) -> Callable[[_Function], _Function]: ...
def fragment(function: _Function | None = None, *, run_every: str | None = None) -> Any:
    """Make a part of a page as `st.fragment` does, which shows nothing after the session's end."""
    if function is None:
        return functools.partial(fragment, run_every=run_every)
    return st.fragment(_admitted(function), run_every=run_every)


def dialog(title: str, **options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a dialog as `st.dialog` does, which shows nothing after the session's end."""
    return lambda function: st.dialog(title, **options)(_admitted(function))


def at_click(make: Callable[[], _T]) -> Callable[[], _T]:
    """Return a function that makes a download for the visitor, when the button is clicked."""
    claims = _claims()

    # Streamlit calls it outside the page, in a thread that knows no visitor.
    def made() -> _T:
        with acting_as(_person(claims, read_settings())):
            check_may_view()
            return make()

    return made


def _admitted(function: _Function) -> Callable[..., Any]:
    @functools.wraps(function)
    def shown(*arguments: Any, **named: Any) -> Any:
        if not is_allowed(Action.VIEW):
            st.rerun()  # the whole page, which `admit` stops
        return function(*arguments, **named)

    return shown


def _claims() -> _Claims:
    return st.user.to_dict()


def _is_set_up(claims: _Claims) -> bool:
    # Streamlit adds this claim if the secrets have a section `auth`.
    return "is_logged_in" in claims


def _has_roles(settings: Settings) -> bool:
    return bool(settings.admins or settings.runners or settings.viewers)


def _person(claims: _Claims, settings: Settings) -> Person:
    if not _is_set_up(claims):
        return NOBODY if _has_roles(settings) else OPERATOR
    return person_of(claims, settings) if _is_current(claims, settings) else NOBODY


def _is_current(claims: _Claims, settings: Settings) -> bool:
    return (
        claims.get("is_logged_in") is True
        and time.time() < session_end(claims, settings.session_hours)
        and _sign_in_of(claims) not in _ended
    )


def _refusal(claims: _Claims, settings: Settings) -> tuple[str, bool]:
    """Return why nothing is shown, and whether somebody is signed in."""
    if not _is_set_up(claims):
        return (
            "Roles are set, but sign-in is not. Add the section “auth” to the secrets file.",
            False,
        )
    if claims.get("is_logged_in") is not True:
        return "Sign in to continue.", False
    if _sign_in_of(claims) in _ended:
        return "You have signed out. Sign in to continue.", False
    if not _is_current(claims, settings):
        return "Your session has ended. Sign in again.", False
    name = person_of(claims, settings).name
    return f"{literal(name)} has no role here. Ask an admin for one.", True


def _show_providers() -> None:
    section = st.secrets["auth"]
    named = [name for name in section if isinstance(section[name], Mapping)]
    providers = [name for name in named if "client_id" in section[name]]
    for name in [None] if "client_id" in section or not providers else providers:
        label = "Sign in" if name is None else f"Sign in with {name.capitalize()}"
        if st.button(label, icon=":material/login:", type="primary", key=f"sign-in-{name}"):
            try:
                st.login(name)
            except (StreamlitAuthError, StreamlitMissingAuthlibError) as error:
                raise MedrecogError(
                    "Sign-in is not set up correctly. Check the section “auth” of the secrets "
                    "file, and that requirements-auth.txt is installed."
                ) from error


def _sign_out() -> None:
    now = time.time()
    with _ending:
        for sign_in in [each for each, when in _ended.items() if now - when > _LONGEST_KEPT]:
            del _ended[sign_in]
        _ended[_sign_in_of(_claims())] = now
    st.logout()


def _sign_in_of(claims: _Claims) -> tuple[str, ...]:
    """Return what tells a sign-in from others of the same person."""
    return tuple(str(claims.get(name)) for name in ("iss", "sub", "iat", "exp", "nonce"))
