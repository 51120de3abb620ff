"""Whether this medrecog may change anything, or only shows what is there."""

from medrecog_core.errors import StorageError
from medrecog_core.settings import MODE_VARIABLE, VIEWER, read_settings


class ReadOnlyError(StorageError):
    """Something was to be changed where there is only a view of it."""


def is_viewer() -> bool:
    """Return whether `MEDRECOG_MODE` asks for a read-only view.

    Raises
    ------
    UsageError
        If the setting is neither empty nor `viewer`: a misspelt word must not open the doors.
    """
    return read_settings().mode == VIEWER


def check_may_change(what: str) -> None:
    """Refuse to change something in a read-only view.

    Parameters
    ----------
    what
        What was asked for, as it follows on “cannot”: `start a run`.

    Raises
    ------
    ReadOnlyError
        If this is a read-only view.
    UsageError
        If the mode is none that there is.
    """
    if is_viewer():
        raise ReadOnlyError(
            f"This is a read-only view, which cannot {what}: do that where medrecog is started "
            f"without {MODE_VARIABLE}={VIEWER}."
        )
