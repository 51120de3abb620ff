"""ROC, precision-recall and reliability curves of one class against the rest."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import MedrecogError

N_BINS = 10


@dataclass(frozen=True)
class RocCurve:
    """How many of a class are found at the price of how many false alarms.

    Attributes
    ----------
    false_positive_rates, true_positive_rates
        Shape (n_points,), both ascending from 0 to 1: 1 - specificity, and sensitivity.
    thresholds
        Shape (n_points,), descending from infinity: scores from here on count as the class.
    area
        Below the curve.
    n_members, n_others
        Images of the class and of the rest.
    """

    false_positive_rates: np.ndarray
    true_positive_rates: np.ndarray
    thresholds: np.ndarray
    area: float
    n_members: int
    n_others: int


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """How many of those called a class are of it, against how many of it are found.

    Attributes
    ----------
    recalls, precisions
        Shape (n_points,); recalls descend from 1 to 0, where the precision is 1 by convention.
    thresholds
        Shape (n_points - 1,), ascending.
    average_precision
        Precisions weighted by the steps in recall.
    prevalence
        The class's share of the images: the precision of guessing.
    n_members, n_others
        Images of the class and of the rest.
    """

    recalls: np.ndarray
    precisions: np.ndarray
    thresholds: np.ndarray
    average_precision: float
    prevalence: float
    n_members: int
    n_others: int


@dataclass(frozen=True)
class ReliabilityCurve:
    """How often what was called probable came true.

    Attributes
    ----------
    edges
        Shape (n_bins + 1,), from 0 to 1; a bin holds its upper edge and not its lower one, the
        first one both.
    counts
        int, shape (n_bins,): images in each bin.
    mean_probabilities, frequencies
        Shape (n_bins,): the mean probability of a bin's images, and the share of them that are of
        the class; NaN in an empty bin.
    brier
        Mean squared difference between probability and truth (Brier, 1950).
    calibration_error
        Mean of |frequency - mean probability| over images: the expected calibration error
        (Naeini, Cooper and Hauskrecht, 2015, AAAI).
    """

    edges: np.ndarray
    counts: np.ndarray
    mean_probabilities: np.ndarray
    frequencies: np.ndarray
    brier: float
    calibration_error: float


@dataclass(frozen=True)
class NetBenefit:
    """Net benefit of a model and of treating everybody at a threshold; of treating nobody it is 0.

    Attributes
    ----------
    threshold
        Probability from which on an image counts as the class.
    model, treat_all
        Share of true positives minus the share of false positives times the threshold's odds.
    """

    threshold: float
    model: float
    treat_all: float


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over the threshold probability (Vickers and Elkin, 2006).

    Attributes
    ----------
    points
        At 0.01, 0.02 and so on up to 0.99.
    n_members, n_others
        Images of the class and of the rest.
    """

    points: tuple[NetBenefit, ...]
    n_members: int
    n_others: int

    @property
    def n_images(self) -> int:
        """Images of both."""
        return self.n_members + self.n_others

    def at(self, threshold: float) -> NetBenefit:
        """Return the point nearest to a threshold."""
        return min(self.points, key=lambda point: abs(point.threshold - threshold))

    @property
    def useful_range(self) -> tuple[float, float] | None:
        """Smallest and greatest threshold with a net benefit above both others; None without."""
        useful = [p.threshold for p in self.points if p.model > max(p.treat_all, 0)]
        return (useful[0], useful[-1]) if useful else None


def decision_curve(probabilities: np.ndarray, is_member: np.ndarray) -> DecisionCurve:
    """Return the decision curve.

    Parameters
    ----------
    probabilities
        Shape (n,), from 0 to 1: of the class, calibrated on other images.
    is_member
        bool, shape (n,): whether each image is of the class.

    Raises
    ------
    MedrecogError
        If the class or the rest has no image.
    """
    n_members, n_others = _check_both_sides(is_member)
    n = n_members + n_others
    points = []
    for percent in range(1, 100):
        threshold = percent / 100
        is_treated = probabilities >= threshold
        odds = threshold / (1 - threshold)
        n_found = np.count_nonzero(is_treated & is_member)
        n_alarms = np.count_nonzero(is_treated & ~is_member)
        model, treat_all = (n_found - n_alarms * odds) / n, (n_members - n_others * odds) / n
        points.append(NetBenefit(threshold, float(model), float(treat_all)))
    return DecisionCurve(tuple(points), n_members, n_others)


def roc_curve(scores: np.ndarray, is_member: np.ndarray) -> RocCurve:
    """Return the ROC curve, without the points on the straight lines between others.

    Parameters
    ----------
    scores
        Shape (n,): scores or probabilities of the class.
    is_member
        bool, shape (n,): whether each image is of the class.

    Raises
    ------
    MedrecogError
        If the class or the rest has no image.
    """
    n_members, n_others = _check_both_sides(is_member)
    thresholds, found, alarms = _cumulated(scores, is_member)
    # A point on the straight line between two others adds nothing.
    bends = np.ones(len(found), dtype=bool)
    bends[1:-1] = (np.diff(found, 2) != 0) | (np.diff(alarms, 2) != 0)
    true = np.append(0, found[bends]) / n_members
    false = np.append(0, alarms[bends]) / n_others
    area = float(np.trapezoid(true, false))
    return RocCurve(false, true, np.append(np.inf, thresholds[bends]), area, n_members, n_others)


def precision_recall_curve(scores: np.ndarray, is_member: np.ndarray) -> PrecisionRecallCurve:
    """Return the precision-recall curve, a point for each different score.

    Parameters
    ----------
    scores
        Shape (n,): scores or probabilities of the class.
    is_member
        bool, shape (n,): whether each image is of the class.

    Raises
    ------
    MedrecogError
        If the class or the rest has no image.
    """
    n_members, n_others = _check_both_sides(is_member)
    thresholds, found, alarms = _cumulated(scores, is_member)
    precisions, recalls = found / (found + alarms), found / n_members
    return PrecisionRecallCurve(
        np.append(recalls[::-1], 0.0),
        np.append(precisions[::-1], 1.0),
        thresholds[::-1],
        float(np.sum(np.diff(recalls, prepend=0.0) * precisions)),
        n_members / (n_members + n_others),
        n_members,
        n_others,
    )


def reliability_curve(
    probabilities: np.ndarray, is_member: np.ndarray, n_bins: int = N_BINS
) -> ReliabilityCurve:
    """Return the reliability curve, in bins of equal width.

    Parameters
    ----------
    probabilities
        Shape (n,), from 0 to 1: of the class.
    is_member
        bool, shape (n,): whether each image is of the class.
    n_bins
        Number of bins.

    Raises
    ------
    MedrecogError
        If there is no image, or a probability is not from 0 to 1.
    """
    if not len(probabilities):
        raise MedrecogError("A reliability curve needs at least one image.")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise MedrecogError("A probability is not between 0 and 1. Calibrate the scores again.")
    edges = np.linspace(0, 1, n_bins + 1)
    places = np.searchsorted(edges[1:-1], probabilities)
    counts = np.bincount(places, minlength=n_bins)
    nothing = np.full(n_bins, np.nan)
    sums = (np.bincount(places, values, n_bins) for values in (probabilities, is_member))
    means, frequencies = (
        np.divide(total, counts, out=nothing.copy(), where=counts > 0) for total in sums
    )
    gaps = np.where(counts > 0, np.abs(frequencies - means), 0)
    return ReliabilityCurve(
        edges,
        counts,
        means,
        frequencies,
        float(np.mean((probabilities - is_member) ** 2)),
        float((gaps * counts).sum() / counts.sum()),
    )


def _cumulated(
    scores: np.ndarray, is_member: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the different scores, descending, with the members and others from each on."""
    # Not scikit-learn's: it takes 90 MB and two seconds, and the pages need no more of it.
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    found = np.cumsum(is_member[order])[last]
    return ordered[last], found, 1 + last - found


def _check_both_sides(is_member: np.ndarray) -> tuple[int, int]:
    n_members = int(np.count_nonzero(is_member))
    n_others = len(is_member) - n_members
    if not n_members or not n_others:
        raise MedrecogError(
            "A curve needs test images of the class and of another class. Choose another class."
        )
    return n_members, n_others
