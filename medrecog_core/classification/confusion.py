"""Measures that the confusion matrix gives, for one matrix or a stack of them.

Every function takes counts of shape (..., n_classes, n_classes), a row a true class and a column
a predicted one, and returns shape (...); NaN where nothing was counted that the measure needs.
"""

import numpy as np


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the fraction on the diagonal."""
    return _ratio(_diagonal(confusion).sum(axis=-1), confusion.sum(axis=(-2, -1)))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Return each class's recall, shape (..., n_classes)."""
    return _ratio(_diagonal(confusion), confusion.sum(axis=-1))


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Return the mean recall of the classes that have an image."""
    return _mean_of_known(recalls(confusion))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """Return the mean F1 of the classes that occur among true or predicted labels.

    As in scikit-learn's `f1_score(average="macro")`.
    """
    occurrences = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return _mean_of_known(_ratio(2 * _diagonal(confusion), occurrences))


def sensitivity(confusion: np.ndarray, positive: int) -> np.ndarray:
    """Return the recall of the positive class, given by its position."""
    recall: np.ndarray = recalls(confusion)[..., positive]
    return recall


def specificity(confusion: np.ndarray, positive: int) -> np.ndarray:
    """Return the recall of the other of two classes."""
    recall: np.ndarray = recalls(confusion)[..., 1 - positive]
    return recall


def _diagonal(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    nothing = np.full(np.shape(whole), np.nan)
    ratio: np.ndarray = np.divide(part, whole, out=nothing, where=np.asarray(whole) > 0)
    return ratio


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1))
