"""How much each runner may store: data sets in the cache folder, and runs with their features."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.access import Action, acting
from medrecog_core.bounds import Count
from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.locations import cache_folder
from medrecog_core.mode import is_allowed
from medrecog_core.ownership import owner_of
from medrecog_core.settings import read_settings

_FEATURES = "features.json"
"""File of a run with the expected bytes of the features that it adds."""
_GIGABYTE = 1e9


class QuotaError(MedrecogError):
    """Somebody would store more than is allowed."""


def check_upload_quota(n_bytes: int = 0) -> int | None:
    """Refuse to store another data set of who is acting, if it would be too much.

    Parameters
    ----------
    n_bytes
        Its size, as far as it is known.

    Returns
    -------
    int or None
        Bytes that are left for it; None without limit.

    Raises
    ------
    QuotaError
        If it is too large.
    """
    return _check("data sets", read_settings().upload_quota_gb, [cache_folder().datasets], n_bytes)


def check_cache_quota(n_bytes: int = 0) -> int | None:
    """Refuse to start another run or training of who is acting, if it would be too much.

    The features of a run count as long as the run is there. What is in the trash counts too.

    Parameters
    ----------
    n_bytes
        Expected size of the features that it adds.

    Returns
    -------
    int or None
        Bytes that are left for it; None without limit.

    Raises
    ------
    QuotaError
        If it is too large.
    """
    cache = cache_folder()
    folders = [cache.runs, cache.models, *cache.trash.glob("*/*")]
    return _check("runs and models", read_settings().cache_quota_gb, folders, n_bytes)


def note_features(run: Path, n_bytes: int) -> None:
    """Keep the expected size of the features that a run adds, to count it for its owner.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    atomic_file.write_json(run / _FEATURES, n_bytes)


def _check(what: str, allowed: float | None, parents: Iterable[Path], n_bytes: int) -> int | None:
    if allowed is None or is_allowed(Action.MANAGE):
        return None
    used = sum(_n_bytes(folder) for parent in parents for folder in _own_folders(parent))
    left = int(allowed * _GIGABYTE) - used
    if left < max(n_bytes, 1):
        needed = f", and this needs {n_bytes / _GIGABYTE:,.2f} GB" if n_bytes else ""
        raise QuotaError(
            f"Your {what} use {used / _GIGABYTE:,.2f} of {allowed:,.2f} GB{needed}. Delete some, "
            "or ask an admin."
        )
    return left


def _own_folders(parent: Path) -> list[Path]:
    person = acting()
    with suppress(OSError):
        owners = {folder: owner_of(folder) for folder in parent.iterdir()}
        return [folder for folder, owner in owners.items() if owner and owner.id == person.id]
    return []


def _n_bytes(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # deleted in the meantime
                total += Path(parent, name).lstat().st_size
    with suppress(OSError, StorageError, ValueError):
        total += _COUNT.validate_python(atomic_file.read_json(folder / _FEATURES))
    return total


_COUNT = TypeAdapter(Count)
