"""Scores of training images by SVMs that have not learnt from them."""

from collections.abc import Callable, Sequence

import numpy as np

from medrecog_core.classification.grouped_folds import grouped_folds
from medrecog_core.classification.linear_classifier import LinearClassifier
from medrecog_core.classification.scored_images import number_units

N_FOLDS = 5


def held_out_scores(
    descriptors: np.ndarray,
    labels: Sequence[str],
    train: Callable[[np.ndarray, Sequence[str]], LinearClassifier],
    groups: Sequence[str] = (),
    n_folds: int = N_FOLDS,
    seed: int = 0,
) -> np.ndarray:
    """Score each training image by an SVM trained on the folds that it is not in.

    The folds are stratified by class and keep groups whole (scikit-learn's
    `StratifiedGroupKFold`), and are fewer where the rarest class has fewer groups. What decides on
    test images, such as a calibration or a threshold, may be fitted on these scores.

    Parameters
    ----------
    descriptors
        Shape (n, channels), of training images only.
    labels
        Their n labels.
    train
        From descriptors and labels to an SVM, with what it needs otherwise (C, for one) bound.
    groups
        The group of each image, empty where it has none; nothing at all for no groups.
    n_folds, seed
        Of the folds.

    Returns
    -------
    numpy.ndarray
        float64, shape (n, n_classes), columns by sorted label; a row of NaN where the folds left
        nothing to learn a class from.

    Raises
    ------
    MedrecogError
        If a class has images of a single group only.
    """
    truth = np.array(labels)
    units = number_units(groups or [""] * len(truth))
    classes = tuple(map(str, np.unique(truth)))
    scores = np.full((len(truth), len(classes)), np.nan)
    parts = grouped_folds(truth, units, classes, n_folds, seed, "training images", "hold some out")
    for learnt, held in parts:
        if len(held) and set(truth[learnt]) == set(classes):
            svm = train(descriptors[learnt], [str(label) for label in truth[learnt]])
            scores[held] = svm.scores(descriptors[held])
    return scores
