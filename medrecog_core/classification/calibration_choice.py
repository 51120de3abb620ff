"""A calibration that is no worse than none, as held-out images say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.classification.calibration import Calibration, calibrate, log_loss
from medrecog_core.classification.grouped_folds import grouped_folds
from medrecog_core.classification.scored_images import number_units
from medrecog_core.errors import MedrecogError

FITTED, SHARES, BARE = "fitted", "shares", "bare"
KINDS = (FITTED, SHARES, BARE)
"""`fitted` by the least log loss; the `shares` of the classes, whatever the scores; the softmax of
the `bare` scores."""

N_FOLDS = 5


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
    scores
        Shape (n, n_classes), of images that the SVM has not learnt from (`held_out_scores`); rows
        with a NaN are left out.
    labels
        The n true labels, each one of `classes`.
    classes
        Sorted labels, one for each column of `scores`.
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
    known = np.isfinite(scores).all(axis=1)
    values = np.asarray(scores, dtype=np.float64)[known]
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
            "The groups leave no fold with images of every class to calibrate with: add images."
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
