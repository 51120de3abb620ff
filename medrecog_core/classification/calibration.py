"""Probabilities from the scores of an SVM, fitted on images it has not learnt from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medrecog_core.errors import MedrecogError


@dataclass(frozen=True)
class Calibration:
    """From scores to probabilities: one slope for all classes and a bias for each.

    The probabilities are softmax(slope * scores + biases): temperature scaling with bias
    correction (Alexandari, Kundaje and Shrikumar, 2020, ICML). For two classes, whose scores are
    opposite numbers, that is Platt's sigmoid (Platt, 1999).

    Attributes
    ----------
    classes
        Sorted labels.
    slope
        At least 0.
    biases
        float64, shape (n_classes,), of sum 0.
    """

    classes: tuple[str, ...]
    slope: float
    biases: np.ndarray

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """Return the probability of each class.

        Parameters
        ----------
        scores
            Shape (n, n_classes).

        Returns
        -------
        numpy.ndarray
            float64, shape (n, n_classes); each row has the sum 1.
        """
        return _softmax(self.slope * np.asarray(scores, dtype=np.float64) + self.biases)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers, to be kept beside an SVM."""
        return {"slope": np.array(self.slope), "biases": self.biases}

    @classmethod
    def from_arrays(cls, classes: Sequence[str], arrays: Mapping[str, np.ndarray]) -> "Calibration":
        """Return the calibration that `to_arrays` gave.

        Raises
        ------
        KeyError, ValueError
            If the arrays are none.
        """
        slope = np.asarray(arrays["slope"], dtype=np.float64)
        biases = np.asarray(arrays["biases"], dtype=np.float64)
        if slope.shape != () or biases.shape != (len(classes),):
            raise ValueError("the calibration has not the shape that its classes ask for")
        if not (np.isfinite(slope) and slope >= 0 and np.isfinite(biases).all()):
            raise ValueError("a number of the calibration is not finite or not positive")
        return cls(tuple(classes), float(slope), biases)


def calibrate(scores: np.ndarray, labels: Sequence[str], classes: Sequence[str]) -> Calibration:
    """Fit a calibration by the least log loss.

    The truth is smoothed as Platt (1999, section 2.2) does, so that scores without a mistake do
    not become certainties: an image of a class with n images counts (n + 1) / (n + 2) for it, and
    the others share the rest.

    Parameters
    ----------
    scores
        Shape (n, n_classes), of images that the SVM has not learnt from (`held_out_scores`); rows
        with a NaN are left out.
    labels
        The n true labels, each one of `classes`.
    classes
        Sorted labels, one for each column of `scores`.

    Raises
    ------
    MedrecogError
        If a class has no scored image.
    """
    from scipy.optimize import minimize

    known = np.isfinite(scores).all(axis=1)
    values = np.asarray(scores, dtype=np.float64)[known]
    truth = np.array([classes.index(label) for label in labels], dtype=int)[known]
    counts = np.bincount(truth, minlength=len(classes))
    if not counts.all():
        raise MedrecogError(
            f"The class “{classes[int(counts.argmin())]}” has no held-out image to calibrate with: "
            "add images to it or leave the class out."
        )
    targets = _smoothed(truth, counts)
    # Scores of unit spread suit the minimiser whatever normalisation they come from.
    spread = float(values.std()) or 1.0
    values = values / spread

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        logits = parameters[0] * values + parameters[1:]
        logits = logits - logits.max(axis=1, keepdims=True)
        normaliser = np.log(np.exp(logits).sum(axis=1, keepdims=True))
        errors = np.exp(logits - normaliser) - targets
        gradient = np.append((errors * values).sum(), errors.sum(axis=0))
        return float((targets * (normaliser - logits)).mean() * len(classes)), gradient / len(truth)

    start = np.append(1.0, np.zeros(len(classes)))
    bounds = [(0, None), *[(None, None)] * len(classes)]
    options: dict[str, Any] = {"maxiter": 1000, "ftol": 1e-14, "gtol": 1e-8}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return Calibration(tuple(classes), float(found[0] / spread), found[1:] - found[1:].mean())


def log_loss(probabilities: np.ndarray, labels: Sequence[str], classes: Sequence[str]) -> float:
    """Return the mean of -log(probability of the true class), in nats.

    Parameters
    ----------
    probabilities
        Shape (n, n_classes).
    labels
        The n true labels, each one of `classes`.
    classes
        Sorted labels, one for each column.
    """
    truth = [classes.index(label) for label in labels]
    of_truth = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float64).tiny)).mean())


def _smoothed(truth: np.ndarray, counts: np.ndarray) -> np.ndarray:
    n_classes = len(counts)
    of_own = (counts[truth] + 1) / (counts[truth] + 2)
    targets = np.repeat(((1 - of_own) / (n_classes - 1))[:, None], n_classes, axis=1)
    targets[np.arange(len(truth)), truth] = of_own
    return targets


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return shares
