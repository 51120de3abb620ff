"""The bundle that a read-only server shows, extracted once."""

import functools
import tempfile
import threading
from pathlib import Path

from medrecog_core.bundles import open_bundle
from medrecog_core.locations import CacheFolder
from medrecog_core.settings import VIEWER, read_settings, set_in_environment

_ONE_AT_A_TIME = threading.Lock()


def show_bundle() -> None:
    """Make this server a read-only view of the bundle in `MEDRECOG_BUNDLE`, if that is set."""
    named = read_settings().bundle
    if named is None:
        return
    with _ONE_AT_A_TIME:
        folder = _unpacked(named.expanduser().absolute())
        set_in_environment(mode=VIEWER, cache=folder.name)


@functools.cache
def _unpacked(file: Path) -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory(prefix="medrecog-bundle-")
    open_bundle(file, CacheFolder(Path(folder.name).resolve()))
    return folder
