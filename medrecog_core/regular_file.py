"""Files of other people, which may be pipes, sockets or devices that never end."""

import errno
import io
import os
import stat
from pathlib import Path

from medrecog_core.data_roots import place_of


def check_regular(path: Path) -> None:
    """Reject what is not a regular file, without opening it.

    Raises
    ------
    OSError
        If it is a folder, pipe, socket or device, does not exist, or is a link that leads out of
        the data folders.
    """
    _check(path, place_of(path).stat())


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file for reading.

    Raises
    ------
    OSError
        If it is a folder, pipe, socket or device, or cannot be opened.
    """
    place = place_of(path)
    _check(path, place.stat())
    # It may have been replaced meanwhile, and opening a pipe would wait for its writer.
    file = open(place, "rb", opener=_without_waiting)  # noqa: SIM115
    try:
        _check(path, os.fstat(file.fileno()))
    except OSError:
        file.close()
        raise
    return file


def read_regular(path: Path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    OSError
        As in `open_regular`.
    """
    with open_regular(path) as file:
        return file.read()


def _check(path: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
