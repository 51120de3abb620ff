"""Two processes at once on what neither has seen before."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medrecog_core.features import DescriptorStore
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from tests.textures import N_IMAGES, specification

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]


def start(run: Run, at_once: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "medrecog_core", "resume", run.id],
        cwd=PROJECT,
        env={**os.environ, "MEDRECOG_RUNS_AT_ONCE": str(at_once)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("at_once", [1, 2])
def test_every_image_goes_through_the_network_once_in_all(
    known: Path, cache: CacheFolder, at_once: int
) -> None:
    runs = [create_run(specification()) for _ in range(2)]
    processes = [start(run, at_once) for run in runs]
    errors = [process.communicate(timeout=240)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    assert [run.state().status for run in runs] == ["finished", "finished"]
    counts = [dict(run.state().network_images)[224] for run in runs]
    assert sorted(counts) == [0, N_IMAGES]
    with DescriptorStore(cache.features) as store:
        assert len(store) == N_IMAGES * len(specification().cells)
        assert store.check() == []
    first, second = runs
    for one, other in zip(first.cells(), second.cells(), strict=True):
        assert one.metrics == other.metrics
        assert np.array_equal(first.scores(one.cell), second.scores(other.cell))
    if at_once == 1:
        assert any(run.id in "".join(errors) for run in runs)
    assert list(cache.queue.glob("0*")) == []
