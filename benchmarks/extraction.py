"""Speed and agreement of feature extraction, as ratios taken in one run.

    python benchmarks/extraction.py [--images FOLDER] [--rounds N]

Prints one JSON document. Each rate is the median over rounds in which all candidates take turns,
so a machine whose speed drifts slows them alike. Candidates:

- ours: files to pooled descriptors, as a run does it (`medrecog_core.features.extract`), and the
  network alone on pixels in memory (`PooledNetwork`), bfloat16 and float32
- Keras `predict` with defaults, on a VGG-19 with one pooled output
- OpenVINO bfloat16, on the same network with one pooled output, where it is installed

Keras's and OpenVINO's candidates read `block5` average only; ours reads all ten cells, except where
`deepest_alone` says otherwise. With --images, a folder of class folders below `train` and `test`
(scene15), the accuracy in bfloat16 and in float32 is compared too.
"""

import argparse
import hashlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.classification import TrainingOptions, find_classifier, measure
from medrecog_core.datasets import read_dataset
from medrecog_core.features import (
    DescriptorReader,
    DescriptorSource,
    DescriptorStore,
    PooledNetwork,
    batch_size,
    extract,
    grid,
    hash_images,
)
from medrecog_core.images import SQUEEZE, Image
from medrecog_core.networks import embedded_weights, find_device, find_network, installed_weights
from medrecog_core.networks.backend import backend_versions, import_keras

NETWORK = find_network("vgg19")
LAYERS = ("block1", "block2", "block3", "block4", "block5")
POOLINGS = ("max", "average")
ALL = [(layer, pooling) for layer in LAYERS for pooling in POOLINGS]
DEEPEST = [("block5", "average")]
SIDE = 224
# Multiply-adds of VGG-19's convolutions at 224 x 224, times two.
GFLOP_PER_IMAGE = 39.04


def keras_network() -> Any:
    """VGG-19 as Keras users write it: preprocessing outside, pooling='avg', defaults."""
    keras = import_keras()
    network = keras.applications.VGG19(
        include_top=False, weights=None, pooling="avg", input_shape=(SIDE, SIDE, 3)
    )
    for name, arrays in embedded_weights.load().items():
        network.get_layer(name).set_weights(arrays)
    return network


def keras_predict(network: Any) -> Callable[[np.ndarray], np.ndarray]:
    preprocess = import_keras().applications.vgg19.preprocess_input
    return lambda images: network.predict(preprocess(images.astype(np.float32)), verbose=0)


def tensorflow_graph(network: Any) -> Callable[[np.ndarray], np.ndarray]:
    keras = import_keras()
    graph = keras.Model(network.inputs, network.outputs)
    graph.compile(jit_compile=False)
    preprocess = keras.applications.vgg19.preprocess_input
    size = batch_size(SIDE, "float32")

    def run(images: np.ndarray) -> np.ndarray:
        batches = range(0, len(images), size)
        parts = [preprocess(images[i : i + size].astype(np.float32)) for i in batches]
        return np.concatenate([graph.predict_on_batch(part) for part in parts])

    return run


def openvino_bfloat16(network: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    try:
        import openvino
    except ImportError:
        return None
    preprocess = import_keras().applications.vgg19.preprocess_input
    size = batch_size(SIDE, "bfloat16")
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, format="tf_saved_model", verbose=False)
        core = openvino.Core()
        model = core.read_model(folder)
        model.reshape([size, SIDE, SIDE, 3])
        compiled = core.compile_model(
            model, "CPU", {"INFERENCE_PRECISION_HINT": "bf16", "PERFORMANCE_HINT": "LATENCY"}
        )

    def run(images: np.ndarray) -> np.ndarray:
        batches = range(0, len(images), size)
        parts = [preprocess(images[i : i + size].astype(np.float32)) for i in batches]
        return np.concatenate([compiled(part)[0] for part in parts])

    return run


def ours(readings: list[tuple[str, str]], precision: str) -> Callable[[np.ndarray], Any]:
    network = PooledNetwork(NETWORK, readings, precision)
    size = batch_size(SIDE, precision)

    def run(images: np.ndarray) -> Any:
        parts = [network.descriptors(images[i : i + size]) for i in range(0, len(images), size)]
        return {k: np.concatenate([part[k] for part in parts]) for k in network.readings}

    return run


def files_to_descriptors(files: list[Image], precision: str) -> float:
    """Seconds to extract all ten cells of files into a new store, graph building left out."""
    source = source_of(precision)
    times: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder, DescriptorStore(Path(folder)) as store:
        extract(
            files,
            grid(NETWORK, LAYERS, [SIDE], POOLINGS),
            DescriptorReader(NETWORK, source, store),
            report=lambda p: times.append((time.perf_counter(), p.done)) if p.scale else None,
        )
    # From the end of the first batch, which builds the graph, to the end of the last.
    (start, first), (end, last) = times[1], times[-1]
    return (end - start) / (last - first) * len(files)


def source_of(precision: str) -> DescriptorSource:
    return DescriptorSource(installed_weights(NETWORK).identity, SQUEEZE, precision)


def sample_files(folder: Path, n: int) -> list[Image]:
    """JPEG files of smooth noise, 224 pixels wide, as a chest X-ray copy has them."""
    rng = np.random.default_rng(0)
    files = []
    for i in range(n):
        coarse = rng.integers(0, 256, (28, 28, 3), dtype=np.uint8)
        path = folder / f"{i}.jpeg"
        Picture.fromarray(coarse).resize((SIDE, SIDE)).save(path, quality=75)
        files.append(Image(str(path), hashlib.sha256(path.read_bytes()).hexdigest()))
    return files


def rates(n_images: int, rounds: int) -> dict[str, Any]:
    images = np.random.default_rng(0).integers(0, 256, (n_images, SIDE, SIDE, 3), dtype=np.uint8)
    network = keras_network()
    candidates = {
        "ours_bfloat16_ten_cells": ours(ALL, "bfloat16"),
        "ours_bfloat16_deepest_alone": ours(DEEPEST, "bfloat16"),
        "ours_float32_ten_cells": ours(ALL, "float32"),
        "tensorflow_graph_float32": tensorflow_graph(network),
        "openvino_bfloat16": openvino_bfloat16(network),
        "keras_predict_defaults": keras_predict(network),
    }
    present = {name: run for name, run in candidates.items() if run is not None}
    seconds: dict[str, list[float]] = {name: [] for name in [*present, "ours_files"]}
    for run in present.values():
        run(images[: batch_size(SIDE, "bfloat16")])
    with tempfile.TemporaryDirectory() as folder:
        files = sample_files(Path(folder), n_images)
        for _ in range(rounds):
            for name, run in present.items():
                start = time.perf_counter()
                run(images)
                seconds[name].append(time.perf_counter() - start)
            seconds["ours_files"].append(files_to_descriptors(files, "bfloat16"))
    return {name: n_images / statistics.median(times) for name, times in seconds.items()}


def agreement(n_images: int) -> float:
    """Smallest cosine between bfloat16 and float32 descriptors, over images and cells."""
    images = np.random.default_rng(1).integers(0, 256, (n_images, SIDE, SIDE, 3), dtype=np.uint8)
    exact, rounded = ours(ALL, "float32")(images), ours(ALL, "bfloat16")(images)
    return min(
        float(
            (
                (exact[k] * rounded[k]).sum(axis=1)
                / (np.linalg.norm(exact[k], axis=1) * np.linalg.norm(rounded[k], axis=1))
            ).min()
        )
        for k in exact
    )


def accuracies(root: Path) -> dict[str, dict[str, float]]:
    """Accuracy of every cell in both precisions, and the smallest cosine on real images."""
    dataset = read_dataset("images", root)
    files, _ = hash_images([dataset.absolute_path(image) for image in dataset.images])
    labels = np.array([image.label for image in dataset.images])
    train = np.array([image.split == "train" for image in dataset.images])
    cells = grid(NETWORK, LAYERS, [SIDE], POOLINGS)
    found: dict[str, dict[str, float]] = {cell.name: {} for cell in cells}
    matrices: dict[str, dict[str, np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder, DescriptorStore(Path(folder)) as store:
        for precision in ("float32", "bfloat16"):
            reader = DescriptorReader(NETWORK, source_of(precision), store)
            extract(files, cells, reader)
            for cell in cells:
                matrix = reader.read(files, cell)
                (svm,) = find_classifier("linear-svm").train_path(
                    matrix[train], labels[train].tolist(), [1.0], TrainingOptions()
                )
                scores = svm.scores(matrix[~train])
                result = measure(labels[~train].tolist(), scores, svm.classes)
                found[cell.name][precision] = result.accuracy
                matrices.setdefault(cell.name, {})[precision] = matrix
    for name, pair in matrices.items():
        products = (pair["float32"] * pair["bfloat16"]).sum(axis=1)
        lengths = [np.linalg.norm(matrix, axis=1) for matrix in pair.values()]
        found[name]["smallest_cosine"] = float((products / (lengths[0] * lengths[1])).min())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--images", type=Path, help="folder with train and test class folders")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n", type=int, default=32, help="images a candidate sees in a round")
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    rate = rates(arguments.n, arguments.rounds)
    best = rate["ours_bfloat16_ten_cells"]
    document: dict[str, Any] = {
        "device": find_device().name,
        "cores": find_device().n_cores,
        "versions": backend_versions(),
        "images_per_second": {name: round(value, 2) for name, value in rate.items()},
        "gflop_per_second": round(best * GFLOP_PER_IMAGE, 0),
        "ratios": {
            "ours_over_keras_predict": best / rate["keras_predict_defaults"],
            "ours_over_tensorflow_graph_float32": best / rate["tensorflow_graph_float32"],
            "ours_over_openvino_bfloat16": best / rate["openvino_bfloat16"]
            if "openvino_bfloat16" in rate
            else None,
            "time_of_ten_cells_over_deepest_alone": rate["ours_bfloat16_deepest_alone"] / best,
            "files_over_pixels_in_memory": rate["ours_files"] / best,
        },
        "smallest_cosine_of_bfloat16_to_float32": agreement(16),
    }
    if arguments.images:
        document["accuracy"] = accuracies(arguments.images)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
