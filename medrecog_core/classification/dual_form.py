"""Weight vectors as sums of training rows, for rows with many features."""

from collections.abc import Callable

import numpy as np

from medrecog_core.classification.squared_hinge import no_check

# How many times as many operations a second a product with the Gram matrix does as a factor.
_PRODUCTS_OVER_FACTORS = 1.6
# Where a factor costs less than so many products, iterating would hardly be done before it.
_FEWEST_ITERATIONS = 25


class DualForm:
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
        self._check = check
        self._rows = rows
        self._gram = rows @ rows.T
        self._gram += 1
        self._lengths = self._gram.diagonal().copy()
        # The greatest row sum is no less than the greatest eigenvalue.
        self._largest = float(max(np.abs(row).sum() for row in self._gram))
        self.n_coefficients = len(rows)

    def weights(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weight vectors, shape (m, channels), and biases, shape (m,)."""
        return coefficients.T @ self._rows, coefficients.sum(axis=0)

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the decision values of the n rows."""
        product: np.ndarray = self._gram @ coefficients
        return product

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
        n = len(self._gram)
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
            solved[rows, j] = self._factorised(rows, signs[rows, j], costs[rows, j])
        return solved, ~converged

    def _factorised(self, rows: np.ndarray, signs: np.ndarray, costs: np.ndarray) -> np.ndarray:
        from scipy.linalg import cho_factor, cho_solve

        matrix = self._gram[np.ix_(rows, rows)]
        matrix[np.diag_indices_from(matrix)] += 1 / costs
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        solution: np.ndarray = cho_solve(factor, signs, check_finite=False)
        return solution

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
        residual = mask * (signs - self._gram @ x) - ridge * x
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
            product = mask * (self._gram @ direction) + ridge * direction
            step = length / (direction * product).sum(axis=0)
            x = x + step * direction
            residual = residual - step * product
            preconditioned = scale * residual
            previous, length = length, (residual * preconditioned).sum(axis=0)
            direction = preconditioned + length / previous * direction
        found[:, left] = x
        converged[left] = np.linalg.norm(costs * residual, axis=0) <= accuracy
        return found, converged
