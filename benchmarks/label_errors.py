"""How well wrong labels are found that were put into a data set on purpose.

    python benchmarks/label_errors.py RUN [--cell NAME] [--share 0.05] [--seeds N]

A share of the labels of a finished run with cross-validation is replaced by another class, the
classifiers are trained again with them from the feature cache, and the labels that confident
learning finds are compared with the replaced ones. Prints one JSON document: for each rule and
ranking, the mean over the seeds of

- `precision_at_n`: the share of replaced labels among the first n that are found, n being how many
  were replaced (if fewer are found, the rest counts as wrong)
- `found`: how many are found, and `precision` of all of these
- `suggested`: the share of the replaced labels among the first n with the right class suggested
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.classification import ScoredImages, cross_calibrated
from medrecog_core.classification.label_errors import RANKINGS, RULES, find_label_errors
from medrecog_core.features import DescriptorReader, DescriptorStore
from medrecog_core.locations import cache_folder
from medrecog_core.networks import find_network
from medrecog_core.reports.run_figures import find_result
from medrecog_core.runs import Run, find_run
from medrecog_core.runs.cell_evaluation import CellResult, StoredImages, evaluate_cell


def one_seed(run: Run, result: CellResult, share: float, seed: int) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(seed)
    images, split = run.images(), run.split()
    classes = sorted({image.label for image in images})
    truth = np.array([classes.index(image.label) for image in images])
    replaced = np.zeros(len(images), dtype=bool)
    replaced[rng.choice(len(images), round(share * len(images)), replace=False)] = True
    labels = truth.copy()
    labels[replaced] += rng.integers(1, len(classes), replaced.sum())
    labels %= len(classes)
    noisy = [
        dataclasses.replace(image, label=classes[k])
        for image, k in zip(images, labels, strict=True)
    ]
    with DescriptorStore(cache_folder().features) as store:
        network = find_network(run.specification().network)
        stored = StoredImages(noisy, DescriptorReader(network, run.source(), store))
        data = stored.cell_data(result.cell, split, run.specification())
        _, scores = evaluate_cell(result.cell, data, run.specification())
    tested = np.array(split.tested)
    groups = [images[i].group for i in tested]
    scored = ScoredImages.of([noisy[i].label for i in tested], scores, classes, groups)
    probabilities, _ = cross_calibrated(scored)
    n, found = int(replaced.sum()), {}
    for rule in RULES:
        for ranking in RANKINGS:
            errors = find_label_errors(probabilities, labels[tested], rule, ranking)
            hits = replaced[tested][errors.positions]
            right = errors.suggested == truth[tested][errors.positions]
            found[f"{rule}, {ranking}"] = {
                "precision_at_n": hits[:n].sum() / n,
                "found": len(hits),
                "precision": hits.mean() if len(hits) else 0.0,
                "suggested": (hits & right)[:n].sum() / max(1, hits[:n].sum()),
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--cell", default="")
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    run = find_run(arguments.run)
    result = find_result(run.cells(), arguments.cell)
    seeds = [one_seed(run, result, arguments.share, s) for s in range(arguments.seeds)]
    document: dict[str, Any] = {
        "run": run.id,
        "cell": result.cell.name,
        "images": len(run.images()),
        "replaced": round(arguments.share * len(run.images())),
        "seeds": len(seeds),
    }
    for name in seeds[0]:
        document[name] = {
            key: round(float(np.mean([seed[name][key] for seed in seeds])), 3)
            for key in seeds[0][name]
        }
        low = min(seed[name]["precision_at_n"] for seed in seeds)
        document[name]["least precision_at_n"] = round(float(low), 3)
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
