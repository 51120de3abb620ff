"""How often the intervals hold the truth, and how often equal cells are told apart.

    python benchmarks/coverage.py [--cases N] [--resamples N] [--curves N] [--trained-curves N]

Simulated results of two classes whose truth is known: scores are normal around a class mean, a
part of their variance is common to the images of a group, and a group is of one class. Every case
has its own number of images (200 to 600), prevalence, separation, share of the groups' variance
and group sizes (1 to 11 in `large_groups`, of which a class can have as few as a dozen; 1 to 4 in
`small_groups`; 1 in `independent`). Prints one JSON document:

- `coverage`: for each measure, the share of cases whose 95 % interval holds the truth, with both
  bootstrap methods (`bca` is the program's), and as `estimate` gives it (`program`: Wilson's for
  proportions of independent images)
- `told_apart`: for two equal cells, the share of cases with p <= 0.05; and for ten equal cells, the
  share in which any is told from the best after Holm's correction

With `--curves N` it prints only `curves`: N simulated learning curves in each of four designs. An
image is right if its difficulty, part of which is common to its group, is less than what the
classifier can do. That follows a power law of the number of training groups, plus an effect of the
very groups, of which every image also has its own. Draws, folds and nesting are those of the
program, and the true accuracy is a formula. With `--trained-curves N` it prints `trained_curves`:
linear SVMs are really trained, in five designs (10 to 60 channels, 100 to 160 groups of 1 to 4
images, a test part or 5 folds), and the true accuracy for a number of groups is the mean over 240
independent training parts, each tested on the whole population by its formula. There, the power law
is only an approximation. For each design:

- `points`: the share of 95 % intervals that hold the truth, at each size and over all
- `fitted` and `extrapolated`: the same for the power law at the measured sizes, and at twice the
  largest
- `gain`: the same for the difference that twice as many groups make

A share of N cases is uncertain by about 0.95 * 0.05 / N under the root: 0.005 for 2,000.

Tried and not taken, in 1,000 cases of `large_groups`: plain percentiles cover 0.89 (AUC) to 0.94;
plain BCa 0.91 to 0.95; a Student interval on the logit scale with the bootstrap's standard error
0.94 to 0.97, much like the widened BCa. Holm's correction for the comparisons with the best alone
told any of ten equal cells from the best in 0.12 to 0.14 of the cases.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from medrecog_core.classification import (
    MEASURES,
    Normalisation,
    ScoredImages,
    TrainingOptions,
    compare,
    compare_with_best,
    estimate,
    find_classifier,
    train_svms,
)
from medrecog_core.classification.intervals import METHODS, bootstrap
from medrecog_core.classification.learning_curve import (
    DrawnResults,
    draw_results,
    fit_learning_curve,
)
from medrecog_core.images import stratified_folds

DESIGNS = {"independent": 1, "small_groups": 4, "large_groups": 11}
"""A design's name to the size of its largest group."""
CLASSES = ("a", "b")


class Case:
    """What one simulated test set is made of."""

    def __init__(self, rng: np.random.Generator, largest_group: int) -> None:
        self._rng = rng
        n = int(rng.integers(200, 601))
        self.prevalence, self.separation = rng.uniform(0.2, 0.8), rng.uniform(1, 3)
        self.shift = rng.uniform(-0.3, 0.3)
        self._between = rng.uniform(0.2, 0.8) if largest_group > 1 else 0.0
        sizes = rng.integers(1, largest_group + 1, size=n)
        self._group = np.repeat(np.arange(n), sizes)[:n]
        self._is_b = (rng.random(n) < self.prevalence)[self._group]
        self._grouped = largest_group > 1

    def noise(self) -> np.ndarray:
        """Return noise of unit variance, part of it common to a group."""
        n = len(self._group)
        between = self._rng.normal(size=n)[self._group] * np.sqrt(self._between)
        return between + self._rng.normal(size=n) * np.sqrt(1 - self._between)

    def images(self, noise: np.ndarray) -> ScoredImages:
        """Return the test set with scores of that noise."""
        scores = np.where(self._is_b, 0.5, -0.5) * self.separation + self.shift + noise
        groups = [f"group {i}" for i in self._group] if self._grouped else ()
        labels = [CLASSES[int(is_b)] for is_b in self._is_b]
        return ScoredImages.of(labels, np.column_stack([-scores, scores]), CLASSES, groups)

    def truth(self) -> dict[str, float]:
        """Return every measure of infinitely many images."""
        from scipy.stats import norm

        sensitivity = norm.cdf(self.separation / 2 + self.shift)
        specificity = norm.cdf(self.separation / 2 - self.shift)
        found, missed = self.prevalence * sensitivity, self.prevalence * (1 - sensitivity)
        cleared = (1 - self.prevalence) * specificity
        alarms = (1 - self.prevalence) * (1 - specificity)
        return {
            "accuracy": found + cleared,
            "balanced_accuracy": (sensitivity + specificity) / 2,
            "macro_f1": found / (2 * found + missed + alarms)
            + cleared / (2 * cleared + missed + alarms),
            "auc": norm.cdf(self.separation / np.sqrt(2)),
            "sensitivity": sensitivity,
            "specificity": specificity,
        }


def coverage(largest_group: int, n_cases: int, n_resamples: int) -> dict[str, Any]:
    held: dict[str, dict[str, list[bool]]] = {
        method: {name: [] for name in MEASURES} for method in (*METHODS, "program")
    }
    n_units = []
    for seed in range(n_cases):
        case = Case(np.random.default_rng([seed, largest_group]), largest_group)
        images, truth = case.images(case.noise()), case.truth()
        n_units.append(images.n_units)
        found = {m: bootstrap(images, MEASURES, m, n_resamples) for m in METHODS}
        found["program"] = estimate(images, n_resamples=n_resamples)
        for method, estimates in found.items():
            for name, one in estimates.items():
                held[method][name].append(bool(one.low <= truth[name] <= one.high))
    return {
        "cases": n_cases,
        "units": {"least": min(n_units), "median": float(np.median(n_units))},
        **{
            method: {name: round(float(np.mean(values)), 4) for name, values in by_name.items()}
            for method, by_name in held.items()
        },
    }


def told_apart(largest_group: int, n_cases: int, n_resamples: int) -> dict[str, float]:
    two: dict[str, list[bool]] = {"accuracy": [], "auc": []}
    any_of_ten = []
    for seed in range(n_cases):
        rng = np.random.default_rng([seed, largest_group, 1])
        case = Case(rng, largest_group)
        common, share = case.noise(), rng.uniform(0.3, 0.9)
        cells = [
            case.images(np.sqrt(share) * common + np.sqrt(1 - share) * case.noise())
            for _ in range(10)
        ]
        for measure, found in two.items():
            p_value = compare(cells[0], cells[1], measure, n_resamples).p_value
            found.append(p_value <= 0.05)
        ranked = compare_with_best(cells, n_resamples=n_resamples)
        any_of_ten.append(not all(one.is_indistinguishable for one in ranked))
    return {
        **{f"two cells, {name}": round(float(np.mean(found)), 4) for name, found in two.items()},
        "any of ten cells, accuracy": round(float(np.mean(any_of_ten)), 4),
    }


# --- Learning curves -----------------------------------------------------------------------------


class Design:
    """How learning curves are simulated.

    Parameters
    ----------
    n_groups, group_size, n_folds
        Groups, images of each, and folds; 1 for a test part of as many groups again.
    ceiling, scale, exponent
        Of the power law of the accuracy.
    effect, decay
        Standard deviation of the effect of the training groups on the probit scale for one group,
        and the power of the number of groups with which its variance falls.
    """

    def __init__(
        self,
        n_groups: int,
        group_size: int,
        n_folds: int,
        law: tuple[float, float, float],
        effect: float,
        decay: float,
    ) -> None:
        self._n_groups, self._group_size, self._n_folds = n_groups, group_size, n_folds
        self._law, self._effect, self._decay = law, effect, decay
        largest = n_groups if n_folds == 1 else n_groups * (n_folds - 1) // n_folds
        self.sizes = np.unique(np.geomspace(4, largest, 8).round().astype(int))

    def truth(self, sizes: np.ndarray) -> np.ndarray:
        """Return the accuracy for numbers of training groups."""
        ceiling, scale, exponent = self._law
        law: np.ndarray = ceiling - scale * sizes.astype(float) ** -exponent
        return law

    def draw(self, rng: np.random.Generator, n_draws: int = 10) -> DrawnResults:
        """Return which test images simulated classifiers get right."""
        from scipy.stats import norm

        n, folds = self._n_groups, self._n_folds
        n_all = 2 * n if folds == 1 else n
        units = np.repeat(np.arange(n_all), self._group_size)
        fold_of = np.where(np.arange(n_all) < n, 1, 0) if folds == 1 else np.arange(n) % folds
        difficulty = rng.normal(size=n_all)[units] * np.sqrt(_OF_GROUP)
        difficulty += rng.normal(size=len(units)) * np.sqrt(_OF_IMAGE)
        of_groups = rng.normal(size=n_all)
        of_both = rng.normal(size=(len(units), n_all)) * np.sqrt(1 - _OF_GROUP - _OF_IMAGE)
        spread = np.sqrt(1 + self._effect**2 * self.sizes.astype(float) ** -self._decay)
        able = norm.ppf(self.truth(self.sizes)) * spread
        shape = max(2, n_draws // folds) * folds, len(self.sizes), len(units)
        right = np.full(shape, np.nan, dtype=np.float32)
        for draw in range(shape[0]):
            f = draw // (shape[0] // folds)
            pool = rng.permutation(np.flatnonzero(fold_of != f))
            tested = fold_of[units] == f
            for s, size in enumerate(self.sizes):
                drawn = pool[:size] if s < len(self.sizes) - 1 else pool
                effect = self._effect * len(drawn) ** (-self._decay / 2)
                can = able[s] + effect * of_groups[drawn].sum() / np.sqrt(len(drawn))
                own = of_both[np.ix_(tested, drawn)].sum(axis=1) / np.sqrt(len(drawn))
                right[draw, s, tested] = difficulty[tested] + own < can
        return DrawnResults(
            self.sizes, right, np.repeat(np.arange(folds), shape[0] // folds), units
        )


_OF_GROUP, _OF_IMAGE = 0.3, 0.4
DESIGNS_OF_CURVES = {
    "a test part of 150 images": Design(150, 1, 1, (0.9, 0.6, 0.5), 1.0, 1.5),
    "100 groups of 3, 5 folds": Design(100, 3, 5, (0.85, 0.5, 0.4), 1.5, 1.2),
    "400 groups of 2, 5 folds": Design(400, 2, 5, (0.97, 0.5, 0.6), 1.0, 1.5),
    "a test part of 60 groups of 4": Design(60, 4, 1, (0.8, 0.4, 0.5), 1.5, 1.0),
}


def simulated_curve_coverage(design: Design, n_cases: int) -> dict[str, Any]:
    asked = np.append(design.sizes, 2 * design.sizes[-1])
    truth = design.truth(asked)
    curves = (
        fit_learning_curve(design.draw(np.random.default_rng(case))) for case in range(n_cases)
    )
    return _summary(curves, asked, truth)


def _summary(curves: Any, asked: Any, truth: np.ndarray) -> dict[str, Any]:
    points, fitted, gains = [], [], []
    for curve in curves:
        gain = truth[-1] - truth[-2]
        points.append([p.low <= t <= p.high for p, t in zip(curve.points, truth, strict=False)])
        fitted.append([p.low <= t <= p.high for p, t in zip(curve.fitted, truth, strict=True)])
        gains.append(curve.gain_low <= gain <= curve.gain_high)
    of_fit = np.mean(fitted, axis=0)
    return {
        "cases": len(gains),
        "groups": [int(n) for n in asked],
        "truth": [round(float(t), 4) for t in truth],
        "points": [round(float(share), 3) for share in np.mean(points, axis=0)],
        "all points": round(float(np.mean(points)), 4),
        "fitted": round(float(of_fit[:-1].mean()), 4),
        "extrapolated": round(float(of_fit[-1]), 4),
        "gain": round(float(np.mean(gains)), 4),
    }


class Population:
    """Two normal classes whose images come in groups, of equal numbers of groups.

    Parameters
    ----------
    channels, separation
        Of the features; the distance of the class means in standard deviations.
    n_groups, group_size, between
        Groups of a data set, images of each, and the share of the variance common to a group.
    n_folds
        Of a cross-validation; 1 for a test part of 120 further groups.
    """

    def __init__(
        self,
        channels: int,
        separation: float,
        n_groups: int,
        group_size: int,
        between: float,
        n_folds: int,
    ) -> None:
        self.n_groups, self.group_size, self.n_folds = n_groups, group_size, n_folds
        self._between = between
        self._mean = np.full(channels, separation / 2 / np.sqrt(channels))

    def draw(self, n_groups: int, rng: np.random.Generator) -> tuple[Any, Any, Any]:
        """Return features, labels and the group of each image."""
        groups = np.repeat(np.arange(n_groups), self.group_size)
        is_b = (groups % 2).astype(bool)
        shape = len(groups), len(self._mean)
        common = rng.normal(size=(n_groups, shape[1]))[groups] * np.sqrt(self._between)
        noise = common + rng.normal(size=shape) * np.sqrt(1 - self._between)
        features = np.where(is_b, 1, -1)[:, None] * self._mean + noise
        return features, np.array(CLASSES)[is_b.astype(int)], groups

    def accuracy(self, n_groups: int, rng: np.random.Generator) -> float:
        """Return the mean accuracy of SVMs that are trained on so many groups."""
        from scipy.stats import norm

        accuracies: list[float] = []
        while len(accuracies) < _N_TRUE:
            drawn = [self.draw(n_groups, rng) for _ in range(_TRAINED_TOGETHER)]
            labels = np.concatenate([each[1] for each in drawn])
            n = len(drawn[0][1])
            parts = [(np.arange(i * n, (i + 1) * n), [0]) for i in range(len(drawn))]
            features = np.concatenate([each[0] for each in drawn])
            for path in train_svms(features, labels, parts, [1.0], normalisation=PLAIN):
                weights, bias = path.svms[0].weights[1], path.svms[0].biases[1]
                length = np.linalg.norm(weights)
                hits = norm.cdf((self._mean @ weights + np.array([bias, -bias])) / length)
                accuracies.append(float(hits.mean()))
        return float(np.mean(accuracies))


PLAIN = Normalisation("none")
POPULATIONS = {
    "independent": Population(20, 1.5, 160, 1, 0.0, 1),
    "three a group": Population(20, 2.5, 120, 3, 0.5, 5),
    "many channels": Population(40, 3.0, 140, 2, 0.3, 1),
    "hard": Population(10, 1.0, 150, 2, 0.6, 5),
    "four a group": Population(60, 2.0, 100, 4, 0.4, 5),
}
_N_TEST_GROUPS = 120
_N_TRUE = 240
_TRAINED_TOGETHER = 20


def trained_curve_coverage(population: Population, n_cases: int) -> dict[str, Any]:
    svm = find_classifier("linear-svm")
    curves, asked = [], []
    for case in range(n_cases):
        rng = np.random.default_rng([case, population.n_groups])
        more = _N_TEST_GROUPS if population.n_folds == 1 else 0
        features, labels, groups = population.draw(population.n_groups + more, rng)
        trained = groups < population.n_groups
        folds = (
            [(np.flatnonzero(trained), np.flatnonzero(~trained))]
            if more
            else stratified_folds(labels, groups, population.n_folds, case)
        )
        named = [f"group {i}" for i in groups]
        options = TrainingOptions(normalisation=PLAIN, seed=case)
        drawn = draw_results(svm, features, list(labels), named, folds, 1.0, options)
        asked = [*map(int, drawn.sizes), 2 * int(drawn.sizes[-1])]
        curves.append(fit_learning_curve(drawn))
    rng = np.random.default_rng(population.n_groups)
    return _summary(curves, asked, np.array([population.accuracy(n, rng) for n in asked]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--designs", default=",".join(DESIGNS))
    parser.add_argument("--curves", type=int, default=0, help="curves to simulate a design")
    parser.add_argument("--trained-curves", type=int, default=0, help="curves to train a design")
    arguments = parser.parse_args()
    if arguments.curves:
        simulated = {
            name: simulated_curve_coverage(design, arguments.curves)
            for name, design in DESIGNS_OF_CURVES.items()
        }
        print(json.dumps({"curves": simulated}, indent=1))
        return
    if arguments.trained_curves:
        trained = {
            name: trained_curve_coverage(population, arguments.trained_curves)
            for name, population in POPULATIONS.items()
        }
        print(json.dumps({"trained_curves": trained}, indent=1))
        return
    cases, resamples = arguments.cases, arguments.resamples
    designs = {name: DESIGNS[name] for name in arguments.designs.split(",")}
    document = {
        "coverage": {name: coverage(size, cases, resamples) for name, size in designs.items()},
        "told_apart": {name: told_apart(size, cases, resamples) for name, size in designs.items()},
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
