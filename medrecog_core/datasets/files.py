"""Files below a folder."""

import os
from pathlib import Path

from medrecog_core.errors import MedrecogError


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, sorted, except hidden files and folders.

    Raises
    ------
    MedrecogError
        If the folder or one in it cannot be read.
    """
    found = []
    for parent, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(found)


def shown(path: str) -> str:
    """Return a path with `?` for bytes that are not UTF-8, for display and storage.

    Old archives contain such names. Data sets skip these files, because browsers and terminals
    cannot show them.
    """
    return path.encode(errors="replace").decode()


def _refuse(error: OSError) -> None:
    raise MedrecogError(
        f"{error.filename} cannot be read ({error.strerror}). Allow reading it, or move it away."
    ) from error
