"""Weight vectors as they are, for rows with few features."""

from collections.abc import Callable

import numpy as np

from medrecog_core.classification.squared_hinge import no_check


class PrimalForm:
    """The weights themselves, the bias last.

    Parameters
    ----------
    rows
        float64, shape (n, channels).
    check
        Called often while equations are solved; what it raises ends that.
    """

    def __init__(self, rows: np.ndarray, check: Callable[[], None] = no_check) -> None:
        self._check = check
        self._rows = np.column_stack([rows, np.ones(len(rows))])
        self._longest = float(np.sqrt((self._rows**2).sum(axis=1).max()))
        self.n_coefficients = self._rows.shape[1]

    def weights(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return weight vectors, shape (m, channels), and biases, shape (m,)."""
        return coefficients[:-1].T, coefficients[-1]

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the decision values of the n rows."""
        product: np.ndarray = self._rows @ coefficients
        return product

    def products(
        self, coefficients: np.ndarray, others: np.ndarray, scores_of_others: np.ndarray
    ) -> np.ndarray:
        """Return the m inner products of weight vectors, a column with its like."""
        products: np.ndarray = (coefficients * others).sum(axis=0)
        return products

    def error_bounds(self, coefficients: np.ndarray, duals: np.ndarray) -> np.ndarray:
        """Return by how much a training row's score can differ from the optimum, shape (m,)."""
        gradients = coefficients - self._rows.T @ duals
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
        from scipy.linalg import cho_factor, cho_solve

        solved = np.empty_like(start)
        for j in range(start.shape[1]):
            self._check()
            rows = np.flatnonzero(active[:, j])
            roots = np.sqrt(costs[rows, j])
            weighted = self._rows[rows] * roots[:, None]
            matrix = weighted.T @ weighted
            matrix[np.diag_indices_from(matrix)] += 1
            factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
            right = weighted.T @ (roots * signs[rows, j])
            solved[:, j] = cho_solve(factor, right, check_finite=False)
        return solved, np.ones(start.shape[1], dtype=bool)
