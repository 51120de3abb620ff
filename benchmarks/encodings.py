"""Accuracy of encodings beside max and average pooling of the same maps.

    python benchmarks/encodings.py FOLDER [--layers block4,block5] [--scale 224] [--seeds N]

FOLDER holds class folders below `train` and `test` (scene15). Prints one JSON document. The images
go through the network once; descriptors and local descriptors are kept in the cache folder's store.
For each layer and pooling:

- the accuracy on the test part with its 95 % interval, at seed 0, and its mean, least and greatest
  over seeds, which move the codebook and the SVM
- the accuracy in a stratified cross-validation within the training part, where each fold has a
  codebook of its own: what one may choose by
- against average pooling of the same layer, and of the layer whose average pooling did best in the
  cross-validation: test images that only one of the two gets right, and the exact McNemar test's
  p-value
- the seconds to learn the codebook and to encode all images from the store, at seed 0
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.classification import TrainingOptions, find_classifier, measure
from medrecog_core.datasets import read_dataset
from medrecog_core.features import (
    DEFAULT_N_WORDS,
    POOLINGS,
    Cell,
    DescriptorReader,
    DescriptorSource,
    DescriptorStore,
    extract,
    grid,
    hash_images,
)
from medrecog_core.images import SQUEEZE, Image
from medrecog_core.locations import cache_folder
from medrecog_core.networks import find_device, find_network, installed_weights, resolve_precision

NETWORK = find_network("vgg19")


class Images:
    """The images of a folder, whose descriptors are all in the store."""

    def __init__(self, folder: Path, cells: tuple[Cell, ...], store: DescriptorStore) -> None:
        dataset = read_dataset("images", folder)
        self.files, _ = hash_images([dataset.absolute_path(image) for image in dataset.images])
        self.labels = np.array([image.label for image in dataset.images])
        train = np.array([image.split == "train" for image in dataset.images])
        self.train, self.test = np.flatnonzero(train), np.flatnonzero(~train)
        weights = installed_weights(NETWORK).identity
        source = DescriptorSource(weights, SQUEEZE, resolve_precision("auto"))
        self.reader = DescriptorReader(NETWORK, source, store)
        extract(self.files, cells, self.reader, report=self._tell)

    @staticmethod
    def _tell(progress: Any) -> None:
        if progress.scale:
            print(f"\r{progress.stage}: {progress.done}/{progress.total}", end="", file=sys.stderr)

    def files_at(self, places: np.ndarray) -> list[Image]:
        """Return the files of some of the images."""
        return [self.files[i] for i in places]

    def scores(
        self, cell: Cell, train: np.ndarray, test: np.ndarray, n_words: int | None, seed: int
    ) -> tuple[np.ndarray, tuple[str, ...], dict[str, float]]:
        """Scores of the test images, the classes, and the seconds the encoding took."""
        start = time.perf_counter()
        codebook = self.reader.learn_codebook(self.files_at(train), cell, n_words, seed)
        learned = time.perf_counter()
        rows = self.files_at(np.concatenate([train, test]))
        matrix = self.reader.describe(rows, cell, codebook)
        seconds = {"codebook": learned - start, "descriptors": time.perf_counter() - learned}
        known = self.labels[train].tolist()
        (svm,) = find_classifier("linear-svm").train_path(
            matrix[: len(train)], known, [1.0], TrainingOptions(seed=seed)
        )
        return svm.scores(matrix[len(train) :]), svm.classes, seconds


def cross_validate(images: Images, cell: Cell, n_words: int | None, n_folds: int) -> float:
    from sklearn.model_selection import StratifiedKFold

    folds = StratifiedKFold(n_folds, shuffle=True, random_state=0)
    right = 0
    for learn, hold in folds.split(images.train, images.labels[images.train]):
        train, test = images.train[learn], images.train[hold]
        scores, classes, _ = images.scores(cell, train, test, n_words, 0)
        right += int((np.array(classes)[scores.argmax(axis=1)] == images.labels[test]).sum())
    return right / len(images.train)


def judge(
    images: Images, cell: Cell, n_words: int | None, n_seeds: int, n_folds: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Figures of a cell, and which test images it gets right at seed 0."""
    truth = images.labels[images.test]
    accuracies = []
    for seed in range(n_seeds if cell.is_encoded else 1):
        scores, classes, taken = images.scores(cell, images.train, images.test, n_words, seed)
        result = measure(truth.tolist(), scores, classes)
        accuracies.append(result.accuracy)
        if seed == 0:
            first, seconds = result, taken
            right = np.array(classes)[scores.argmax(axis=1)] == truth
    figures: dict[str, Any] = {
        "accuracy": first.accuracy,
        "interval": first.accuracy_interval,
        "n_test": len(truth),
        "cross_validated": cross_validate(images, cell, n_words, n_folds),
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
    }
    if cell.is_encoded:
        figures["n_words"] = n_words or DEFAULT_N_WORDS[cell.pooling]
        figures["over_seeds"] = {
            "mean": float(np.mean(accuracies)),
            "least": min(accuracies),
            "greatest": max(accuracies),
            "n": n_seeds,
        }
    return figures, right


def compare(right: np.ndarray, other: np.ndarray) -> dict[str, float]:
    from scipy.stats import binomtest

    gained, lost = int((right & ~other).sum()), int((other & ~right).sum())
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return {"only_this_right": gained, "only_average_right": lost, "mcnemar_p": float(p)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder with train and test class folders")
    parser.add_argument("--layers", default="block4,block5")
    parser.add_argument("--scale", type=int, default=224)
    parser.add_argument("--poolings", default=",".join(POOLINGS), help="average is always there")
    parser.add_argument("--n-words", type=int, help="of every encoding; default: each its own")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    poolings = {"average", *arguments.poolings.split(",")}
    cells = grid(NETWORK, arguments.layers.split(","), [arguments.scale], poolings)
    found: dict[Cell, dict[str, Any]] = {}
    right: dict[Cell, np.ndarray] = {}
    with DescriptorStore(cache_folder().features) as store:
        images = Images(arguments.folder, cells, store)
        for cell in cells:
            found[cell], right[cell] = judge(
                images, cell, arguments.n_words, arguments.seeds, arguments.folds
            )
            print(f"{cell.name}: {found[cell]['accuracy']:.3f}", file=sys.stderr)
    averages = [cell for cell in cells if cell.pooling == "average"]
    best = max(averages, key=lambda cell: found[cell]["cross_validated"])
    for cell in cells:
        if cell.is_encoded:
            same = Cell(cell.layer, cell.scale, "average")
            found[cell]["against_average"] = compare(right[cell], right[same])
            found[cell]["against_best_average"] = compare(right[cell], right[best])
    document = {
        "device": find_device().name,
        "cores": find_device().n_cores,
        "precision": images.reader.source.precision,
        "n_train": len(images.train),
        "best_average": best.name,
        "cells": {cell.name: figures for cell, figures in found.items()},
        "greatest_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
