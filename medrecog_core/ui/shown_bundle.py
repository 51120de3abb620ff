"""A bundle that a server shows, and nothing else: unpacked once, read-only."""

import functools
import os
import tempfile
import threading
from pathlib import Path

from medrecog_core.bundles import open_bundle
from medrecog_core.locations import ENVIRONMENT_VARIABLE, CacheFolder
from medrecog_core.mode import SETTING as MODE
from medrecog_core.mode import VIEWER

SETTING = "MEDRECOG_BUNDLE"

_ONE_AT_A_TIME = threading.Lock()


def show_bundle() -> None:
    """Make this server a read-only view of the bundle that `MEDRECOG_BUNDLE` names, if it does.

    The bundle is unpacked into a temporary folder, which goes when the server ends.

    Raises
    ------
    MedrecogError
        If the file is no bundle, or not as medrecog wrote it.
    StorageError
        If there is no room to unpack it.
    """
    named = os.environ.get("MEDRECOG_BUNDLE", "").strip()
    if not named:
        return
    with _ONE_AT_A_TIME:
        folder = _unpacked(Path(named).expanduser().absolute())
        os.environ[MODE] = VIEWER
        os.environ[ENVIRONMENT_VARIABLE] = folder.name


@functools.cache
def _unpacked(file: Path) -> "tempfile.TemporaryDirectory[str]":
    folder = tempfile.TemporaryDirectory(prefix="medrecog-bundle-")
    open_bundle(file, CacheFolder(Path(folder.name).resolve()))
    return folder
