"""Solver of linear classifiers: squared hinge loss, one class against the rest, many at once."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import MedrecogError, UsageError

CLASS_WEIGHTS = ("none", "balanced")
# Of the greatest difference between a score and the exact one, for a row as long as the longest
# training row.
TOLERANCE = 1e-6
_ROWS_AT_ONCE = 4096
_MOST_STEPS = 200
# A step's equations need be solved only this much better than the point it starts from.
_FORCING = 0.03
# A step that promises to take less than this part off the objective is lost in its rounding.
_ROUNDING = 1e-15
# How many times as many operations a second a product with the Gram matrix does as a factor.
_PRODUCTS_OVER_FACTORS = 1.6
# Where a factor costs less than so many products, iterating would hardly be done before it.
_FEWEST_ITERATIONS = 25


def check_class_weight(name: str) -> None:
    """Raise UsageError if there is no such class weight."""
    if name not in CLASS_WEIGHTS:
        raise UsageError(f"Unknown class weight “{name}”. Available: {', '.join(CLASS_WEIGHTS)}.")


@dataclass(frozen=True)
class OneVsRest:
    """The problems of several training parts, a column for each of the m boundaries.

    Attributes
    ----------
    classes
        For each training part the sorted labels it has. Each has a boundary, in this order; two
        classes share one, whose positive side is the second's.
    signs
        Shape (n, m): 1 for rows of the positive class, else -1.
    weights
        Shape (n, m): what an error costs at C = 1; 0 for rows outside the training part.
    """

    classes: tuple[tuple[str, ...], ...]
    signs: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(
        cls, labels: np.ndarray, training_parts: Sequence[np.ndarray], class_weight: str
    ) -> "OneVsRest":
        """Return the problems.

        Parameters
        ----------
        labels
            Of the n rows.
        training_parts
            Positions of rows.
        class_weight
            `none`; or `balanced`: rows of a class weigh n / (n_classes * n_class) (scikit-learn's
            `compute_class_weight`) where its own boundary is sought and 1 where another's is, as in
            liblinear; with two classes both are weighted.

        Raises
        ------
        UsageError
            If a part has fewer than two classes, or there is no such class weight.
        """
        check_class_weight(class_weight)
        classes, signs, weights = [], [], []
        for part in training_parts:
            names, counts = np.unique(labels[part], return_counts=True)
            if len(names) < 2:
                raise UsageError(
                    "An SVM needs training images of at least two classes, and has those of "
                    f"{', '.join(names) or 'none'}."
                )
            classes.append(tuple(map(str, names)))
            balanced = len(part) / (len(names) * counts) if class_weight == "balanced" else None
            for k in range(1, 2) if len(names) == 2 else range(len(names)):
                positive = labels == names[k]
                weight = np.zeros(len(labels))
                weight[part] = 1
                if balanced is not None:
                    weight[positive] *= balanced[k]
                    if len(names) == 2:
                        weight[~positive] *= balanced[0]
                signs.append(np.where(positive, 1.0, -1.0))
                weights.append(weight)
        return cls(tuple(classes), np.column_stack(signs), np.column_stack(weights))

    def columns(self, part: int) -> slice:
        """Return the columns of a training part."""
        sizes = [1 if len(names) == 2 else len(names) for names in self.classes]
        first = sum(sizes[:part])
        return slice(first, first + sizes[part])


def no_check() -> None:
    """Let training go on."""


class VectorForm(ABC):
    """A way to write weight vectors down as coefficients, and to take a Newton step in it.

    Arrays have a column for each of the m problems: coefficients are of shape (k, m), scores,
    signs and costs of shape (n, m) for n training rows.

    Parameters
    ----------
    matrix
        Shape (n, k): its product with coefficients is the decision values of the n rows.
    check
        Called often while equations are solved; what it raises ends that.
    """

    def __init__(self, matrix: np.ndarray, check: Callable[[], None]) -> None:
        self._matrix = matrix
        self._check = check

    @property
    def n_coefficients(self) -> int:
        """The number k."""
        return int(self._matrix.shape[1])

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the decision values of the n rows."""
        product: np.ndarray = self._matrix @ coefficients
        return product

    @abstractmethod
    def weights(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weight vectors, shape (m, channels), and biases, shape (m,)."""

    @abstractmethod
    def products(
        self, coefficients: np.ndarray, others: np.ndarray, scores_of_others: np.ndarray
    ) -> np.ndarray:
        """Return the m inner products of weight vectors, a column with its like."""

    @abstractmethod
    def error_bounds(self, coefficients: np.ndarray, duals: np.ndarray) -> np.ndarray:
        """Return by how much a training row's score can differ from the optimum, shape (m,).

        The objective is strongly convex with modulus 1, so a weight vector is no farther from the
        optimum than the gradient v - sum_i duals_i * x_i is long.
        """

    @abstractmethod
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
        "Training the SVM did not converge because the values of the features are too far "
        "apart. Choose a normalisation or a smaller C."
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


def _solution(matrix: np.ndarray, diagonal: np.ndarray | float, right: np.ndarray) -> np.ndarray:
    """Return x with (matrix + diag(diagonal)) x = right by a Cholesky factor; overwrites matrix."""
    from scipy.linalg import cho_factor, cho_solve

    matrix[np.diag_indices_from(matrix)] += diagonal
    factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    solution: np.ndarray = cho_solve(factor, right, check_finite=False)
    return solution


class DualForm(VectorForm):
    """Coefficients of the n rows; all goes by their Gram matrix K, whatever number of features.

    Each row has a constant feature of 1 more, which adds 1 to every number of K.

    Parameters
    ----------
    rows
        float64, shape (n, channels).
    check
        Called often while equations are solved; what it raises ends that.
    """

    def __init__(self, rows: np.ndarray, check: Callable[[], None] = no_check) -> None:
        gram = rows @ rows.T
        gram += 1
        super().__init__(gram, check)
        self._rows = rows
        self._lengths = gram.diagonal().copy()
        # The greatest row sum is no less than the greatest eigenvalue.
        self._largest = float(max(np.abs(row).sum() for row in gram))

    def weights(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weight vectors, shape (m, channels), and biases, shape (m,)."""
        return coefficients.T @ self._rows, coefficients.sum(axis=0)

    def products(
        self, coefficients: np.ndarray, others: np.ndarray, scores_of_others: np.ndarray
    ) -> np.ndarray:
        """Return the m inner products of weight vectors, a column with its like."""
        products: np.ndarray = (coefficients * scores_of_others).sum(axis=0)
        return products

    def error_bounds(self, coefficients: np.ndarray, duals: np.ndarray) -> np.ndarray:
        """Return by how much a training row's score can differ from the optimum, shape (m,)."""
        bounds: np.ndarray = self._row_error * np.linalg.norm(coefficients - duals, axis=0)
        return bounds

    @property
    def _row_error(self) -> float:
        return float(np.sqrt(self._largest * self._lengths.max()))

    def solve(
        self,
        active: np.ndarray,
        signs: np.ndarray,
        costs: np.ndarray,
        start: np.ndarray,
        accuracy: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Solve (K_SS + diag(1 / costs_S)) b = signs_S over the active rows S; b is 0 elsewhere.

        A Cholesky factor where S is small, else conjugate gradients, for all problems with one
        product of matrices an iteration, as long as they can be quicker than the factor.
        """
        n = len(self._matrix)
        iterations = (
            _PRODUCTS_OVER_FACTORS * active.sum(axis=0).astype(float) ** 3 / 3 / (2 * n**2)
        ).astype(int)
        solved = np.zeros_like(start)
        iterated = np.flatnonzero(iterations >= _FEWEST_ITERATIONS)
        converged = np.zeros(len(iterations), dtype=bool)
        if iterated.size:
            solved[:, iterated], converged[iterated] = self._conjugate_gradients(
                active[:, iterated],
                signs[:, iterated],
                costs[:, iterated],
                start[:, iterated],
                accuracy[iterated] / self._row_error,
                iterations[iterated],
            )
        for j in np.flatnonzero(~converged):
            self._check()
            rows = np.flatnonzero(active[:, j])
            solved[:, j] = 0
            matrix = self._matrix[np.ix_(rows, rows)]
            solved[rows, j] = _solution(matrix, 1 / costs[rows, j], signs[rows, j])
        return solved, ~converged

    def _conjugate_gradients(
        self,
        active: np.ndarray,
        signs: np.ndarray,
        costs: np.ndarray,
        start: np.ndarray,
        accuracy: np.ndarray,
        limits: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        found = start * active
        converged = np.zeros(found.shape[1], dtype=bool)
        left = np.arange(found.shape[1])
        mask = active.astype(float)
        ridge = mask / np.where(active, costs, 1)
        scale = mask / (self._lengths[:, None] + ridge)
        x = found
        residual = mask * (signs - self._matrix @ x) - ridge * x
        direction = scale * residual
        length = (residual * direction).sum(axis=0)
        for i in range(1, int(limits.max()) + 1):
            self._check()
            done = np.linalg.norm(costs * residual, axis=0) <= accuracy
            over = done | (limits < i)
            if over.any():
                found[:, left], converged[left] = x, done
                left, accuracy, limits, length = (
                    array[~over] for array in (left, accuracy, limits, length)
                )
                x, mask, ridge, scale, costs, residual, direction = (
                    array[:, ~over] for array in (x, mask, ridge, scale, costs, residual, direction)
                )
                if not left.size:
                    return found, converged
            product = mask * (self._matrix @ direction) + ridge * direction
            step = length / (direction * product).sum(axis=0)
            x = x + step * direction
            residual = residual - step * product
            preconditioned = scale * residual
            previous, length = length, (residual * preconditioned).sum(axis=0)
            direction = preconditioned + length / previous * direction
        found[:, left] = x
        converged[left] = np.linalg.norm(costs * residual, axis=0) <= accuracy
        return found, converged


class PrimalForm(VectorForm):
    """The weights themselves, the bias last.

    Parameters
    ----------
    rows
        float64, shape (n, channels).
    check
        Called often while equations are solved; what it raises ends that.
    """

    def __init__(self, rows: np.ndarray, check: Callable[[], None] = no_check) -> None:
        super().__init__(np.column_stack([rows, np.ones(len(rows))]), check)
        parts = (self._matrix[i : i + _ROWS_AT_ONCE] for i in range(0, len(rows), _ROWS_AT_ONCE))
        self._longest = float(np.sqrt(max((part**2).sum(axis=1).max() for part in parts)))

    def weights(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weight vectors, shape (m, channels), and biases, shape (m,)."""
        return coefficients[:-1].T, coefficients[-1]

    def products(
        self, coefficients: np.ndarray, others: np.ndarray, scores_of_others: np.ndarray
    ) -> np.ndarray:
        """Return the m inner products of weight vectors, a column with its like."""
        products: np.ndarray = (coefficients * others).sum(axis=0)
        return products

    def error_bounds(self, coefficients: np.ndarray, duals: np.ndarray) -> np.ndarray:
        """Return by how much a training row's score can differ from the optimum, shape (m,)."""
        gradients = coefficients - self._matrix.T @ duals
        bounds: np.ndarray = self._longest * np.linalg.norm(gradients, axis=0)
        return bounds

    def solve(
        self,
        active: np.ndarray,
        signs: np.ndarray,
        costs: np.ndarray,
        start: np.ndarray,
        accuracy: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Solve (I + X_S' diag(costs_S) X_S) v = X_S' diag(costs_S) signs_S over the active rows S.

        By Cholesky factors, so that all minima are exact.
        """
        solved = np.empty_like(start)
        for j in range(start.shape[1]):
            self._check()
            matrix, right = self._equations(active[:, j], signs[:, j], costs[:, j])
            solved[:, j] = _solution(matrix, 1, right)
        return solved, np.ones(start.shape[1], dtype=bool)

    def _equations(
        self, active: np.ndarray, signs: np.ndarray, costs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the products of the weighted active rows and the right side.

        All rows are active at first, in each of several threads: they are copied some at a time.
        """
        rows = np.flatnonzero(active)
        k = self.n_coefficients
        matrix, right = np.zeros((k, k)), np.zeros(k)
        for first in range(0, len(rows), _ROWS_AT_ONCE):
            part = rows[first : first + _ROWS_AT_ONCE]
            roots = np.sqrt(costs[part])
            weighted = self._matrix[part]
            weighted *= roots[:, None]
            matrix += weighted.T @ weighted
            right += weighted.T @ (roots * signs[part])
        return matrix, right
