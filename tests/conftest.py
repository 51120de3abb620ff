"""What every test has: a cache folder of its own, and runs made once that it may copy."""

from pathlib import Path

import pytest
from hypothesis import settings

from medrecog_core.locations import ENVIRONMENT_VARIABLE, CacheFolder, cache_folder
from tests.textures import encoded, encoded_cache, finished, finished_cache, known, pictures
from tests.trained_models import model, models_cache

__all__ = [
    "cache",
    "encoded",
    "encoded_cache",
    "finished",
    "finished_cache",
    "known",
    "model",
    "models_cache",
    "pictures",
]

# How long an example takes says what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CacheFolder:
    """Keep what a test writes in a cache folder that no other test sees."""
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    return cache_folder()
