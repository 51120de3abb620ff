"""The cache folder, the only folder that the program writes to."""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from medrecog_core.access import Action
from medrecog_core.errors import StorageError
from medrecog_core.mode import check_may_change
from medrecog_core.settings import CACHE_VARIABLE, read_settings

_PROJECT = Path(__file__).parents[1]
# Where a wheel has the files of the top folder of a checkout; see hatch_build.py.
_DASHBOARD = Path(__file__).with_name("dashboard")


@dataclass(frozen=True)
class CacheFolder:
    """The folder that holds everything medrecog writes.

    It can be copied to another machine and works there.
    """

    root: Path

    @property
    def features(self) -> Path:
        """The feature cache."""
        return self.root / "features"

    @property
    def datasets(self) -> Path:
        """Manifests of data sets, and the demo images."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """One folder per run."""
        return self.root / "runs"

    @property
    def trash(self) -> Path:
        """Deleted runs and models."""
        return self.root / "trash"

    @property
    def jobs(self) -> Path:
        """One folder per job, except runs."""
        return self.root / "jobs"

    @property
    def queue(self) -> Path:
        """The order of queued jobs."""
        return self.root / "queue"

    @property
    def models(self) -> Path:
        """One folder per model."""
        return self.root / "models"

    @property
    def rates(self) -> Path:
        """File with the measured speed of networks on this machine."""
        return self.root / "rates.json"

    @property
    def engines(self) -> Path:
        """File with the measured speed of engines on this machine."""
        return self.root / "engines.json"

    @property
    def training_times(self) -> Path:
        """File with the measured training times on this machine."""
        return self.root / "training-times.json"

    @property
    def thumbnails(self) -> Path:
        """Small copies of images for galleries."""
        return self.root / "thumbnails"

    @property
    def bundled_thumbnails(self) -> Path:
        """Thumbnails imported with bundles, for images that are not on this machine."""
        return self.root / "bundled-thumbnails"

    @property
    def feature_maps(self) -> Path:
        """The most recently viewed feature maps."""
        return self.root / "feature-maps"

    @property
    def weights(self) -> Path:
        """Downloaded or imported weights."""
        return self.root / "weights"


def checkout_folder() -> Path | None:
    """Return the folder of the checkout that the program runs from, or None for a wheel."""
    return None if (_DASHBOARD / "app.py").is_file() else _PROJECT


def dashboard_script() -> Path:
    """Return the app that Streamlit runs; its pages and theme are in the same folder."""
    return (checkout_folder() or _DASHBOARD) / "app.py"


def default_cache_folder() -> Path:
    """Return the folder that is used if none is set.

    `cache/` in a checkout, otherwise the user's data folder, such as `~/.local/share/medrecog`.
    """
    checkout = checkout_folder()
    if checkout is not None:
        return checkout / "cache"
    return platformdirs.user_data_path("medrecog", appauthor=False)


def cache_folder() -> CacheFolder:
    """Return the cache folder: `MEDRECOG_CACHE` if it is set, otherwise the default."""
    return CacheFolder(read_settings().cache or default_cache_folder())


def create_folder(folder: Path) -> Path:
    """Create a folder (and its parents) that only the current user can access.

    Raises
    ------
    StorageError
        If the folder cannot be created or written to.
    ReadOnlyError
        If it is in the cache folder of a read-only view.
    """
    check_may_write(folder)
    try:
        # Not `parents=True`, which would make the parents accessible to everybody.
        for each in (*reversed(folder.parents), folder):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StorageError(unwritable(folder, error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageError(unwritable(folder, "permission denied"))
    return folder


def check_may_write(path: Path) -> None:
    """Refuse to write below the cache folder in a read-only view; exports elsewhere are allowed.

    Raises
    ------
    ReadOnlyError
        If `path` is the cache folder or below it, and this is a read-only view.
    """
    if path.absolute().is_relative_to(cache_folder().root):
        check_may_change(f"write to {path}", Action.ADD)


def unwritable(path: Path, reason: object) -> str:
    """Return the error message for a cache folder that is not writable."""
    detail = getattr(reason, "strerror", None) or reason
    return (
        f"Cannot write to {path} ({detail}). Free disk space, allow writing there, or choose "
        f"another folder with the environment variable {CACHE_VARIABLE}."
    )
