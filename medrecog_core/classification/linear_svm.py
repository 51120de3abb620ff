"""One-vs-rest linear SVMs on L2-normalised descriptors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LinearSvm:
    """A trained one-vs-rest linear SVM.

    Attributes
    ----------
    classes
        Sorted labels.
    weights
        float64, shape (n_classes, channels).
    biases
        float64, shape (n_classes,).
    """

    classes: tuple[str, ...]
    weights: np.ndarray
    biases: np.ndarray

    def scores(self, descriptors: np.ndarray) -> np.ndarray:
        """Return each class's decision value, the larger the surer.

        Parameters
        ----------
        descriptors
            float32 or float64, shape (n, channels), as they come from the network.

        Returns
        -------
        numpy.ndarray
            float64, shape (n, n_classes). With two classes the columns are opposite numbers.
        """
        scores: np.ndarray = l2_normalise(descriptors) @ self.weights.T + self.biases
        return scores

    def predict(self, descriptors: np.ndarray) -> np.ndarray:
        """Return the label of the greatest score for each descriptor, shape (n,)."""
        labels: np.ndarray = np.array(self.classes)[self.scores(descriptors).argmax(axis=1)]
        return labels


def l2_normalise(descriptors: np.ndarray) -> np.ndarray:
    """Divide each row by its Euclidean length; a row of zeros stays as it is.

    Parameters
    ----------
    descriptors
        Shape (n, channels).

    Returns
    -------
    numpy.ndarray
        float64, shape (n, channels).
    """
    rows = np.asarray(descriptors, dtype=np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def train_svm(
    descriptors: np.ndarray, labels: Sequence[str], C: float = 1.0, seed: int = 0
) -> LinearSvm:
    """Train one-vs-rest linear SVMs (squared hinge loss) with scikit-learn's `LinearSVC`.

    Parameters
    ----------
    descriptors
        Shape (n, channels); normalised here.
    labels
        The n labels, of at least two classes.
    C
        Inverse strength of the regularisation.
    seed
        Of liblinear's order of coordinates, where it solves the dual problem.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    from sklearn.svm import LinearSVC

    solver = LinearSVC(C=C, dual="auto", random_state=seed, max_iter=10_000)
    solver.fit(l2_normalise(descriptors), np.asarray(labels))
    weights, biases = solver.coef_, solver.intercept_
    if len(solver.classes_) == 2:
        # liblinear keeps one boundary for two classes; the other class's is its opposite.
        weights, biases = np.vstack([-weights, weights]), np.concatenate([-biases, biases])
    return LinearSvm(tuple(map(str, solver.classes_)), weights, biases)
