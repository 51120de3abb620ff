"""A tiny data set that a network tells apart at once, and runs of it that tests share."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Decisions, library
from medrecog_core.datasets.intake.proposal import propose
from medrecog_core.features import ENCODINGS
from medrecog_core.locations import cache_folder
from medrecog_core.runs import Run, RunSpecification, create_run, execute
from medrecog_core.settings import CACHE_VARIABLE

NAME = "textures"
CLASSES = ("noise", "stripes", "waves")
PER_CLASS = 4
N_IMAGES = len(CLASSES) * PER_CLASS
LAYERS = ("block1", "block2")
SIDE = 96


def write_textures(folder: Path, classes: tuple[str, ...] = CLASSES, n: int = PER_CLASS) -> Path:
    """Draw `n` pictures a class, no two alike, into a folder a class."""
    for label in classes:
        (folder / label).mkdir(parents=True)
        for i in range(n):
            Image.fromarray(_draw(label, i)).save(folder / label / f"{label}-{i}.png")
    return folder


def add_textures(folder: Path, name: str = NAME) -> None:
    """Make the pictures below a folder known to the cache folder in use."""
    # Copies and unreadable files too, which an import leaves out or refuses.
    library.save(propose(name, folder.resolve(), Decisions(keeps_copies=True)).dataset)


def specification(**changes: object) -> RunSpecification:
    return RunSpecification.from_document({"dataset": NAME, "layers": LAYERS, **changes})


def finished_run(specification: RunSpecification) -> Run:
    run = create_run(specification)
    execute(run)
    return run


@contextmanager
def cache_at(folder: Path) -> Iterator[None]:
    """Use another cache folder for a while."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(folder))
        yield


def copy_of_run(shared_cache: Path, run_id: str) -> Run:
    """Copy a cache folder with a run into the cache folder in use, and return the copied run."""
    shutil.copytree(shared_cache, cache_folder().root, dirs_exist_ok=True)
    return Run(run_id)


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something that another process does; fail when it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the pictures; tests that change them copy it first."""
    return write_textures(tmp_path_factory.mktemp("textures") / "images")


@pytest.fixture(scope="session")
def finished_cache(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a cache folder with a finished run, and the run's identity."""
    folder = tmp_path_factory.mktemp("finished") / "cache"
    with cache_at(folder):
        add_textures(pictures)
        return folder, finished_run(specification()).id


@pytest.fixture(scope="session")
def encoded_cache(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Give a cache folder with a finished run of every encoding, and the run's identity."""
    folder = tmp_path_factory.mktemp("encoded") / "cache"
    with cache_at(folder):
        add_textures(pictures)
        return folder, finished_run(
            specification(layers=["block2"], poolings=list(ENCODINGS), n_words=8)
        ).id


@pytest.fixture
def encoded(encoded_cache: tuple[Path, str], cache: object) -> Run:
    """Give a copy of the run of encodings that the test may spoil."""
    return copy_of_run(*encoded_cache)


@pytest.fixture
def finished(finished_cache: tuple[Path, str], cache: object) -> Run:
    """Give a copy of the finished run that the test may spoil."""
    return copy_of_run(*finished_cache)


@pytest.fixture
def known(pictures: Path, cache: object) -> Path:
    """Make the data set known to the test's own cache folder, where nothing is computed yet."""
    add_textures(pictures)
    return pictures


def _draw(label: str, i: int) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    grey = {
        "noise": np.random.default_rng(i).integers(0, 256, (SIDE, SIDE)),
        "stripes": np.where((x // (4 + i)) % 2, 220, 30),
        "waves": 127 + 100 * np.sin((y + i) / (6 + i)),
    }[label]
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
