"""The score from which on an image counts as positive, chosen on training images only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medrecog_core.bounds import KNOWN_ONLY, Count, Finite, Share
from medrecog_core.errors import MedrecogError, UsageError

BALANCED_ACCURACY = "balanced accuracy"
SENSITIVITY = "sensitivity"
AIMS = (BALANCED_ACCURACY, SENSITIVITY)

_ROUNDING = 1e-12


@dataclass(frozen=True)
class DecisionThreshold:
    """Where the line is drawn between two classes.

    Attributes
    ----------
    positive, negative
        The two classes.
    threshold
        Scores or probabilities of the positive class from here on count as positive.
    aim
        What it was chosen for: the greatest balanced accuracy, which is also the greatest Youden
        index (Youden, 1950), or the fewest false alarms at a given sensitivity.
    sensitivity, specificity
        Of the held-out training images that it was chosen on, so a little better than of new ones.
    n_images
        How many those were.
    """

    __pydantic_config__ = KNOWN_ONLY

    positive: str
    negative: str
    threshold: Finite
    aim: str
    sensitivity: Share
    specificity: Share
    n_images: Count

    def decide(self, values: np.ndarray) -> np.ndarray:
        """Return a label for each score or probability of the positive class, shape (n,)."""
        labels: np.ndarray = np.where(values >= self.threshold, self.positive, self.negative)
        return labels


def choose_threshold(
    values: np.ndarray,
    labels: Sequence[str],
    positive: str,
    aim: str = BALANCED_ACCURACY,
    least_sensitivity: float = 0.95,
) -> DecisionThreshold:
    """Choose a threshold on held-out training images.

    Candidates lie halfway between neighbouring values. Of those that serve the aim equally, the
    one in the widest gap is taken.

    Parameters
    ----------
    values
        Shape (n,): scores or probabilities of the positive class, by SVMs that have not learned
        from these images; NaN is ignored.
    labels
        The n true labels, of two classes.
    positive
        The positive class.
    aim
        One of `AIMS`.
    least_sensitivity
        For the aim `sensitivity`: what must be reached, above 0 and at most 1.

    Raises
    ------
    UsageError
        If there is no such aim, the sensitivity is not from 0 to 1, or there are not two classes.
    MedrecogError
        If one of the classes has no image.
    """
    if aim not in AIMS:
        raise UsageError(f"Unknown aim “{aim}”. Available: {', '.join(AIMS)}.")
    if not 0 < least_sensitivity <= 1:
        raise UsageError(
            f"The sensitivity {least_sensitivity} cannot be reached. Choose a value above 0 "
            "and at most 1."
        )
    others = sorted(set(labels) - {positive})
    if len(others) > 1:
        raise UsageError("A decision threshold needs exactly two classes. This data set has more.")
    known = ~np.isnan(values)
    is_positive = (np.array(labels) == positive)[known]
    if not others or not is_positive.any() or is_positive.all():
        raise MedrecogError(
            "A decision threshold needs held-out images of both classes. Add images."
        )
    scores, gaps = _candidates(np.asarray(values, dtype=np.float64)[known])
    sensitivities = _shares_from(np.asarray(values)[known][is_positive], scores)
    specificities = 1 - _shares_from(np.asarray(values)[known][~is_positive], scores)
    if aim == BALANCED_ACCURACY:
        merit = sensitivities + specificities
    else:
        merit = np.where(sensitivities >= least_sensitivity - _ROUNDING, specificities, -1)
    best = np.flatnonzero(merit >= merit.max() - _ROUNDING)
    chosen = int(best[gaps[best].argmax()])
    return DecisionThreshold(
        positive,
        others[0],
        float(scores[chosen]),
        aim,
        float(sensitivities[chosen]),
        float(specificities[chosen]),
        int(known.sum()),
    )


def _candidates(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return thresholds, the first below every value, and the width of the gap of each."""
    distinct = np.unique(values)
    between = (distinct[:-1] + distinct[1:]) / 2
    # Neighbouring floats have nothing between them: their upper one divides them too.
    between = np.where(between > distinct[:-1], between, distinct[1:])
    return np.append(distinct[0], between), np.append(0.0, np.diff(distinct))


def _shares_from(values: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return the share of values from each threshold on."""
    below = np.searchsorted(np.sort(values), thresholds, side="left")
    shares: np.ndarray = 1 - below / len(values)
    return shares
