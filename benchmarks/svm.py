"""Speed and agreement of the SVMs of a cell, as ratios taken in one run.

    python benchmarks/svm.py [--n N] [--channels D] [--classes K] [--reference-folds F]
    python benchmarks/svm.py --selection [--dataset NAME]

Prints one JSON document.

The first way trains the one-vs-rest SVMs of 5 folds and 7 values of C on 4,000 descriptors of 4,096
channels and 8 classes: not negative, L2-normalised, classes of many overlapping factors.

- ours: `train_svms`, Gram matrix included
- `LinearSVC` with defaults, a loop over folds and C: the solver that ours stands for. Agreement is
  measured with its solution at a tolerance of 1e-9, which the default one stops short of
- `SVC(kernel="linear")`, the same loop. It solves another problem (hinge loss, one against one, a
  free bias), so its agreement with ours is for information
- `SVC(kernel="precomputed")` on slices of one Gram matrix, which stands for `SVC(kernel="linear")`

With --reference-folds F scikit-learn is run on F folds only, and its seconds are multiplied. Beside
seconds by the clock there are those of the processor: on a busy machine they are the truer ones.

The second way chooses C among 7 by 5 inner folds and trains with it, for ten cells of the size of
chest X-ray at 224 (5,190 training and 618 test images, 64 to 512 channels), or for ten cells of a
data set whose descriptors are in the store, reading them included.

What was tried before, on one fold of this size (3,200 x 4,096; seconds of the processor for each
value of C; ours: 0.66, its part of the Gram matrix included):

- `LinearSVC` with defaults 1.7 to 5.2, at a tolerance of 1e-9 2.2 to 6.2
- scikit-learn-intelex's `SVC(kernel="linear")` 3.3 to 3.6; it has no `LinearSVC`
- ours with two BLAS threads for each Cholesky factor instead of a thread for each group of
  problems: 254 seconds by the clock against 58 for all folds, on a busy machine of two cores
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.classification import (
    TrainingOptions,
    each_on_one_core,
    find_classifier,
    l2_normalise,
    score_choosing_value,
    train_svms,
)
from medrecog_core.datasets import split_images
from medrecog_core.features import DescriptorReader, DescriptorStore
from medrecog_core.locations import cache_folder
from medrecog_core.networks import find_device, find_network
from medrecog_core.runs import RunSpecification
from medrecog_core.runs.extracted_dataset import extract_dataset

N_FOLDS = 5
CS = [float(C) for C in np.logspace(-3, 3, 7)]
CHEST_TRAIN, CHEST_TEST, CHEST_CHANNELS = 5190, 618, (64, 128, 256, 512, 512)
POOLINGS = ("max", "average")

Fold = tuple[np.ndarray, np.ndarray]


def make_descriptors(
    n: int, channels: int, n_classes: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rectified mixtures of factors with a long tail of variances, as ReLU layers give them."""
    rng = np.random.default_rng(seed)
    which = rng.permutation(np.arange(n) % n_classes)
    spread = (1 + np.arange(64)) ** -0.5
    centres = 0.5 * rng.normal(size=(n_classes, 64)) * spread
    factors = (centres[which] + rng.normal(size=(n, 64)) * spread) / np.linalg.norm(spread)
    mixed = factors @ rng.normal(size=(64, channels)) + 2 * rng.normal(size=(n, channels)) - 0.5
    return np.maximum(0, mixed).astype(np.float32), np.array([f"class {k}" for k in which])


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, {
        "clock": time.perf_counter() - clock,
        "processor": time.process_time() - processor,
    }


def loop(
    solver: Callable[[float], Any], rows: np.ndarray, labels: np.ndarray, folds: Sequence[Fold]
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """Scores and predictions of the test part for every fold and C."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # LinearSVC's default of 1,000 steps is not always enough
        for train, test in folds:
            fitted = [solver(C).fit(rows[train], labels[train]) for C in CS]
            found.append(
                [(svm.decision_function(rows[test]), svm.predict(rows[test])) for svm in fitted]
            )
    return found


def loop_on_one_gram_matrix(
    rows: np.ndarray, labels: np.ndarray, folds: Sequence[Fold]
) -> list[list[tuple[np.ndarray, np.ndarray]]]:
    from sklearn.svm import SVC

    gram = rows @ rows.T
    found = []
    for train, test in folds:
        known, new = gram[np.ix_(train, train)], gram[np.ix_(test, train)]
        fitted = [SVC(kernel="precomputed", C=C).fit(known, labels[train]) for C in CS]
        found.append([(svm.decision_function(new), svm.predict(new)) for svm in fitted])
    return found


def agreement(
    found: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]],
    expected: Sequence[Sequence[tuple[np.ndarray, np.ndarray]]],
) -> dict[str, float]:
    pairs = [p for a, b in zip(found, expected, strict=False) for p in zip(a, b, strict=True)]
    same = np.concatenate([ours[1] == theirs[1] for ours, theirs in pairs])
    differences = [np.abs(ours[0] - theirs[0]).max() for ours, theirs in pairs]
    return {
        "predictions_equal": float(same.mean()),
        "largest_difference_of_decision_values": float(max(differences)),
    }


def solvers(n: int, channels: int, n_classes: int, n_reference: int) -> dict[str, Any]:
    from sklearn.svm import SVC, LinearSVC

    descriptors, labels = make_descriptors(n, channels, n_classes)
    rows = l2_normalise(descriptors)
    fold = np.arange(n) % N_FOLDS
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(N_FOLDS)]
    few = folds[:n_reference]
    train_svms(descriptors[:200], labels[:200], [(range(150), range(150, 200))], [1.0])
    paths, ours = timed(lambda: train_svms(descriptors, labels, folds, CS))
    linear, linear_svc = timed(lambda: loop(lambda C: LinearSVC(C=C), rows, labels, few))
    gram, gram_svc = timed(lambda: loop_on_one_gram_matrix(rows, labels, few))
    svc, linear_kernel = timed(lambda: loop(lambda C: SVC(kernel="linear", C=C), rows, labels, few))
    tight = loop(
        lambda C: LinearSVC(C=C, tol=1e-9, max_iter=10**7, random_state=0), rows, labels, few
    )
    found = [
        [(scores, np.array(path.classes)[scores.argmax(axis=1)]) for scores in path.scores]
        for path in paths
    ]
    if n_classes == 2:
        found = [[(scores[:, 1], labels) for scores, labels in path] for path in found]
    tested = list(zip(found, folds, strict=True))
    seconds = {
        "ours": ours,
        "linear_svc": _of_all_folds(linear_svc, n_reference),
        "svc_linear_kernel": _of_all_folds(linear_kernel, n_reference),
        "svc_on_one_gram_matrix": _of_all_folds(gram_svc, n_reference),
    }
    return {
        "n": n,
        "channels": channels,
        "classes": n_classes,
        "folds": N_FOLDS,
        "C": CS,
        "accuracy": [
            float(np.mean([(p[i][1] == labels[test]).mean() for p, (_, test) in tested]))
            for i in range(len(CS))
        ],
        "seconds": seconds,
        "folds_of_the_references": n_reference,
        "ratios": {
            f"{other}_over_ours": {
                kind: seconds[other][kind] / ours[kind] for kind in ("clock", "processor")
            }
            for other in ("linear_svc", "svc_linear_kernel", "svc_on_one_gram_matrix")
        },
        "agreement": {
            "ours_with_linear_svc_at_1e-9": agreement(found, tight),
            "linear_svc_defaults_with_linear_svc_at_1e-9": agreement(linear, tight),
            "svc_on_one_gram_matrix_with_svc_linear_kernel": agreement(gram, svc),
        },
        "predictions_of_ours_equal_to_svc_linear_kernel": [
            float(np.mean([(p[i][1] == q[i][1]).mean() for p, q in zip(found, svc, strict=False)]))
            for i in range(len(CS))
        ],
    }


def _of_all_folds(seconds: dict[str, float], n_run: int) -> dict[str, float]:
    return {kind: value * N_FOLDS / n_run for kind, value in seconds.items()}


def made_up_cells() -> Iterator[tuple[str, Callable[[], np.ndarray], np.ndarray, Fold]]:
    n = CHEST_TRAIN + CHEST_TEST
    fold = np.arange(CHEST_TRAIN), np.arange(CHEST_TRAIN, n)
    for block, channels in enumerate(CHEST_CHANNELS, start=1):
        for pooling in POOLINGS:
            seed = 2 * block + POOLINGS.index(pooling)
            descriptors, labels = make_descriptors(n, channels, 2, seed)
            yield f"block{block} {pooling}", lambda found=descriptors: found, labels, fold


def stored_cells(
    name: str, store: DescriptorStore
) -> Iterator[tuple[str, Callable[[], np.ndarray], np.ndarray, Fold]]:
    layers = tuple(f"block{i}" for i in range(1, 6))
    specification = RunSpecification(dataset=name, layers=layers, scales=(224,), poolings=POOLINGS)
    network = find_network(specification.network)
    extracted = extract_dataset(specification)
    partition = split_images(extracted.records, specification.split_protocol)
    labels = np.array([image.label for image in extracted.images])
    (fold_of_run,) = partition.folds
    fold = np.array(fold_of_run.train), np.array(fold_of_run.test)
    for cell in specification.cells:

        def read(cell: Any = cell) -> np.ndarray:
            return DescriptorReader(network, extracted.source, store).read(extracted.images, cell)

        yield cell.name, read, labels, fold


def selection(dataset: str | None) -> dict[str, Any]:
    with DescriptorStore(cache_folder().features) as store:
        cells = list(stored_cells(dataset, store) if dataset else made_up_cells())

        def choose(cell: tuple[str, Callable[[], np.ndarray], np.ndarray, Fold]) -> dict[str, Any]:
            name, read, labels, fold = cell
            start = time.perf_counter()
            ((chosen, path),) = score_choosing_value(
                find_classifier("linear-svm"),
                read(),
                labels,
                [fold],
                CS,
                options=TrainingOptions(),
            )
            scores = path.at(chosen.value)
            right = np.array(path.classes)[scores.argmax(axis=1)] == labels[fold[1]]
            return {
                "cell": name,
                "C": chosen.value,
                "accuracy": float(right.mean()),
                "seconds": time.perf_counter() - start,
            }

        choose(cells[0])
        alone, one_after_another = timed(lambda: [choose(cell) for cell in cells])
        _, side_by_side = timed(lambda: each_on_one_core(choose, cells))
    return {
        "dataset": dataset or "made up, of the size of chest X-ray",
        "cells": alone,
        "seconds_of_cells_one_after_another": one_after_another,
        "seconds_of_cells_side_by_side": side_by_side,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--n", type=int, default=4000)
    parser.add_argument("--channels", type=int, default=4096)
    parser.add_argument("--classes", type=int, default=8)
    parser.add_argument(
        "--reference-folds", type=int, default=N_FOLDS, choices=range(1, N_FOLDS + 1)
    )
    parser.add_argument("--selection", action="store_true", help="the second way")
    parser.add_argument("--dataset", help="a data set whose images are extracted")
    arguments = parser.parse_args()
    if arguments.selection or arguments.dataset:
        found = selection(arguments.dataset)
    else:
        found = solvers(
            arguments.n, arguments.channels, arguments.classes, arguments.reference_folds
        )
    device = find_device()
    print(json.dumps({"device": device.name, "cores": device.n_cores, **found}, indent=1))


if __name__ == "__main__":
    main()
