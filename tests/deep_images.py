"""A tiny data set of 16-bit images in a grey window, a run of it and a model, made once."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.features import Cell
from medrecog_core.images import Rendering
from medrecog_core.locations import CacheFolder
from medrecog_core.models import train_model
from medrecog_core.runs import Run, RunSpecification
from tests.textures import cache_at, copy_of_run, finished_run

NAME = "deep"
MODEL = "deep-model"
CELL = Cell("block1", 224, "average")
WINDOW = Rendering(window=(0, 4095))
SPECIFICATION = {"layers": ["block1"], "poolings": ["average"], "precision": "float32"}
N_IMAGES = 10


def write_deep(folder: Path) -> Path:
    """Write four 16-bit PNG files and a JPEG file of each of two classes."""
    for label, top in (("bright", 4000), ("dark", 900)):
        (folder / label).mkdir(parents=True)
        for i in range(5):
            values = np.random.default_rng([top, i]).integers(0, top + 20 * i, (32, 32))
            if i < 4:
                Image.fromarray(values.astype(np.uint16)).save(folder / label / f"{i}.png")
            else:
                Image.fromarray((values // 20).astype(np.uint8)).save(folder / label / f"{i}.jpg")
    return folder


def add_deep(root: Path, name: str = NAME, rendering: Rendering = WINDOW) -> Dataset:
    """Make the images known to the cache folder in use, under a rendering."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.*"))
    images = tuple(ImageRecord(path, path.split("/")[0]) for path in paths)
    return library.save(Dataset(name, root, images, "class folders", rendering=rendering))


def deep_specification(**changes: object) -> RunSpecification:
    """Return the specification of the run."""
    return RunSpecification.from_document({"dataset": NAME, **SPECIFICATION, **changes})


@pytest.fixture(scope="session")
def deep_cache(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a cache folder with the data set, a finished run and a model, and the run's identity."""
    folder = tmp_path_factory.mktemp("deep") / "cache"
    root = write_deep(folder.parent / "images")
    with cache_at(folder):
        add_deep(root)
        run = finished_run(deep_specification())
        train_model(run, CELL, MODEL, on="all")
        return folder, run.id


@pytest.fixture
def deep_run(deep_cache: tuple[Path, str], cache: CacheFolder) -> Run:
    """Give a copy of the run, its data set and its model that the test may spoil."""
    return copy_of_run(*deep_cache)
