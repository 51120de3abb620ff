"""Runs that are killed at random moments and carried on, against one that nobody disturbed.

    python benchmarks/kills.py [--kills N] [--images N] [--seed N]

Draws a data set of three classes and runs it once undisturbed. Then runs of the same
specification, each in a cache folder of its own, are killed with SIGKILL at seeded random moments
and resumed until they are finished. After every kill the store and the run's folder are looked
at, at every end the cells are compared with the undisturbed ones, and the images that went through
the network are counted by the process that takes them through, before it does. Prints one JSON
document; the exit status is 1 where anything was not as it should be.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from medrecog_core.datasets import library, read_dataset
from medrecog_core.features import DescriptorStore, PooledNetwork, batch_size
from medrecog_core.locations import CacheFolder, cache_folder
from medrecog_core.networks import find_network, resolve_precision
from medrecog_core.runs import Run, RunSpecification, create_run, execute, find_run
from medrecog_core.settings import CACHE_VARIABLE

NETWORK = find_network("vgg19")
CLASSES = 3
SPECIFICATION = RunSpecification(dataset="drawn", layers=("block1", "block2"))
SCALE = 224
_POLL = 0.005


@dataclass
class Report:
    """What was found; `faults` says in words what was not as it should be."""

    kills: int = 0
    runs: int = 0
    images: int = 0
    batch: int = 0
    killed_in: dict[str, int] = field(default_factory=dict)
    images_twice: list[int] = field(default_factory=list)
    largest_score_difference: float = 0.0
    faults: list[str] = field(default_factory=list)


def draw(folder: Path, per_class: int) -> None:
    """Draw seeded pictures that block1 tells apart, though not always."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True)
        for i in range(per_class):
            noise = rng.normal(110 + 12 * label, 40 + 10 * label, (96, 96, 3))
            picture = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
            picture.save(folder / f"class-{label}/{i}.png")


def work(run_id: str, passes: Path) -> None:
    """Carry out a run, and count every image before it goes through the network."""
    original = PooledNetwork.descriptors

    def counted(self: PooledNetwork, images: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        with passes.open("a") as file:
            file.write(f"{len(images)}\n")
        return original(self, images)

    PooledNetwork.descriptors = counted  # type: ignore[method-assign]
    execute(find_run(run_id))


class KilledRun:
    """A run in a cache folder of its own, with processes that may be killed."""

    def __init__(self, folder: Path, pictures: Path) -> None:
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        library.save(read_dataset("drawn", pictures))
        self.passes = folder / "passes.txt"
        self.passes.touch()
        self.run = create_run(SPECIFICATION)
        self.cache: CacheFolder = cache_folder()

    def start(self) -> subprocess.Popen[bytes]:
        """Start a process that works on the run."""
        command = [sys.executable, __file__, "--work", self.run.id, "--passes", str(self.passes)]
        environment = {**os.environ, CACHE_VARIABLE: str(self.cache.root)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    @property
    def n_passed(self) -> int:
        """Images that were about to go through the network, in all processes."""
        return sum(map(int, self.passes.read_text().split()))

    def n_stored(self, faults: list[str]) -> int:
        """Images whose descriptors are all in the store; half an image is a fault."""
        with DescriptorStore(self.cache.features) as store:
            faults += store.check()
            n_entries, cells = len(store), len(SPECIFICATION.cells)
        if n_entries % cells:
            faults.append(f"{n_entries} descriptors are no whole number of images")
        return n_entries // cells


def compare(run: Run, undisturbed: Run, report: Report) -> None:
    """Compare a finished run's cells, images and scores with those of the undisturbed run."""
    cells = [replace(result, seconds=0) for result in run.cells()]
    if cells != [replace(result, seconds=0) for result in undisturbed.cells()]:
        report.faults.append(f"{run.id}: the cells are not those of the undisturbed run")
        return
    if run.images() != undisturbed.images() or not run.is_whole():
        report.faults.append(f"{run.id}: the images or scores are not whole")
    for result in cells:
        difference = np.abs(run.scores(result.cell) - undisturbed.scores(result.cell)).max()
        report.largest_score_difference = max(report.largest_score_difference, float(difference))


def check_after_kill(killed: KilledRun, attempts: int, report: Report) -> None:
    """Look at the folder and the store that a killed process left."""
    state = killed.run.state()
    report.killed_in[state.stage or "start"] = report.killed_in.get(state.stage or "start", 0) + 1
    # It may have been killed after its last word.
    if state.status not in ("interrupted", "finished"):
        report.faults.append(f"{killed.run.id}: killed, it is {state.status} ({state.error})")
    killed.run.cells(), killed.run.images(), killed.run.record()  # raise where they are damaged
    twice = killed.n_passed - killed.n_stored(report.faults)
    if twice > report.batch * attempts:
        report.faults.append(f"{killed.run.id}: {twice} images lost in {attempts} kills")


def measure(n_kills: int, per_class: int, seed: int, folder: Path) -> Report:
    """Kill and resume runs until there have been so many kills."""
    pictures = folder / "pictures"
    draw(pictures, per_class)
    n_images = CLASSES * per_class
    precision = resolve_precision(SPECIFICATION.precision)
    report = Report(images=n_images, batch=batch_size(SCALE, precision))
    start = time.monotonic()
    quiet = KilledRun(folder / "undisturbed", pictures)
    quiet.start().wait()
    duration = time.monotonic() - start
    rng = random.Random(seed)
    while report.kills < n_kills:
        report.runs += 1
        killed = KilledRun(folder / f"run-{report.runs}", pictures)
        kills_of_run = 0
        while killed.run.state().status != "finished":
            process = killed.start()
            if report.kills < n_kills and wait_to_kill(killed, process, rng, duration):
                process.kill()
                process.wait()
                report.kills += 1
                kills_of_run += 1
                check_after_kill(killed, kills_of_run, report)
            elif process.wait():
                report.faults.append(f"{killed.run.id}: {killed.run.state().error}")
                break
        report.images_twice.append(killed.n_passed - n_images)
        if killed.n_stored(report.faults) != n_images:
            report.faults.append(f"{killed.run.id}: not every image is in the store")
        if killed.n_passed - n_images > kills_of_run * report.batch:
            report.faults.append(f"{killed.run.id}: more than a batch a kill was lost")
        compare(killed.run, quiet.run, report)
    return report


def wait_to_kill(
    killed: KilledRun, process: subprocess.Popen[bytes], rng: random.Random, duration: float
) -> bool:
    """Wait for a random moment of a process; return whether it was still at work then.

    Most of the time of so small a run is the loading of TensorFlow. So two moments of three are
    drawn from after the first batch or the first cell of this process, the third from all of it.
    """
    share, done = rng.choice(
        [
            (1.0, lambda: 0),
            (0.25, lambda: killed.n_passed),
            (0.05, lambda: len(list(killed.run.path.glob("cells/*")))),
        ]
    )
    before = done()
    while share < 1 and done() == before and process.poll() is None:
        time.sleep(_POLL)
    wait = rng.uniform(0, share * duration)
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline and process.poll() is None:
        time.sleep(_POLL)
    return process.poll() is None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--images", type=int, default=40, help="a class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--passes", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(arguments.work, arguments.passes)
        return
    with tempfile.TemporaryDirectory() as folder:
        report = measure(arguments.kills, arguments.images, arguments.seed, Path(folder))
    document: dict[str, Any] = dict(vars(report))
    print(json.dumps(document, indent=1))
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
