"""How exactly the evidence sums to the score, and how long a warm prediction with it takes.

    python benchmarks/evidence.py [--images FOLDER] [--n N] [--scales 224,544] [--layer block5]

The images are N of those below FOLDER, spread evenly over their paths, or the demo set's. For each
scale and pooling, an SVM is trained on the descriptors themselves (the labels being the names of
the images' folders), and with and without L2 normalisation the contributions and the bias are held
against the score that the SVM gives the descriptor of the pooling inside the graph, in float32.
Prints one JSON document: `relative_error` is the greatest |sum - score| / |score| over images and
classes, and `seconds_ratio` what the map, its pooling and the evidence take, over the pooled
network alone.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.classification import (
    LinearClassifier,
    LinearScore,
    explain,
    l2_normalise,
    l2_score,
    plain_score,
)
from medrecog_core.datasets import library
from medrecog_core.features import GLOBAL_POOLINGS, FeatureMapNetwork, PooledNetwork, with_evidence
from medrecog_core.images import decode_image, read_file, squeeze
from medrecog_core.networks import find_network

NETWORK = find_network("vgg19")
POOLINGS = with_evidence()
ENDINGS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}


def image_files(folder: Path | None, n: int) -> tuple[list[Path], list[str]]:
    """Return files spread evenly over the folder, and their labels."""
    if folder is None:
        dataset = library.load("demo")
        everything = [(dataset.root / image.path, image.label) for image in dataset.images]
    else:
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in ENDINGS)
        everything = [(file, file.parent.name) for file in files]
    step = max(1, len(everything) // n)
    chosen = everything[::step][:n]
    return [file for file, _ in chosen], [label for _, label in chosen]


def train(rows: np.ndarray, labels: list[str]) -> LinearClassifier:
    """Train on rows as they are, so that the same serves with and without normalisation."""
    from sklearn.svm import LinearSVC

    solver = LinearSVC(max_iter=20_000).fit(rows, labels)
    weights, biases = solver.coef_, solver.intercept_
    if len(solver.classes_) == 2:
        weights, biases = np.vstack([-weights, weights]), np.concatenate([-biases, biases])
    return LinearClassifier(tuple(map(str, solver.classes_)), weights, biases)


def greatest_error(sums: np.ndarray, scores: np.ndarray) -> float:
    return float((np.abs(sums - scores) / np.abs(scores)).max())


def measure(squares: list[np.ndarray], labels: list[str], layer: str) -> dict[str, Any]:
    pooled = PooledNetwork(NETWORK, [(layer, pooling) for pooling in POOLINGS], "float32")
    network = FeatureMapNetwork(NETWORK, layer, "float32")
    pooled.descriptors(squares[0][None])
    network.feature_map(squares[0])
    maps, rows, seconds = [], [], {"pooled": [], "map": []}
    for square in squares:
        start = time.perf_counter()
        rows.append({p: d[0] for (_, p), d in pooled.descriptors(square[None]).items()})
        middle = time.perf_counter()
        maps.append(network.feature_map(square))
        seconds["pooled"].append(middle - start)
        seconds["map"].append(time.perf_counter() - middle)
    document: dict[str, Any] = {"positions": list(maps[0].shape[:2])}
    explaining = []
    for pooling in POOLINGS:
        plain = np.array([row[pooling] for row in rows], dtype=np.float64)
        for name, descriptors in (("none", plain), ("l2", l2_normalise(plain))):
            svm = train(descriptors, labels)
            scores = descriptors @ svm.weights.T + svm.biases
            sums = []
            for feature_map in maps:
                start = time.perf_counter()
                descriptor = GLOBAL_POOLINGS[pooling].pool(feature_map)
                score: LinearScore = (
                    l2_score(svm, descriptor) if name == "l2" else plain_score(svm, len(descriptor))
                )
                sums.append(explain(feature_map, GLOBAL_POOLINGS[pooling], score).scores)
                explaining.append(time.perf_counter() - start)
            document[f"{pooling}, {name}"] = {
                "relative_error": greatest_error(np.array(sums), scores),
                "smallest_score": float(np.abs(scores).min()),
            }
    with_evidence = statistics.median(seconds["map"]) + statistics.median(explaining)
    document["seconds_ratio"] = with_evidence / statistics.median(seconds["pooled"])
    return document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path)
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--scales", default="224,544")
    parser.add_argument("--layer", default="block5")
    arguments = parser.parse_args()
    files, labels = image_files(arguments.images, arguments.n)
    document: dict[str, Any] = {"images": len(files), "layer": arguments.layer}
    for scale in map(int, arguments.scales.split(",")):
        squares = [squeeze(decode_image(read_file(file)), scale) for file in files]
        document[str(scale)] = measure(squares, labels, arguments.layer)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
