"""The bundle that a read-only server shows, extracted once."""

import contextlib
import functools
import shutil
import tempfile
import threading
from pathlib import Path

from medrecog_core.bundles import open_bundle, read_contents
from medrecog_core.errors import StorageError
from medrecog_core.jobs.locks import is_held, locked
from medrecog_core.locations import CacheFolder
from medrecog_core.settings import VIEWER, read_settings, set_in_environment

_PREFIX, _LOCK = "medrecog-bundle-", "in-use.lock"
_ONE_AT_A_TIME = threading.Lock()
_HELD = contextlib.ExitStack()


def show_bundle() -> None:
    """Make this server a read-only view of the bundle in `MEDRECOG_BUNDLE`, if that is set."""
    file = _file()
    if file is None:
        return
    with _ONE_AT_A_TIME:
        folder = _unpacked(file)
        set_in_environment(mode=VIEWER, cache=folder.name)


def sharer() -> str:
    """Return the name given when the bundle was written; empty if none was or nothing is shown."""
    file = _file()
    return "" if file is None else _sharer(file)


def _file() -> Path | None:
    named = read_settings().bundle
    return None if named is None else named.expanduser().absolute()


@functools.cache
def _unpacked(file: Path) -> "tempfile.TemporaryDirectory[str]":
    _remove_leftovers()
    folder = tempfile.TemporaryDirectory(prefix=_PREFIX)
    place = Path(folder.name).resolve()
    _HELD.enter_context(locked(place / _LOCK, "The folder of the bundle is in use. Try again."))
    open_bundle(file, CacheFolder(place))
    return folder


def _remove_leftovers() -> None:
    """Delete the bundles that killed servers had extracted."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with contextlib.suppress(StorageError):  # another user's
            if not is_held(lock):
                shutil.rmtree(lock.parent, ignore_errors=True)


@functools.cache
def _sharer(file: Path) -> str:
    return read_contents(file).by
