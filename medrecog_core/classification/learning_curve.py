"""Accuracy against the number of training groups, and what more groups would bring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.classifier import Classifier, TrainingOptions
from medrecog_core.classification.scored_images import number_units
from medrecog_core.errors import MedrecogError

N_SIZES = 8
N_DRAWS = 10
"""Sizes of training parts, and draws of each over all folds; two at least in each fold."""

_SMALLEST_SHARE = 40  # the smallest size is one in so many groups
_PARTS_AT_ONCE = 16
_SIZES_THAT_COUNT = 2  # a variance is told by its own draws and by as many of other sizes
_N_REFITS = 1000
_EXPONENTS = np.geomspace(0.05, 3, 60)
_POWERS = (-3.0, -0.5)  # with which a variance falls with the number of groups
_LEVELS = (1e-9, 0.1)  # of the variance for the smallest number
_LEAST_VARIANCE = 1e-12


@dataclass(frozen=True)
class DrawnResults:
    """Which test images classifiers get right that are trained on drawn groups.

    Attributes
    ----------
    sizes
        int, shape (n_sizes,), ascending: training groups; the last is all of them.
    right
        float32, shape (n_draws, n_sizes, n_images): 1 where a test image is classified correctly, 0
        where not, NaN where the draw does not test it.
    folds
        int, shape (n_draws,): the fold of each draw.
    units
        int, shape (n_images,): the group of each image; an image without one has its own.
    """

    sizes: np.ndarray
    right: np.ndarray
    folds: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class CurvePoint:
    """An accuracy and its 95 % confidence interval for a number of training groups."""

    n_groups: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurve:
    """A learning curve with a fitted power law.

    The accuracy is `ceiling - scale * n_groups**-exponent`.

    Attributes
    ----------
    points
        What was measured, from few groups to all.
    fitted
        The power law at the same sizes, and at twice the largest one, which is an extrapolation.
    gain, gain_low, gain_high
        By how much the accuracy would change with twice as many groups, with the 95 % interval, if
        the curve continues as fitted.
    ceiling, scale, exponent
        Of the power law.
    n_images, n_test_groups
        Test images, and groups among them.
    n_draws
        Training parts that were drawn for each size.
    """

    points: tuple[CurvePoint, ...]
    fitted: tuple[CurvePoint, ...]
    gain: float
    gain_low: float
    gain_high: float
    ceiling: float
    scale: float
    exponent: float
    n_images: int
    n_test_groups: int
    n_draws: int


Fold = tuple[Sequence[int] | np.ndarray, Sequence[int] | np.ndarray]


def draw_results(
    classifier: Classifier,
    descriptors: np.ndarray,
    labels: Sequence[str],
    groups: Sequence[str],
    folds: Sequence[Fold],
    value: float,
    options: TrainingOptions,
    n_draws: int = N_DRAWS,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> DrawnResults:
    """Train on drawn groups of every size and test on the whole test part of each fold.

    The groups of a draw are put into a random order, stratified by class; the training parts are
    its beginnings, so that a larger one contains the smaller ones.

    Parameters
    ----------
    classifier, value, options
        What is trained, its hyper-parameter, and the options of training; the seed is that of the
        draws too.
    descriptors
        Shape (n, channels).
    labels, groups
        Of the n images; an image with an empty group is a group of its own.
    folds
        Training and test positions.
    n_draws
        Draws for each size over all folds; two at least in each fold.
    report
        Called with the trained and all training parts.

    Raises
    ------
    MedrecogError
        If a class has fewer than two training groups, or there are too few for a curve.
    """
    names = np.asarray(labels)
    units = number_units(groups)
    per_fold = max(2, -(-n_draws // len(folds)))
    sizes = _sizes([_ordered_groups(names, units, train, 0) for train, _ in folds], names)
    parts, places = [], []
    for f, (train_, test_) in enumerate(folds):
        train, test = np.asarray(train_, int), np.asarray(test_, int)
        for draw in range(per_fold):
            rng_seed = (options.seed, f, draw)
            order = _ordered_groups(names, units, train, rng_seed)
            rank = np.full(units.max() + 1, len(order))
            rank[order] = np.arange(len(order))
            for s, size in enumerate(sizes):
                if s == len(sizes) - 1 and draw:
                    continue  # all groups are the same in every draw
                # The last size is that of the smallest fold; the others leave a few groups out.
                parts.append((train[rank[units[train]] < size], test))
                places.append((f * per_fold + draw, s, f))
    right = np.full((len(folds) * per_fold, len(sizes), len(labels)), np.nan, dtype=np.float32)
    for start in range(0, len(parts), _PARTS_AT_ONCE):
        report(start, len(parts))
        some = parts[start : start + _PARTS_AT_ONCE]
        paths = classifier.score_folds(descriptors, labels, some, (value,), options)
        for path, (_, test), (draw, s, _) in zip(
            paths, some, places[start : start + _PARTS_AT_ONCE], strict=True
        ):
            predicted = np.asarray(path.classes)[path.at(value).argmax(axis=1)]
            right[draw, s, test] = predicted == names[test]
    for f in range(len(folds)):
        right[f * per_fold + 1 : (f + 1) * per_fold, -1] = right[f * per_fold, -1]
    report(len(parts), len(parts))
    return DrawnResults(sizes, right, np.repeat(np.arange(len(folds)), per_fold), units)


def _ordered_groups(
    names: np.ndarray, units: np.ndarray, train_: Sequence[int] | np.ndarray, seed: object
) -> np.ndarray:
    """Return the groups of a training part in a random order with stratified beginnings.

    The first ones are two of each class, and a group counts as one of its most frequent class.
    """
    train = np.asarray(train_, int)
    classes = np.unique(names)
    groups, members = np.unique(units[train], return_inverse=True)
    counts = np.zeros((len(groups), len(classes)), dtype=int)
    np.add.at(counts, (members, np.searchsorted(classes, names[train])), 1)
    class_of = counts.argmax(axis=1)
    rng = np.random.default_rng(seed)  # type: ignore[arg-type]
    place = np.empty(len(groups))
    for k in range(len(classes)):
        own = rng.permutation(np.flatnonzero(class_of == k))
        place[own] = (np.arange(len(own)) + rng.random()) / max(1, len(own))
        place[own[:2]] -= 2
    return np.asarray(groups[np.argsort(place, kind="stable")])


def _sizes(orders: Sequence[np.ndarray], names: np.ndarray) -> np.ndarray:
    largest = min(len(order) for order in orders)
    smallest = max(2 * len(np.unique(names)), largest // _SMALLEST_SHARE)
    sizes = np.unique(np.geomspace(smallest, max(smallest, largest), N_SIZES).round().astype(int))
    if largest < 2 * smallest or len(sizes) < 4:
        raise MedrecogError(
            f"A learning curve needs at least {4 * len(np.unique(names))} training groups (or "
            f"images without a group), and the run has {largest}. Add images."
        )
    return sizes


def fit_learning_curve(results: DrawnResults, seed: int = 0) -> LearningCurve:
    """Return the learning curve of drawn results, with intervals and a power law.

    The variance of an accuracy has two parts. That of the test images is the variance of a ratio
    over independent test groups. That of the training groups follows from the draws of each fold:
    their variance, smoothed over the sizes by a power of the size, is that of drawing without
    replacement from the groups at hand, and the groups at hand are themselves a sample. Intervals
    are Student's on the logit scale. The power law is fitted by weighted least squares; its
    intervals are quantiles of fits to results drawn with the covariance of the measured ones.

    Parameters
    ----------
    results
        Of `draw_results`.
    seed
        Of the draws of the fit.
    """
    from scipy.stats import norm, t

    sizes = results.sizes.astype(float)
    tested = np.isfinite(results.right[:, 0]).any(axis=0)
    right, units = results.right[:, :, tested], number_units(results.units[tested].astype(str))
    share = np.nanmean(right, axis=0)  # of the draws that get an image right
    accuracy = share.mean(axis=1)
    of_test = _covariance_of_test(share, accuracy, units)
    of_pool, of_draws = _variances_of_training(results, right, units, sizes)
    smaller = np.minimum.outer(sizes, sizes) / np.maximum.outer(sizes, sizes)
    covariance = (
        of_test
        + np.sqrt(np.outer(of_pool, of_pool)) * np.sqrt(smaller)
        + np.sqrt(np.outer(of_draws, of_draws)) * np.sqrt(smaller)
    )
    n_units = int(units.max()) + 1
    n_folds = int(results.folds.max()) + 1
    freedom = _degrees_of_freedom(
        (of_test.diagonal(), n_units - 1),
        (of_pool + of_draws, _SIZES_THAT_COUNT * (len(results.folds) - n_folds)),
    )
    points = [
        CurvePoint(int(n), float(value), *_logit_interval(value, variance, df, n_units))
        for n, value, variance, df in zip(
            sizes, accuracy, covariance.diagonal(), freedom, strict=True
        )
    ]
    weights = 1 / (of_pool + of_draws + 1e-6)
    asked = np.append(sizes, 2 * sizes[-1])
    parameters = _fit(sizes, accuracy[None], weights)
    fitted = _power_law(asked, *parameters)[0]
    rng = np.random.default_rng(seed)
    # As wide as Student's t for the few draws that the variances are known from.
    wider = t.ppf(0.975, freedom) / norm.ppf(0.975)
    spread = covariance * np.outer(wider, wider)
    drawn = rng.multivariate_normal(accuracy, spread, _N_REFITS, check_valid="ignore")
    refitted = _power_law(asked, *_fit(sizes, drawn, weights))
    low, high = np.quantile(refitted, (0.025, 0.975), axis=0)
    gains = refitted[:, -1] - refitted[:, -2]
    gain_low, gain_high = np.quantile(gains, (0.025, 0.975))
    ceiling, scale, exponent = (float(each[0]) for each in parameters)
    return LearningCurve(
        tuple(points),
        tuple(
            CurvePoint(int(n), float(value), float(max(0.0, one)), float(min(1.0, other)))
            for n, value, one, other in zip(asked, fitted, low, high, strict=True)
        ),
        float(fitted[-1] - fitted[-2]),
        float(gain_low),
        float(gain_high),
        ceiling,
        scale,
        exponent,
        int(tested.sum()),
        n_units,
        len(results.folds),
    )


def _covariance_of_test(share: np.ndarray, accuracy: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return the covariance of accuracies between sizes that the sample of test groups causes."""
    n_units = int(units.max()) + 1
    residuals = np.zeros((n_units, len(accuracy)))
    np.add.at(residuals, units, (share - accuracy[:, None]).T)
    covariance: np.ndarray = (
        residuals.T @ residuals * n_units / max(1, n_units - 1) / share.shape[1] ** 2
    )
    return covariance


def _variances_of_training(
    results: DrawnResults, right: np.ndarray, units: np.ndarray, sizes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the variances of the mean accuracy by the groups at hand, and by the draws of them."""
    n_folds, n_draws = int(results.folds.max()) + 1, len(results.folds)
    total, own_of_units = np.zeros(len(sizes)), np.zeros(len(sizes))
    for f in range(n_folds):
        own = right[results.folds == f]
        tested = np.isfinite(own[0, 0])
        _, members = np.unique(units[tested], return_inverse=True)
        deviations = own[:, :, tested] - own[:, :, tested].mean(axis=0)
        by_unit = np.zeros((int(members.max()) + 1, *deviations.shape[:2]))
        np.add.at(by_unit, members, np.moveaxis(deviations, 2, 0))
        scale = tested.sum() ** 2 * (n_draws - n_folds)
        total += (by_unit.sum(axis=0) ** 2).sum(axis=0) / scale
        # What draws change in one test group alone is counted with the test groups.
        own_of_units += (by_unit**2).sum(axis=(0, 1)) / scale
    left = 1 - sizes / sizes[-1]  # of the groups at hand, how many a draw leaves out
    smooth = _smoothed(sizes, total[:-1] / left[:-1], own_of_units[:-1] / left[:-1])
    pool = sizes[-1] * (n_folds / (n_folds - 1) if n_folds > 1 else 1)
    return smooth * sizes / pool, smooth * left / n_draws


def _smoothed(sizes: np.ndarray, total: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return variances as a power of the size, by the greatest likelihood.

    The last one, which no draw can tell, is extrapolated.

    Parameters
    ----------
    sizes
        Shape (n_sizes,).
    total
        Shape (n_sizes - 1,): sums of the sought variances and the known ones, as they were
        measured; they are gamma distributed.
    known
        Shape (n_sizes - 1,).
    """
    powers, levels = np.meshgrid(np.linspace(*_POWERS, 31), np.geomspace(*_LEVELS, 81))
    shape = (sizes / sizes[0]) ** powers[:, :, None]
    expected = levels[:, :, None] * shape[:, :, :-1] + known + _LEAST_VARIANCE
    loss = (np.log(expected) + total / expected).sum(axis=2)
    best = np.unravel_index(loss.argmin(), loss.shape)
    smooth: np.ndarray = levels[best] * shape[best]
    return smooth


def _degrees_of_freedom(*parts: tuple[np.ndarray, int]) -> np.ndarray:
    """Return those of sums of variances, from the variances and theirs (Satterthwaite, 1946)."""
    total = np.sum([variance for variance, _ in parts], axis=0)
    spread = np.sum([variance**2 / max(1, df) for variance, df in parts], axis=0)
    freedom: np.ndarray = np.maximum(total**2 / np.maximum(spread, _LEAST_VARIANCE**2), 1)
    return freedom


def _logit_interval(
    value: float, variance: float, freedom: float, n_units: int
) -> tuple[float, float]:
    """Return the 95 % interval of a proportion by Student's t on the logit scale."""
    from scipy.stats import t

    inner = min(max(value, 1 / (2 * n_units)), 1 - 1 / (2 * n_units))
    slope = inner * (1 - inner)
    # An accuracy of 1 says no more than n_units groups can.
    spread = np.sqrt(max(variance, slope / n_units**2)) / slope
    logit = np.log(inner / (1 - inner))
    low, high = 1 / (1 + np.exp(-(logit + np.array([-1, 1]) * t.ppf(0.975, freedom) * spread)))
    return float(min(low, value)), float(max(high, value))


def _power_law(
    sizes: np.ndarray, ceiling: np.ndarray, scale: np.ndarray, exponent: np.ndarray
) -> np.ndarray:
    """Return accuracies, shape (n_fits, n_sizes)."""
    law: np.ndarray = ceiling[:, None] - scale[:, None] * sizes ** -exponent[:, None]
    return law


def _fit(
    sizes: np.ndarray, accuracies: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return ceiling, scale and exponent of the power law nearest to each row of accuracies.

    For each exponent the other two are a straight line by weighted least squares; the ceiling is at
    most 1 and the scale at least 0.
    """
    n_fits = len(accuracies)
    best = np.full(n_fits, np.inf)
    found = np.zeros((3, n_fits))
    total = weights.sum()
    mean = accuracies @ weights / total
    for exponent in _EXPONENTS:
        x = sizes**-exponent
        middle = x @ weights / total
        spread = ((x - middle) ** 2) @ weights
        slope = (accuracies - mean[:, None]) @ (weights * (x - middle)) / spread
        # With a ceiling of 1, the line goes through it.
        through = (accuracies - 1) @ (weights * x) / (x**2 @ weights)
        ceiling = mean - slope * middle
        slope = np.where(ceiling > 1, through, slope)
        ceiling = np.where(ceiling > 1, 1.0, ceiling)
        ceiling = np.where(slope > 0, mean, ceiling)
        slope = np.minimum(slope, 0)
        loss = ((ceiling[:, None] + slope[:, None] * x - accuracies) ** 2) @ weights
        better = loss < best
        best[better] = loss[better]
        found[:, better] = np.stack([ceiling, -slope, np.full(n_fits, exponent)])[:, better]
    return found[0], found[1], found[2]
