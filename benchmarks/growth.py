"""How time and memory grow with the number of images: import, a run from the store, health reports.

    python benchmarks/growth.py [--images 1000,10000,100000] [--side PIXELS] [--steps STEP,STEP]

Draws small JPEG pictures of ten classes into a temporary folder, takes them in, and puts drawn
features straight into the store, so that no network is needed. Then it measures, each step in a
process of its own, a run of two cells of `block5` (hold-out, one C) whose features are all in the
store, the SVMs apart from everything else; the health report; and the health report of as many
images of which every 500 are near-copies of each other, as frames of a video are. Prints a table
with seconds and peak memory, and the exponent of growth between the last two numbers of images.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

N_CLASSES = 10
CHANNELS = 512
NEAR_COPIES = 500
PLAIN, VIDEO = "plain", "video"
ENTRIES_AT_ONCE = 5_000


def draw(root: Path, n: int, side: int, same: int) -> None:
    """Draw noisy pictures, of which each `same` in a row show the same scene."""
    for label in range(N_CLASSES):
        (root / f"class{label}").mkdir(parents=True)

    def write(i: int) -> None:
        scene, noise = np.random.default_rng(i // same), np.random.default_rng(10**9 + i)
        coarse = Image.fromarray(scene.integers(0, 256, (12, 12, 3), np.uint8))
        pixels = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.int16)
        noisy = np.clip(pixels + noise.normal(0, 2, pixels.shape), 0, 255).astype(np.uint8)
        file = root / f"class{i // same % N_CLASSES}" / f"{i:06d}.jpg"
        Image.fromarray(noisy).save(file, quality=85)

    with ThreadPoolExecutor(2) as writers:
        list(writers.map(write, range(n)))


def step_import(root: Path, name: str) -> dict[str, float]:
    from medrecog_core.datasets import library, read_dataset

    start = time.perf_counter()
    library.save(read_dataset(name, root))
    return {"seconds": time.perf_counter() - start}


def step_features(root: Path, name: str) -> dict[str, float]:
    """Put a vector near the centre of its class into the store for every image and cell."""
    from medrecog_core.datasets import library
    from medrecog_core.features import DescriptorStore
    from medrecog_core.locations import cache_folder
    from medrecog_core.runs.extracted_dataset import descriptor_source

    specification = _specification(name)
    source, dataset = descriptor_source(specification), library.load(name)
    rng = np.random.default_rng(0)
    centres = {label: rng.random(CHANNELS, np.float32) for label in dataset.classes}
    start = time.perf_counter()
    with DescriptorStore(cache_folder().features) as store:
        for first in range(0, len(dataset.images), ENTRIES_AT_ONCE):
            images = dataset.images[first : first + ENTRIES_AT_ONCE]
            for cell in specification.read_cells:
                noise = 2 * rng.random((len(images), CHANNELS), np.float32)
                store.put(
                    (source.key(image.file.sha256, cell), centres[image.label] + vector)
                    for image, vector in zip(images, noise, strict=True)
                    if image.file is not None
                )
    return {"seconds": time.perf_counter() - start}


def step_run(root: Path, name: str) -> dict[str, float]:
    from medrecog_core.runs import cell_evaluation, create_run, execute

    train = cell_evaluation._train
    spent = 0.0

    def timed(*given: Any) -> Any:
        nonlocal spent
        start = time.perf_counter()
        trained = train(*given)
        spent += time.perf_counter() - start
        return trained

    cell_evaluation._train = timed
    start = time.perf_counter()
    execute(create_run(_specification(name)))
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "of SVMs": spent, "of the rest": seconds - spent}


def step_health(root: Path, name: str) -> dict[str, float]:
    from medrecog_core.datasets import check_health, library

    dataset = library.load(name)
    start = time.perf_counter()
    report = check_health(dataset)
    return {"seconds": time.perf_counter() - start, "findings": len(report.findings)}


def _specification(name: str) -> Any:
    from medrecog_core.runs import RunSpecification

    return RunSpecification(
        dataset=name, layers=("block5",), poolings=("max", "average"), protocol="hold-out"
    )


STEPS = {
    "import": (step_import, PLAIN),
    "features": (step_features, PLAIN),
    "run": (step_run, PLAIN),
    "health": (step_health, PLAIN),
    "import of near-copies": (step_import, VIDEO),
    "health of near-copies": (step_health, VIDEO),
}


def run_here(step: str, root: Path) -> dict[str, float]:
    work, name = STEPS[step]
    answer = work(root, name)
    answer["CPU seconds in all"] = time.process_time()
    return {**answer, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6}


def run_apart(step: str, root: Path, cache: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, "--root", str(root)],
        env={**os.environ, "MEDRECOG_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    document: dict[str, float] = json.loads(done.stdout)
    return document


def measure(n: int, side: int, steps: list[str], folder: Path) -> dict[str, dict[str, float]]:
    cache = folder / f"cache-{n}"
    for name, same in ((PLAIN, 1), (VIDEO, NEAR_COPIES)):
        root = folder / f"{name}-{n}"
        if not root.exists() and any(STEPS[step][1] == name for step in steps):
            draw(root, n, side, same)
    return {step: run_apart(step, folder / f"{STEPS[step][1]}-{n}", cache) for step in steps}


def table(found: dict[int, dict[str, dict[str, float]]]) -> str:
    numbers = sorted(found)
    lines = [
        f"| step | {' | '.join(f'{n:,}' for n in numbers)} | exponent |",
        f"|---|{'---|' * (len(numbers) + 1)}",
    ]
    for step, measures in found[numbers[0]].items():
        for measure_name in measures:
            values = [found[n][step][measure_name] for n in numbers]
            shown = " | ".join(f"{value:,.1f}" for value in values)
            lines.append(f"| {step}, {measure_name} | {shown} | {exponent(numbers, values)} |")
    return "\n".join(lines)


def exponent(numbers: list[int], values: list[float]) -> str:
    if len(numbers) < 2 or min(values[-2:]) <= 0:
        return ""
    return f"{math.log(values[-1] / values[-2]) / math.log(numbers[-1] / numbers[-2]):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", default="1000,10000,100000")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--folder", type=Path, help="keeps the pictures and caches for another run")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step:
        print(json.dumps(run_here(given.step, given.root)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        steps = given.steps.split(",")
        numbers = [int(n) for n in given.images.split(",")]
        print(table({n: measure(n, given.side, steps, folder) for n in numbers}))


if __name__ == "__main__":
    main()
