"""Images a second on a GPU at every scale, and where the time goes.

    python benchmarks/gpu.py [--scales 224,544,864,1184] [--seconds N] [--images N] [--network NAME]

Three rates stand beside each other, each measured alone in one process:

- `network`: batches that are in memory already, through the `PooledNetwork` that a run uses, for
  both precisions, and with and without XLA (`jit_compile`);
- `decoding`: JPEG files to batches of pixels, by the threads that read ahead of the network;
- `extraction`: files to descriptors in a store, as a run does it, and apart from that what its
  start takes.

The slower of the first two bounds the third. Descriptors are compared with those of the processor
in float32, at the smallest scale, as the largest deviation relative to the largest value: a GPU
that multiplies float32 in TF32 shows there. `--batches` also measures other batch sizes, in
bfloat16 with XLA. Prints one JSON document. Keras runs on TensorFlow unless `KERAS_BACKEND` names
another backend.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from PIL import Image as Picture

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from medrecog_core.features import PooledNetwork, batch_size
from medrecog_core.features.cell import Cell
from medrecog_core.features.extraction import extract
from medrecog_core.features.reader import DescriptorReader
from medrecog_core.features.reading import hash_images, read_batches, reading_ahead
from medrecog_core.features.store import DescriptorSource, DescriptorStore
from medrecog_core.images import DEFAULT_PREPROCESSING, Image, find_preprocessing
from medrecog_core.networks import find_device, find_network, installed_weights
from medrecog_core.networks.backend import backend_versions

SIDES = (1024, 768)
POOLINGS = ("max", "average")
N_COMPARED = 4
MOST_PIXELS = 256 * 224**2


def write_images(folder: Path, n: int) -> list[Image]:
    """Write JPEG files of photographs' size and smoothness, and hash them."""
    rng = np.random.default_rng(0)
    coarse = Picture.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(SIDES, Picture.Resampling.BICUBIC), dtype=np.int16)
    grain = rng.integers(-8, 9, smooth.shape, dtype=np.int16)
    for i in range(n):
        pixels = np.clip(np.roll(smooth, 7 * i, axis=1) + grain, 0, 255).astype(np.uint8)
        Picture.fromarray(pixels).save(folder / f"{i:05}.jpg", quality=88)
    hashed, _ = hash_images(sorted(folder.glob("*.jpg")))
    return hashed


def rate(work: Callable[[], int], seconds: float) -> float:
    """Return the units of work a second, after one round that is not counted."""
    work()
    done, start = 0, time.perf_counter()
    while done == 0 or time.perf_counter() - start < seconds:
        done += work()
    return done / (time.perf_counter() - start)


def deviation(found: dict[Any, np.ndarray], expected: dict[Any, np.ndarray]) -> float:
    return max(
        float(np.abs(found[key] - values).max() / np.abs(values).max())
        for key, values in expected.items()
    )


def readings_of(name: str) -> list[tuple[str, str]]:
    return [(layer, pooling) for layer in find_network(name).default_layers for pooling in POOLINGS]


def random_images(n: int, scale: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, scale, scale, 3), dtype=np.uint8)


def graph_of(name: str, precision: str, uses_xla: bool) -> PooledNetwork:
    gains = "medrecog_core.networks.engines.tensorflow.gains_from_xla"
    with patch(gains, lambda precision: uses_xla):
        return PooledNetwork(find_network(name), readings_of(name), precision, engine="tensorflow")


def images_a_second(graph: PooledNetwork, images: np.ndarray, seconds: float) -> float:
    return rate(lambda: len(next(iter(graph.descriptors(images).values()))), seconds)


def write_reference(name: str, scale: int, file: Path) -> None:
    """Write descriptors of the processor in float32."""
    found = graph_of(name, "float32", False).descriptors(random_images(N_COMPARED, scale))
    np.savez(file, **{"/".join(reading): values for reading, values in found.items()})


def read_reference(name: str, scale: int, folder: str) -> dict[tuple[str, str], np.ndarray]:
    """Return descriptors that another process computed on the processor."""
    file = Path(folder, "reference.npz")
    subprocess.run(
        [sys.executable, __file__, "--network", name, "--scales", str(scale), "--to", str(file)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"},
        check=True,
    )
    with np.load(file) as arrays:
        return {reading: arrays["/".join(reading)] for reading in readings_of(name)}


def measure_network(
    name: str, scale: int, seconds: float, expected: dict[tuple[str, str], np.ndarray]
) -> list[dict[str, Any]]:
    rows = []
    for precision in ("float32", "bfloat16"):
        size = batch_size(scale, precision)
        images = random_images(size, scale)
        for uses_xla in (False, True):
            graph = graph_of(name, precision, uses_xla)
            start = time.perf_counter()
            graph.descriptors(images)
            row = {
                "precision": precision,
                "jit_compile": uses_xla,
                "images_at_once": size,
                "first_batch_seconds": time.perf_counter() - start,
                "images_per_second": images_a_second(graph, images, seconds),
            }
            if expected:
                found = graph.descriptors(random_images(N_COMPARED, scale))
                row["deviation_from_processor"] = deviation(found, expected)
            rows.append(row)
    return rows


def measure_decoding(images: list[Image], scale: int, precision: str) -> float:
    preprocessing = find_preprocessing(DEFAULT_PREPROCESSING)
    size = batch_size(scale, precision)
    start = time.perf_counter()
    n = sum(map(len, read_batches(images, preprocessing, scale, size, {})))
    return n / (time.perf_counter() - start)


def measure_extraction(
    name: str, images: list[Image], scale: int, precision: str, folder: Path
) -> dict[str, float]:
    """Return what a run's start takes, and the rate after it, from a short and a long run."""
    network = find_network(name)
    cells = [Cell(layer, scale, p) for layer in network.default_layers for p in POOLINGS]
    preprocessing = find_preprocessing(DEFAULT_PREPROCESSING).version
    source = DescriptorSource(installed_weights(network).identity, preprocessing, precision)
    few = images[: max(2 * batch_size(scale, precision), len(images) // 4)]
    seconds = {}
    for run, some in (("warm-up", few), ("short", few), ("long", images)):
        with DescriptorStore(folder / f"{run}-{scale}") as store:
            start = time.perf_counter()
            extract(some, cells, DescriptorReader(network, source, store))
            seconds[run] = time.perf_counter() - start
    rate = (len(images) - len(few)) / (seconds["long"] - seconds["short"])
    return {
        "images_per_second": rate,
        "start_seconds": seconds["short"] - len(few) / rate,
        "first_start_seconds": seconds["warm-up"] - len(few) / rate,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", default="224,544,864,1184")
    parser.add_argument("--seconds", type=float, default=5.0, help="at least, for each rate")
    parser.add_argument("--images", type=int, default=1000, help="files at every scale")
    parser.add_argument("--network", default="vgg19")
    parser.add_argument("--batches", default="", help="such as 16,64,256")
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    scales = [int(scale) for scale in chosen.scales.split(",")]
    if chosen.to:
        write_reference(chosen.network, scales[0], chosen.to)
        return
    device = find_device()
    precision = "bfloat16" if device.has_fast_bfloat16 else "float32"
    document: dict[str, Any] = {
        "device": device.name,
        "kind": device.kind,
        "cores": device.n_cores,
        "versions": backend_versions(),
        "images": f"{chosen.images} JPEG files of {SIDES[0]} x {SIDES[1]}",
        "readers": reading_ahead(batch_size(scales[0], precision)).n_readers,
        "scales": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder, "images")
        pictures.mkdir()
        images = write_images(pictures, chosen.images)
        reference = read_reference(chosen.network, scales[0], folder)
        for scale in scales:
            document["scales"][scale] = {
                "network": measure_network(
                    chosen.network, scale, chosen.seconds, reference if scale == scales[0] else {}
                ),
                "decoding": measure_decoding(images, scale, precision),
                "extraction": measure_extraction(
                    chosen.network, images, scale, precision, Path(folder)
                ),
                "extraction_precision": precision,
            }
            if chosen.batches:
                graph = graph_of(chosen.network, "bfloat16", True)
                document["scales"][scale]["images_per_second_by_batch"] = {
                    n: images_a_second(graph, random_images(n, scale), chosen.seconds)
                    for n in map(int, chosen.batches.split(","))
                    if n * scale**2 <= MOST_PIXELS
                }
            # Each scale at once, in case the machine is taken away before the end.
            print(json.dumps({scale: document["scales"][scale]}), file=sys.stderr)
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
