"""The folders of the server that runners may name, and that no link leads out of."""

import errno
from pathlib import Path

from medrecog_core.access import Action, NotAllowedError, Role, acting
from medrecog_core.locations import cache_folder
from medrecog_core.mode import check_may_view, is_allowed
from medrecog_core.settings import read_settings, variable_of


def is_nameable(path: Path) -> bool:
    """Return whether who is acting may name a file or folder of the server.

    Parameters
    ----------
    path
        Its path, with links resolved.
    """
    person = acting()
    is_operator = not person.id and person.role > Role.NOBODY  # in a read-only view too
    if is_operator or is_allowed(Action.MANAGE):
        return True
    kept = cache_folder().datasets.resolve()
    # Uploads, downloads and extracted images, but not the folder of all of them.
    is_kept = path.is_relative_to(kept) and len(path.relative_to(kept).parts) > 1
    return is_allowed(Action.ADD) and (is_kept or _is_in(path, read_settings().data_roots))


def check_nameable(path: Path) -> None:
    """Refuse a path that who is acting may not name, whether or not it exists.

    Raises
    ------
    NotAllowedError
        If it is not in one of the folders.
    """
    check_may_view()
    if not is_nameable(path):
        raise NotAllowedError(
            f"{path} is not in a folder that you may use. Upload the files, or ask an admin to add "
            f"the folder to {variable_of('data_roots')}."
        )


def leads_out(path: Path) -> bool:
    """Return whether an absolute path in one of the folders is a link to somewhere else."""
    roots = read_settings().data_roots
    return _is_in(path, roots) and not _is_in(path.resolve(), roots)


def place_of(path: Path) -> Path:
    """Return where to open a file: in one of the folders, its path without links.

    Raises
    ------
    OSError
        If a link leads out of the folders.
    """
    roots = read_settings().data_roots
    if not _is_in(path, roots):
        return path
    place = path.resolve()
    if not _is_in(place, roots):
        raise PermissionError(errno.EACCES, "a link leads out of the data folders", str(path))
    return place


def _is_in(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
