"""Whether this installation may change anything or is a read-only view."""

from medrecog_core.errors import StorageError
from medrecog_core.settings import MODE_VARIABLE, VIEWER, read_settings


class ReadOnlyError(StorageError):
    """A change was requested in a read-only view."""


def is_viewer() -> bool:
    """Return whether `MEDRECOG_MODE` asks for a read-only view.

    Raises
    ------
    UsageError
        If the setting is neither empty nor `viewer`, so that a misspelling does not allow changes.
    """
    return read_settings().mode == VIEWER


def check_may_change(what: str) -> None:
    """Refuse to change something in a read-only view.

    Parameters
    ----------
    what
        The requested action, as it follows “cannot”, such as `start a run`.

    Raises
    ------
    ReadOnlyError
        If this is a read-only view.
    UsageError
        If the mode is unknown.
    """
    if is_viewer():
        raise ReadOnlyError(
            f"This read-only view cannot {what}. Start medrecog without {MODE_VARIABLE}={VIEWER} "
            "to do that."
        )
