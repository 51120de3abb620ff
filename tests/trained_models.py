"""A model of the tiny data set, made once and copied for every test that asks."""

import shutil
from pathlib import Path

import pytest

from medrecog_core.features import Cell
from medrecog_core.locations import CacheFolder
from medrecog_core.models import Model, load_model, train_model
from tests.textures import cache_at, copy_of_run

CELL = Cell("block2", 224, "average")


@pytest.fixture(scope="session")
def models_cache(
    finished_cache: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Give a cache folder with a finished run and the model `my-model` of one of its cells."""
    folder = tmp_path_factory.mktemp("models") / "cache"
    with cache_at(folder):
        train_model(copy_of_run(*finished_cache), CELL, "my-model")
    return folder


@pytest.fixture
def model(models_cache: Path, cache: CacheFolder) -> Model:
    """Give the model in a cache folder that the test may spoil."""
    shutil.copytree(models_cache / "models", cache.models)
    return load_model("my-model")
