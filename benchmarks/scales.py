"""Speed and memory at every scale, with and without the head, as ratios to 224 in one run.

    python benchmarks/scales.py [--scales 224,544,864,1184] [--seconds N] [--precision P] [--peers]

Every (scale, with or without fc1 and fc2) is measured in a process of its own, through the same
`PooledNetwork` as a run uses. The head's weights are seeded random numbers, imported into a
temporary cache folder: their values change no speed. Beside the greatest resident memory stands
what a run is told beforehand. With `--peers`, the blocks are measured in PyTorch, ONNX Runtime and
OpenVINO too, where those are installed, with as many images at once. Prints one JSON document.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parents[1]
sys.path.insert(0, str(PROJECT))

from benchmarks import peers
from medrecog_core.features import PooledNetwork, batch_size, estimate_memory, peak_memory
from medrecog_core.networks import (
    PRECISIONS,
    embedded_weights,
    find_device,
    find_network,
    import_weights,
    installed_weights,
    resolve_precision,
)
from medrecog_core.networks.summary import summarise

NETWORK = find_network("vgg19")
BLOCK_LAYERS = NETWORK.default_layers
HEAD_LAYERS = ("fc1", "fc2")
OURS = "medrecog"


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


def run_of_ours(size: int, scale: int, precision: str, with_head: bool) -> peers.Run:
    layers = BLOCK_LAYERS + (HEAD_LAYERS if with_head else ())
    readings = [(layer, pooling) for layer in layers for pooling in ("max", "average")]
    network = PooledNetwork(NETWORK, readings, precision)
    return lambda images: network.descriptors(images)[layers[-1], "average"]


def measure_here(one: dict[str, Any]) -> dict[str, Any]:
    """Measure in this process; its peak memory is the answer's."""
    engine, scale, precision = one["engine"], one["scale"], one["precision"]
    size = batch_size(scale, precision)
    shape = (size, scale, scale, 3)
    images = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    if engine == OURS:
        run = run_of_ours(size, scale, precision, one["with_head"])
    else:
        try:
            run = peers.PEERS[engine](shape, precision)
        except ImportError as error:
            return {"not_measured": str(error)}
    run(images)
    n, start = 0, time.perf_counter()
    while n < 2 or time.perf_counter() - start < one["seconds"]:
        run(images)
        n += 1
    rate = n * size / (time.perf_counter() - start)
    return {
        "images_at_once": size,
        "images_per_second": rate,
        "gflop_per_second": rate * gflop_per_image(scale, one["with_head"]),
        "peak_memory_gb": peak_memory() / 1e9,
    }


def measure(cache: str, **one: Any) -> dict[str, Any]:
    """Measure in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", json.dumps(one)],
        env={**os.environ, "MEDRECOG_CACHE": cache},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    document: dict[str, Any] = json.loads(done.stdout)
    if one["engine"] == OURS:
        layers = BLOCK_LAYERS + (HEAD_LAYERS if one["with_head"] else ())
        estimate = estimate_memory(NETWORK, layers, one["scale"], one["precision"]).n_bytes / 1e9
        document["estimated_memory_gb"] = estimate
        document["estimate_over_measured"] = estimate / document["peak_memory_gb"]
    return document


def install_seeded_head(cache: str) -> None:
    archive = Path(cache, "seeded.npz")
    write_seeded_head(archive)
    os.environ["MEDRECOG_CACHE"] = cache
    import_weights(NETWORK, archive)
    archive.unlink()
    if "fc2" not in installed_weights(NETWORK).layers:
        raise SystemExit("the seeded head was not installed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scales", default="224,544,864,1184")
    parser.add_argument("--seconds", type=float, default=8.0, help="at least, for each figure")
    parser.add_argument("--precision", default="auto", help=", ".join(PRECISIONS))
    parser.add_argument("--peers", action="store_true", help=f"beside {', '.join(peers.PEERS)}")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_here(arguments.one)))
        return
    scales = [int(scale) for scale in arguments.scales.split(",")]
    precision = resolve_precision(arguments.precision)
    document: dict[str, Any] = {
        "device": find_device().name,
        "cores": find_device().n_cores,
        "precision": precision,
    }
    parts = [("blocks", OURS, False), ("blocks_and_head", OURS, True)]
    if arguments.peers:
        parts += [(f"blocks_in_{name}", name, False) for name in peers.PEERS]
    with tempfile.TemporaryDirectory() as cache:
        for part, engine, with_head in parts:
            if with_head:
                install_seeded_head(cache)
            rows = {}
            for scale in scales:
                rows[str(scale)] = measure(
                    cache,
                    engine=engine,
                    scale=scale,
                    precision=precision,
                    with_head=with_head,
                    seconds=arguments.seconds,
                )
            document[part] = rows
    base = document["blocks"][str(scales[0])]["gflop_per_second"]
    for part, _, _ in parts:
        for row in document[part].values():
            if "gflop_per_second" in row:
                row["gflop_rate_over_that_of_our_blocks_at_the_first_scale"] = (
                    row["gflop_per_second"] / base
                )
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
