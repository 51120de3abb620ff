"""Who is acting, and what each role may do.

Without sign-in, and on the command line, the operator acts, who may do everything. A dashboard with
sign-in says who acts by `ask_who`, the process of a job by `acting_as`.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from typing import Any

from medrecog_core.errors import StorageError
from medrecog_core.settings import VIEWER, Settings, read_settings


class Role(IntEnum):
    """What a person may do; each role may also do what the ones before it may."""

    NOBODY = 0
    VIEWER = 1
    RUNNER = 2
    ADMIN = 3

    @property
    def title(self) -> str:
        """Name shown to users."""
        return self.name.lower()


class Action(Enum):
    """A kind of request that is allowed or refused."""

    VIEW = "view"
    """See data sets, runs, results and models, and classify images."""
    ADD = "add"
    """Start a run or another job, or add a data set or a model."""
    LABEL = "label"
    """Change the pin, tags and note of any run."""
    CHANGE = "change"
    """Stop, resume, change or delete something that has an owner."""
    MANAGE = "manage"
    """Change what belongs to everybody: weights, the feature cache, the trash."""


_NEEDED = {
    Action.VIEW: Role.VIEWER,
    Action.ADD: Role.RUNNER,
    Action.LABEL: Role.RUNNER,
    Action.CHANGE: Role.ADMIN,
    Action.MANAGE: Role.ADMIN,
}


def may(role: Role, action: Action, is_own: bool = False) -> bool:
    """Return whether a role may do something.

    Parameters
    ----------
    role
        The role of who asks.
    action
        What is asked for.
    is_own
        Whether it concerns something that the same person started or added.
    """
    if action is Action.CHANGE and is_own:
        return role >= Role.RUNNER
    return role >= _NEEDED[action]


@dataclass(frozen=True)
class Person:
    """Somebody who uses the program.

    Attributes
    ----------
    id
        Identity that the sign-in provider guarantees; empty for the operator, and for somebody who
        is not signed in.
    name
        Name shown to users.
    role
        What the person may do.
    """

    id: str = ""
    name: str = ""
    role: Role = Role.NOBODY


OPERATOR = Person(role=Role.ADMIN)
"""Who uses the command line, or a dashboard without sign-in."""
NOBODY = Person()

_acting: ContextVar[Person | None] = ContextVar("acting", default=None)
_who: Callable[[], Person] | None = None


def ask_who(who: Callable[[], Person]) -> None:
    """Have this process ask a function who is acting, each time something is checked."""
    global _who  # noqa: PLW0603
    _who = who


@contextlib.contextmanager
def acting_as(person: Person) -> Iterator[None]:
    """Let a person act within the block, in this thread."""
    token = _acting.set(person)
    try:
        yield
    finally:
        _acting.reset(token)


def acting() -> Person:
    """Return who is acting now; in a read-only view, everybody is at most a viewer.

    Raises
    ------
    UsageError
        If a setting is not valid, so that a misspelling does not allow anything.
    """
    settings = read_settings()
    person = _acting.get() or (_who() if _who is not None else OPERATOR)
    if settings.mode == VIEWER and person.role > Role.VIEWER:
        return replace(person, role=Role.VIEWER)
    return person


def person_of(claims: Mapping[str, Any], settings: Settings) -> Person:
    """Return who the claims of an ID token are about, with the role that the settings give.

    Parameters
    ----------
    claims
        Claims of a valid ID token. E-mail addresses count only if the provider has verified them.
    settings
        Which values of which claim give which role.
    """
    email = str(claims.get("email") or "")
    name = str(claims.get("name") or claims.get("preferred_username") or email)
    subject = str(claims.get("sub") or "")
    if not subject:
        return NOBODY
    identity = f"{claims.get('iss') or ''} {subject}"
    return Person(identity, name or subject, _role_of(_values(claims, settings), settings))


def session_end(claims: Mapping[str, Any], hours: float) -> float:
    """Return when a session ends, in seconds since 1970.

    Parameters
    ----------
    claims
        Claims of the ID token.
    hours
        Longest duration since the token was issued.

    Returns
    -------
    float
        When the token expires or the session is too long, whichever comes first; 0 if the token
        does not say when it was issued and expires.
    """
    issued, expires = claims.get("iat"), claims.get("exp")
    if type(issued) not in (int, float) or type(expires) not in (int, float):
        return 0.0
    return min(float(expires), float(issued) + hours * 3600)  # type: ignore[arg-type]


def _values(claims: Mapping[str, Any], settings: Settings) -> set[str]:
    """Return the values of the claim that decides about roles."""
    claim = settings.role_claim
    found = claims.get(claim)
    if claim != "email":
        values = found if isinstance(found, (list, tuple)) else [found]
        return {value for value in values if isinstance(value, str) and value}
    if not isinstance(found, str) or claims.get("email_verified") is not True:
        return set()
    name, at, domain = found.casefold().rpartition("@")
    return {f"{name}@{domain}", f"@{domain}"} if name and at else set()


def _role_of(values: set[str], settings: Settings) -> Role:
    for role, named in (
        (Role.ADMIN, settings.admins),
        (Role.RUNNER, settings.runners),
        (Role.VIEWER, settings.viewers),
    ):
        is_email = settings.role_claim == "email"
        if values & {each.casefold() if is_email else each for each in named}:
            return role
    return Role.NOBODY


class NotAllowedError(StorageError):
    """The role of who is acting does not allow the request."""
