"""Speed and memory at every scale, with and without the head, as ratios to 224 in one run.

    python benchmarks/scales.py [--scales 224,544,864,1184] [--seconds N]

Every (scale, with or without fc1 and fc2) is measured in a process of its own, through the same
`PooledNetwork` as a run uses, in the precision that `auto` means here. The head's weights are
seeded random numbers, imported into a temporary cache folder: their values change no speed. Prints
one JSON document.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from medrecog_core.features import PooledNetwork, batch_size
from medrecog_core.networks import (
    embedded_weights,
    find_device,
    find_network,
    installed_weights,
    resolve_precision,
)
from medrecog_core.networks.layer_summary import summarise

NETWORK = find_network("vgg19")
BLOCK_LAYERS = NETWORK.default_layers
HEAD_LAYERS = ("fc1", "fc2")


def gflop_per_image(scale: int, with_head: bool) -> float:
    """Twice the multiply-adds of the convolutions, and of the head as convolutions."""
    rows = summarise(NETWORK, scale)
    return sum(
        row.gflop
        for row in rows
        if row.name.startswith("block") or (with_head and row.name in HEAD_LAYERS)
    )


def write_seeded_head(path: Path) -> None:
    """Write the embedded blocks and a seeded head as one archive."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name, (kernel, bias) in embedded_weights.load().items():
        arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = kernel, bias
    for name, shape in (
        ("fc1", (25088, 4096)),
        ("fc2", (4096, 4096)),
        ("predictions", (4096, 1000)),
    ):
        arrays[f"{name}/kernel"] = rng.standard_normal(shape, dtype=np.float32) * 0.01
        arrays[f"{name}/bias"] = np.zeros(shape[1], np.float32)
    np.savez(path, **arrays)


def measure_here(scale: int, with_head: bool, seconds: float) -> dict[str, Any]:
    """Measure in this process; its peak memory is the answer's."""
    precision = resolve_precision("auto")
    layers = BLOCK_LAYERS + (HEAD_LAYERS if with_head else ())
    readings = [(layer, pooling) for layer in layers for pooling in ("max", "average")]
    network = PooledNetwork(NETWORK, readings, precision)
    size = batch_size(scale, precision)
    images = np.random.default_rng(1).integers(0, 256, (size, scale, scale, 3), dtype=np.uint8)
    network.descriptors(images)
    n, start = 0, time.perf_counter()
    while n < 2 or time.perf_counter() - start < seconds:
        network.descriptors(images)
        n += 1
    rate = n * size / (time.perf_counter() - start)
    return {
        "images_at_once": size,
        "images_per_second": rate,
        "gflop_per_second": rate * gflop_per_image(scale, with_head),
        "peak_memory_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


def measure(scale: int, with_head: bool, seconds: float, cache: str) -> dict[str, Any]:
    """Measure in a process of its own."""
    arguments = [sys.executable, __file__, "--one", str(scale), "--seconds", str(seconds)]
    done = subprocess.run(
        arguments + (["--head"] if with_head else []),
        env={**os.environ, "MEDRECOG_CACHE": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", default="224,544,864,1184")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--head", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_here(arguments.one, arguments.head, arguments.seconds)))
        return
    scales = [int(scale) for scale in arguments.scales.split(",")]
    document: dict[str, Any] = {
        "device": find_device().name,
        "cores": find_device().n_cores,
        "precision": resolve_precision("auto"),
    }
    with tempfile.TemporaryDirectory() as cache:
        for part, with_head in (("blocks", False), ("blocks_and_head", True)):
            if with_head:
                archive = Path(cache, "seeded.npz")
                write_seeded_head(archive)
                os.environ["MEDRECOG_CACHE"] = cache
                from medrecog_core.networks.weight_import import import_weights

                import_weights(NETWORK, archive)
                archive.unlink()
                if "fc2" not in installed_weights(NETWORK).layers:
                    raise SystemExit("the seeded head was not installed")
            rows = {
                str(scale): measure(scale, with_head, arguments.seconds, cache) for scale in scales
            }
            base = rows[str(scales[0])]["gflop_per_second"]
            for row in rows.values():
                row["gflop_rate_over_that_of_the_first_scale"] = row["gflop_per_second"] / base
            document[part] = rows
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
