"""Models and a run of fusions, made once and copied for every test that asks."""

import shutil
from pathlib import Path

import pytest

from medrecog_core.features import ENCODINGS, Cell
from medrecog_core.locations import CacheFolder
from medrecog_core.models import Model, train_model
from medrecog_core.runs import Run
from tests.textures import add_textures, cache_at, copy_of_run, finished_run, specification


@pytest.fixture(scope="session")
def encoded_models(
    encoded_cache: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Model]]:
    """Give a cache folder with a run and a model of each encoding, and the models as trained."""
    folder = tmp_path_factory.mktemp("encoded-models") / "cache"
    with cache_at(folder):
        run = copy_of_run(*encoded_cache)
        cells = {encoding: Cell("block2", 224, encoding) for encoding in ENCODINGS}
        return folder, {name: train_model(run, cell, name) for name, cell in cells.items()}


@pytest.fixture
def trained(encoded_models: tuple[Path, dict[str, Model]], cache: CacheFolder) -> dict[str, Model]:
    """Give the models of encodings in a cache folder that the test may spoil."""
    folder, models = encoded_models
    shutil.copytree(folder / "models", cache.models)
    return models


@pytest.fixture(scope="session")
def fused_cache(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a cache folder with a run whose cells are fused, and the run's identity."""
    folder = tmp_path_factory.mktemp("fused") / "cache"
    with cache_at(folder):
        add_textures(pictures)
        asked = specification(
            layers=["block1", "block2"],
            poolings=["max", "average", "bow"],
            fuse=["block1+block2-224-max+average", "block1+block2-224-bow"],
            n_words=4,
            precision="float32",
        )
        return folder, finished_run(asked).id


@pytest.fixture
def fused(fused_cache: tuple[Path, str], cache: object) -> Run:
    """Give a copy of the run of fusions that the test may spoil."""
    return copy_of_run(*fused_cache)
