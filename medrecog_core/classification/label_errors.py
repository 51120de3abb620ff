"""Labels that scores of held-out images contradict: confident learning."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import UsageError

BY_CLASS, OFF_DIAGONAL = "by-class", "off-diagonal"
RULES = (BY_CLASS, OFF_DIAGONAL)
"""As many images of each class as the joint counts wrong labels, those of the lowest probability;
or the very images off the diagonal of the joint."""
SELF_CONFIDENCE, MARGIN = "self-confidence", "margin"
RANKINGS = (SELF_CONFIDENCE, MARGIN)
_ROUNDING = 1e-9  # a threshold is a mean, which can differ from equal numbers in the last place


@dataclass(frozen=True)
class LabelErrors:
    """Images whose label the probabilities contradict.

    Attributes
    ----------
    thresholds
        float64, shape (n_classes,): from which probability on an image counts as one of a class.
        NaN for a class that no image is labelled as.
    joint
        int, shape (n_classes, n_classes): the confident joint, images by their label (rows) and by
        the class that they are confidently of (columns).
    positions
        int, shape (m,): positions of the contradicted images, the most contradicted first.
    suggested
        int, shape (m,): position of the most probable class of each.
    """

    thresholds: np.ndarray
    joint: np.ndarray
    positions: np.ndarray
    suggested: np.ndarray


def find_label_errors(
    probabilities: np.ndarray,
    labels: np.ndarray,
    rule: str = BY_CLASS,
    ranking: str = SELF_CONFIDENCE,
) -> LabelErrors:
    """Find the labels that probabilities contradict, by confident learning.

    The rules are those of Northcutt, Jiang and Chuang (2021, Journal of Artificial Intelligence
    Research 70). The threshold of a class is the mean probability of the class over the images
    labelled as it; an image is confidently of the most probable class among those whose threshold
    it reaches; the confident joint counts images by both. `off-diagonal` finds the images off its
    diagonal. `by-class` (“prune by class”) takes the share of each row off the diagonal as the
    share of wrong labels of the class, and finds so many images of it with the lowest probability
    of their label. An image whose most probable class is its own label is found by neither.

    Parameters
    ----------
    probabilities
        Shape (n, n_classes), each row of sum 1, of classifiers that were not trained on the image.
    labels
        int, shape (n,): positions of the labels among the classes.
    rule
        One of `RULES`.
    ranking
        `self-confidence`: by the probability of the label, the smallest first; `margin`: by the
        suggested class's probability less the label's, the largest first.

    Raises
    ------
    UsageError
        If the rule or the ranking is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.9, 0.1]])
    >>> find_label_errors(probabilities, np.array([0, 0, 1, 1, 1])).positions
    array([4])
    """
    for name, known, what in ((rule, RULES, "rule"), (ranking, RANKINGS, "ranking")):
        if name not in known:
            raise UsageError(f"Unknown {what} “{name}”. Available: {', '.join(known)}.")
    n, n_classes = probabilities.shape
    own = probabilities[np.arange(n), labels]
    counts = np.bincount(labels, minlength=n_classes)
    sums = np.bincount(labels, weights=own, minlength=n_classes)
    with np.errstate(invalid="ignore"):
        thresholds = np.where(counts > 0, sums / counts, np.nan)
    reached = probabilities >= thresholds - _ROUNDING  # False where a threshold is NaN
    confident = np.where(reached, probabilities, -1.0).argmax(axis=1)
    is_confident = reached.any(axis=1)
    joint = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(joint, (labels[is_confident], confident[is_confident]), 1)
    suggested = probabilities.argmax(axis=1)
    if rule == BY_CLASS:
        is_found = _lowest_of_each_class(own, labels, joint)
    else:
        is_found = is_confident & (confident != labels)
    found = np.flatnonzero(is_found & (suggested != labels))
    margins = probabilities[found, suggested[found]] - own[found]
    order = np.argsort(-margins if ranking == MARGIN else own[found], kind="stable")
    positions = found[order]
    return LabelErrors(thresholds, joint, positions, suggested[positions])


def _lowest_of_each_class(own: np.ndarray, labels: np.ndarray, joint: np.ndarray) -> np.ndarray:
    """Return which images are among those of their class that the joint counts as wrong."""
    is_found = np.zeros(len(labels), dtype=bool)
    for k, row in enumerate(joint):
        members = np.flatnonzero(labels == k)
        if not len(members):
            continue
        # At least one image of a class counts as right, as one is left of it.
        n_right, n_all = max(1, row[k]), row.sum() + (row[k] == 0)
        n_wrong = min(round(len(members) * (1 - n_right / n_all)), len(members) - 1)
        is_found[members[np.argsort(own[members], kind="stable")[:n_wrong]]] = True
    return is_found
