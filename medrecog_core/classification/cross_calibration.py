"""How far the scores of a result can be trusted as probabilities, before and after calibration."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.calibration import Calibration, calibrate, log_loss
from medrecog_core.classification.curves import ReliabilityCurve, reliability_curve
from medrecog_core.classification.grouped_folds import grouped_folds
from medrecog_core.classification.scored_images import ScoredImages

N_FOLDS = 5


@dataclass(frozen=True)
class Reliability:
    """How probabilities and truth agree.

    Attributes
    ----------
    curve
        Of the positive one of two classes; of more classes, of the predicted one: how often it is
        the true one against its probability (Guo, Pleiss, Sun and Weinberger, 2017, ICML).
    brier
        Mean squared difference between probability and truth: of the positive one of two classes,
        from 0 to 1; of more classes summed over them, from 0 to 2 (Brier, 1950).
    log_loss
        Mean of -log(probability of the true class), in nats.
    """

    curve: ReliabilityCurve
    brier: float
    log_loss: float


@dataclass(frozen=True)
class CrossCalibration:
    """Probabilities of test images before and after calibration.

    Attributes
    ----------
    before
        Of the scores as they are, made probabilities by softmax alone.
    after
        Of probabilities by calibrations that have not seen the image in question.
    n_images, n_units, n_folds
        Test images, groups among them (images without one counting as one each), and the parts
        that they were divided into.
    """

    before: Reliability
    after: Reliability
    n_images: int
    n_units: int
    n_folds: int


def cross_calibrate(
    images: ScoredImages, n_folds: int = N_FOLDS, seed: int = 0
) -> CrossCalibration:
    """Calibrate the scores of test images on each other, none on itself.

    The images, which the SVMs have not learnt from, are divided into parts, stratified by class
    and with groups whole (scikit-learn's `StratifiedGroupKFold`); those of a part get their
    probabilities from a calibration fitted on the other parts. There are fewer parts where the
    rarest class has fewer groups.

    Parameters
    ----------
    images
        The result.
    n_folds, seed
        Of the parts.

    Raises
    ------
    MedrecogError
        If a class has test images of a single group only, or groups of several classes leave a
        part nothing to learn a class from.
    """
    labels = [images.classes[i] for i in images.truth]
    parts = grouped_folds(
        np.array(labels),
        images.units,
        images.classes,
        n_folds,
        seed,
        "test images",
        "calibrate scores with",
    )
    probabilities = np.empty_like(images.scores)
    for learnt, held in parts:
        fitted = calibrate(images.scores[learnt], [labels[i] for i in learnt], images.classes)
        probabilities[held] = fitted.probabilities(images.scores[held])
    as_they_are = Calibration(images.classes, 1.0, np.zeros(len(images.classes)))
    return CrossCalibration(
        _reliability(images, as_they_are.probabilities(images.scores), labels),
        _reliability(images, probabilities, labels),
        images.n_images,
        images.n_units,
        len(parts),
    )


def _reliability(images: ScoredImages, probabilities: np.ndarray, labels: list[str]) -> Reliability:
    positive = images.positive_position
    if positive is None:
        predicted = probabilities.argmax(axis=1)
        of_predicted = probabilities.max(axis=1)
        curve = reliability_curve(of_predicted, predicted == images.truth)
        truth = np.eye(len(images.classes))[images.truth]
        brier = float(((probabilities - truth) ** 2).sum(axis=1).mean())
    else:
        curve = reliability_curve(probabilities[:, positive], images.truth == positive)
        brier = curve.brier
    return Reliability(curve, brier, log_loss(probabilities, labels, images.classes))
