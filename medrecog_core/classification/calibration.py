"""Probabilities from the scores of an SVM, fitted on images it was not trained on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medrecog_core.classification.curves import (
    DecisionCurve,
    ReliabilityCurve,
    decision_curve,
    reliability_curve,
)
from medrecog_core.classification.scored_images import ScoredImages, number_units
from medrecog_core.errors import MedrecogError
from medrecog_core.images import stratified_folds

FITTED, SHARES, BARE = "fitted", "shares", "bare"
KINDS = (FITTED, SHARES, BARE)
"""`fitted` by the least log loss; the `shares` of the classes, whatever the scores; the softmax of
the `bare` scores."""

N_FOLDS = 5


def grouped_folds(
    labels: np.ndarray,
    units: np.ndarray,
    classes: Sequence[str],
    n_folds: int,
    seed: int,
    images: str,
    purpose: str,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divide images, stratified by class and with groups whole, by `StratifiedGroupKFold`.

    Parameters
    ----------
    labels
        The class of each image.
    units
        The number of each image's group; an image without one is a group of its own.
    classes
        All classes.
    n_folds
        Parts; fewer where the rarest class has fewer groups.
    seed
        Of the division.
    images, purpose
        What to call the images, such as `test images`, and what they are divided for, in the error.

    Returns
    -------
    list
        Positions of the other parts and of the held part, for each part. Where groups hold several
        classes, the other parts can lack a class, and a part can be empty.

    Raises
    ------
    MedrecogError
        If a class has images of a single group only.
    """
    n_units = {label: len(np.unique(units[labels == label])) for label in classes}
    rarest = min(classes, key=lambda label: n_units[label])
    if n_units[rarest] < 2:
        raise MedrecogError(
            f"The class “{rarest}” has {images} of fewer than two groups, too few to {purpose}. "
            "Add images to the class or exclude it."
        )
    return stratified_folds(labels, units, min(n_folds, n_units[rarest]), seed)


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
        Shape (n, n_classes), of images that the classifier was not trained on; rows with a NaN are
        ignored.
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

    known, values = _known(scores)
    truth = np.array([classes.index(label) for label in labels], dtype=int)[known]
    counts = np.bincount(truth, minlength=len(classes))
    if not counts.all():
        raise MedrecogError(
            f"The class “{classes[int(counts.argmin())]}” has no held-out images to calibrate "
            "with. Add images to the class or exclude it."
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


def _known(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which rows have no NaN, and these rows."""
    known = np.isfinite(scores).all(axis=1)
    return known, np.asarray(scores, dtype=np.float64)[known]


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


@dataclass(frozen=True)
class CalibrationChoice:
    """The calibration with the least log loss on images that it was not fitted on.

    Attributes
    ----------
    calibration
        Fitted on all images.
    kind
        One of `KINDS`.
    log_loss_before, log_loss_after
        In nats, of the bare scores and of the kind that was chosen, cross-fitted: each image's
        probabilities come from a calibration fitted without its fold. The second is not greater.
    n_images
        How many images those log losses are the mean of.
    """

    calibration: Calibration
    kind: str
    log_loss_before: float
    log_loss_after: float
    n_images: int


def choose_calibration(
    scores: np.ndarray,
    labels: Sequence[str],
    classes: Sequence[str],
    groups: Sequence[str] = (),
    n_folds: int = N_FOLDS,
    seed: int = 0,
) -> CalibrationChoice:
    """Choose among the kinds of calibration by cross-validation.

    With few images a fitted calibration can be worse than none, and scores that say nothing are
    worse than the classes' shares. Of kinds that do equally well the first of `KINDS` is taken.

    Parameters
    ----------
    scores, labels, classes
        As in `calibrate`.
    groups
        The group of each image, kept whole in a fold; empty where it has none, nothing at all for
        no groups.
    n_folds, seed
        Of the cross-validation; fewer folds where the rarest class has fewer groups.

    Raises
    ------
    MedrecogError
        If a class has images of a single group only.
    """
    known, values = _known(scores)
    truth = np.array(labels)[known]
    units = number_units(groups or [""] * len(labels))[known]
    parts = grouped_folds(truth, units, classes, n_folds, seed, "held-out images", "calibrate with")
    probabilities = {kind: np.full(values.shape, np.nan) for kind in KINDS}
    for fitted_on, held in parts:
        if len(held) and set(truth[fitted_on]) == set(classes):
            for kind in KINDS:
                found = _fit[kind](values[fitted_on], list(truth[fitted_on]), classes)
                probabilities[kind][held] = found.probabilities(values[held])
    told = np.isfinite(probabilities[BARE]).all(axis=1)
    if not told.any():
        raise MedrecogError(
            "The groups leave no fold with images of every class to calibrate with. Add images."
        )
    losses = {
        kind: log_loss(probabilities[kind][told], list(truth[told]), classes) for kind in KINDS
    }
    best = min(KINDS, key=lambda kind: losses[kind])
    chosen = _fit[best](values, list(truth), classes)
    return CalibrationChoice(chosen, best, losses[BARE], losses[best], int(told.sum()))


def _bare(_: np.ndarray, __: Sequence[str], classes: Sequence[str]) -> Calibration:
    return Calibration(tuple(classes), 1.0, np.zeros(len(classes)))


def _shares(_: np.ndarray, labels: Sequence[str], classes: Sequence[str]) -> Calibration:
    # Laplace's rule of succession: no class has the share 0.
    logs = np.log([list(labels).count(label) + 1 for label in classes])
    return Calibration(tuple(classes), 0.0, logs - logs.mean())


_Fit = Callable[[np.ndarray, Sequence[str], Sequence[str]], Calibration]
_fit: dict[str, _Fit] = {FITTED: calibrate, SHARES: _shares, BARE: _bare}


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
    decision
        Decision curve of the calibrated probabilities of the positive one of two classes; None for
        more classes.
    n_images, n_units, n_folds
        Test images, groups among them (images without one counting as one each), and the parts
        that they were divided into.
    """

    before: Reliability
    after: Reliability
    decision: DecisionCurve | None
    n_images: int
    n_units: int
    n_folds: int


def cross_calibrate(
    images: ScoredImages, n_folds: int = N_FOLDS, seed: int = 0
) -> CrossCalibration:
    """Calibrate the scores of test images on each other, none on itself.

    The images, which the SVMs were not trained on, are divided into parts, stratified by class
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
        If a class has test images of a single group only, or a class has no images outside a
        part because its groups are in it.
    """
    labels = [images.classes[i] for i in images.truth]
    probabilities, n_parts = cross_calibrated(images, n_folds, seed)
    as_they_are = _bare(images.scores, labels, images.classes)
    return CrossCalibration(
        _reliability(images, as_they_are.probabilities(images.scores), labels),
        _reliability(images, probabilities, labels),
        None
        if (positive := images.positive_position) is None
        else decision_curve(probabilities[:, positive], images.truth == positive),
        images.n_images,
        images.n_units,
        n_parts,
    )


def cross_calibrated(
    images: ScoredImages, n_folds: int = N_FOLDS, seed: int = 0
) -> tuple[np.ndarray, int]:
    """Return each image's probabilities by a calibration that has not seen it, and the parts.

    Parameters and errors are those of `cross_calibrate`.

    Returns
    -------
    numpy.ndarray
        float64, shape (n, n_classes); each row has the sum 1.
    int
        Parts that the images were divided into.
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
    for learned, held in parts:
        fitted = calibrate(images.scores[learned], [labels[i] for i in learned], images.classes)
        probabilities[held] = fitted.probabilities(images.scores[held])
    return probabilities, len(parts)


def softmax_probabilities(images: ScoredImages) -> np.ndarray:
    """Return the softmax of the bare scores, shape (n, n_classes)."""
    return _softmax(images.scores)


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
