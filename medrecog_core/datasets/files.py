"""The files below a folder, as data sets see them."""

import os
from pathlib import Path

from medrecog_core.errors import MedrecogError


def files_below(folder: Path) -> list[Path]:
    """Return every file below a folder, sorted; hidden files and folders are passed over.

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
    """Return a path as it can be shown and saved, with `?` for bytes that are not UTF-8.

    Old archives hold such names. A data set leaves the files out, because neither a browser nor a
    terminal can show them.
    """
    return path.encode(errors="replace").decode()


def _refuse(error: OSError) -> None:
    raise MedrecogError(
        f"{error.filename} cannot be read ({error.strerror}): allow reading it, or move it away."
    ) from error
