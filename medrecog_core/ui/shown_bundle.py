"""The bundle that a read-only server shows, extracted once."""

import functools
import tempfile
import threading
from pathlib import Path

from medrecog_core.bundles import open_bundle, read_contents
from medrecog_core.locations import CacheFolder
from medrecog_core.settings import VIEWER, read_settings, set_in_environment

_ONE_AT_A_TIME = threading.Lock()


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
    folder = tempfile.TemporaryDirectory(prefix="medrecog-bundle-")
    open_bundle(file, CacheFolder(Path(folder.name).resolve()))
    return folder


@functools.cache
def _sharer(file: Path) -> str:
    return read_contents(file).by
