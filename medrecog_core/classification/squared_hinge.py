"""The L2-regularised squared hinge loss, minimised exactly for many problems at once.

A problem is liblinear's L2-regularised L2-loss support vector classification (Fan, Chang, Hsieh,
Wang and Lin, 2008, LIBLINEAR, section 2), which scikit-learn's `LinearSVC` solves by default: of
all weight vectors v over the features and a constant feature of 1, the one with the least

    v.v / 2 + C * sum_i a_i * max(0, 1 - y_i * v.x_i)^2

The function is piecewise quadratic and strictly convex. Newton's method with an exact line search
finds its minimum in few steps (Mangasarian, 2002, A finite Newton method for classification;
Keerthi and DeCoste, 2005, A modified finite Newton method for fast solution of large scale linear
SVMs; written with a Gram matrix: Chapelle, 2007, Training a support vector machine in the primal).
"""

from typing import Protocol

import numpy as np

from medrecog_core.errors import MedrecogError

# Of the greatest difference between a score and the exact one, for a row as long as the longest
# training row.
TOLERANCE = 1e-6
_MOST_STEPS = 200
# A step's equations need be solved only this much better than the point it starts from.
_FORCING = 0.03
# A step that promises to take less than this part off the objective is lost in its rounding.
_ROUNDING = 1e-15


def no_check() -> None:
    """Let training go on."""


class VectorForm(Protocol):
    """A way to write weight vectors down as coefficients, and to take a Newton step in it.

    Arrays have a column for each of the m problems: coefficients are of shape (k, m), scores,
    signs and costs of shape (n, m) for n training rows.
    """

    n_coefficients: int

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the decision values of the n rows."""

    def products(
        self, coefficients: np.ndarray, others: np.ndarray, scores_of_others: np.ndarray
    ) -> np.ndarray:
        """Return the m inner products of weight vectors, a column with its like."""

    def error_bounds(self, coefficients: np.ndarray, duals: np.ndarray) -> np.ndarray:
        """Return by how much a training row's score can differ from the optimum, shape (m,).

        The objective is strongly convex with modulus 1, so a weight vector is no farther from the
        optimum than the gradient v - sum_i duals_i * x_i is long.
        """

    def solve(
        self,
        active: np.ndarray,
        signs: np.ndarray,
        costs: np.ndarray,
        start: np.ndarray,
        accuracy: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the minima of the quadratic that the active rows alone make of each objective.

        Second comes, for each problem, whether its minimum is exact, or else within `accuracy` (of
        scores, shape (m,)).
        """


def minimise(
    form: VectorForm,
    signs: np.ndarray,
    costs: np.ndarray,
    start: np.ndarray,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Return the coefficients of the m minima, shape (k, m).

    Parameters
    ----------
    form
        Of the weight vectors.
    signs
        Shape (n, m): 1 where a row is of the problem's class, else -1.
    costs
        Shape (n, m): 2 * C * a_i, 0 where a row is not of the problem.
    start
        Coefficients to start from, shape (k, m); a minimum for another C is a good one.
    tolerance
        Of scores: see `TOLERANCE`.

    Raises
    ------
    MedrecogError
        If numbers are so far apart that rounding keeps the method from its end.
    """
    coefficients = start.copy()
    scores = form.scores(coefficients)
    left = np.arange(signs.shape[1])
    for _ in range(_MOST_STEPS):
        y, c, f = signs[:, left], costs[:, left], scores[:, left]
        duals = c * y * np.maximum(0, 1 - y * f)
        bounds = form.error_bounds(coefficients[:, left], duals)
        unfinished = bounds > tolerance
        left, bounds = left[unfinished], bounds[unfinished]
        if not left.size:
            return coefficients
        y, c, f, duals = (array[:, unfinished] for array in (y, c, f, duals))
        active = duals != 0
        accuracy = np.maximum(_FORCING * bounds, tolerance / 2)
        before = coefficients[:, left]
        try:
            target, exact = form.solve(active, y, c, before, accuracy)
        except np.linalg.LinAlgError:
            break
        change = target - before
        change_of_scores = form.scores(target) - f
        slope = form.products(before, change, change_of_scores) - (duals * change_of_scores).sum(0)
        curvature = form.products(change, change, change_of_scores)
        steps = _line_search(slope, curvature, y, c, f, change_of_scores)
        coefficients[:, left] = before + steps * change
        scores[:, left] = f = f + steps * change_of_scores
        stays = ((y * f < 1) & (c > 0) == active).all(axis=0)
        objective = form.products(before, before, f) / 2 + (duals**2 / np.where(c > 0, c, 1)).sum(0)
        lost_in_rounding = -slope <= _ROUNDING * objective
        left = left[~((exact & stays & (steps == 1)) | lost_in_rounding)]
        if not left.size:
            return coefficients
    raise MedrecogError(
        "The SVM could not be trained to the end, since the numbers of the descriptors are too far "
        "apart: choose a normalisation, or a smaller C."
    )


def _line_search(
    slope: np.ndarray,
    curvature: np.ndarray,
    signs: np.ndarray,
    costs: np.ndarray,
    scores: np.ndarray,
    changes: np.ndarray,
) -> np.ndarray:
    """Return for each problem the step in (0, 1] after which the objective is least.

    The derivative along the step is piecewise linear and rises, so Newton's method in one
    dimension, kept between the points known to lie on both sides, finds its root.
    """
    bends = costs * changes**2
    linear = slope + (costs * signs * np.maximum(0, 1 - signs * scores) * changes).sum(0)
    low, high = np.zeros_like(slope), np.ones_like(slope)
    steps = np.ones_like(slope)
    searching = np.arange(len(slope))
    for _ in range(60):
        t = steps[searching]
        y, f, df = signs[:, searching], scores[:, searching], changes[:, searching]
        slack = np.maximum(0, 1 - y * (f + t * df))
        derivative = (
            linear[searching]
            + t * curvature[searching]
            - (costs[:, searching] * y * slack * df).sum(0)
        )
        second = curvature[searching] + (bends[:, searching] * (slack > 0)).sum(0)
        high[searching] = np.where(derivative > 0, t, high[searching])
        low[searching] = np.where(derivative > 0, low[searching], t)
        found = (np.abs(derivative) <= 1e-3 * np.abs(slope[searching])) | (
            (t == 1) & (derivative <= 0)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            guess = t - derivative / second
        inside = (guess > low[searching]) & (guess < high[searching])
        middle = (low[searching] + high[searching]) / 2
        steps[searching] = np.where(found, t, np.where(inside, guess, middle))
        searching = searching[~found]
        if not searching.size:
            break
    return steps
