"""What may be changed: nothing in a read-only view, otherwise what the role allows."""

from medrecog_core.access import Action, NotAllowedError, Person, Role, acting, may
from medrecog_core.settings import MODE_VARIABLE, VIEWER, read_settings


class ReadOnlyError(NotAllowedError):
    """A change was requested in a read-only view."""


def is_viewer() -> bool:
    """Return whether who is acting has a read-only view, by the mode or by the role.

    Raises
    ------
    UsageError
        If the mode is neither empty nor `viewer`, so that a misspelling does not allow changes.
    """
    return not may(acting().role, Action.ADD)


def is_allowed(action: Action, owner: Person | None = None) -> bool:
    """Return whether who is acting may do something.

    Parameters
    ----------
    action
        The kind of request.
    owner
        Who started or added what it is about; None if it belongs to admins.
    """
    person = acting()
    is_own = owner is not None and owner.id == person.id
    return may(person.role, action, is_own)


def check_may_change(
    what: str, action: Action = Action.MANAGE, owner: Person | None = None
) -> None:
    """Refuse a change that who is acting may not make.

    Parameters
    ----------
    what
        The requested action, as it follows “cannot”, such as `start a run`.
    action, owner
        As in `is_allowed`.

    Raises
    ------
    ReadOnlyError
        If this is a read-only view.
    NotAllowedError
        If the role does not allow it.
    UsageError
        If the mode is unknown.
    """
    if is_allowed(action, owner):
        return
    if read_settings().mode == VIEWER:
        raise ReadOnlyError(
            f"This read-only view cannot {what}. Start medrecog without {MODE_VARIABLE}={VIEWER} "
            "to do that."
        )
    check_may_view()
    if action is Action.CHANGE and acting().role >= Role.RUNNER:
        whose = owner.name if owner is not None else "an admin"
        raise NotAllowedError(
            f"You cannot {what}, because it belongs to {whose}. Ask the owner or an admin."
        )
    raise NotAllowedError(
        f"Your role ({acting().role.title}) cannot {what}. Ask an admin for another role."
    )


def check_may_view() -> None:
    """Refuse to show anything to somebody who is not signed in or has no role.

    Raises
    ------
    NotAllowedError
        If so.
    """
    if not is_allowed(Action.VIEW):
        raise NotAllowedError(
            "You are not signed in, or have no role here. Reload the page to sign in again."
        )
