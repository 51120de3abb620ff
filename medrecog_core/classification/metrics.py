"""How well labels were predicted, in scikit-learn's measures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ClassMetrics:
    """One class's part of a result; `support` is its number of test images."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Metrics:
    """A result on test images.

    Attributes
    ----------
    accuracy, balanced_accuracy
        Fractions; the balanced one is the mean recall of the tested classes.
    accuracy_interval
        95 % Wilson score interval (Wilson, 1927), as if the test images were independent.
    auc
        Area under the ROC curve; for more than two classes the mean of one-vs-rest. None where a
        class has no test image.
    classes
        Per class, in the order of the confusion matrix.
    confusion
        Counts, a row a true class, a column a predicted class.
    """

    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    auc: float | None
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[int, ...], ...]

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Metrics":
        """Return the result that `to_document` gave."""
        return cls(
            document["accuracy"],
            tuple(document["accuracy_interval"]),
            document["balanced_accuracy"],
            document["auc"],
            tuple(ClassMetrics(**fields) for fields in document["classes"]),
            tuple(tuple(row) for row in document["confusion"]),
        )


def measure(labels: Sequence[str], scores: np.ndarray, classes: Sequence[str]) -> Metrics:
    """Compare scores with the true labels.

    Parameters
    ----------
    labels
        True labels of the n test images, each one of `classes`.
    scores
        Shape (n, n_classes); the greatest is the prediction.
    classes
        Sorted labels, one for each column of `scores`.
    """
    from sklearn import metrics

    truth = np.asarray(labels)
    predicted = np.asarray(classes)[scores.argmax(axis=1)]
    tested = [label for label in classes if label in set(labels)]
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=list(classes), zero_division=0
    )
    recall_of = dict(zip(classes, recall, strict=True))
    return Metrics(
        accuracy=float((truth == predicted).mean()),
        accuracy_interval=_wilson_interval(int((truth == predicted).sum()), len(truth)),
        balanced_accuracy=float(np.mean([recall_of[label] for label in tested])),
        auc=_auc(truth, scores, classes, tested),
        classes=tuple(
            ClassMetrics(label, float(p), float(r), float(f), int(n))
            for label, p, r, f, n in zip(classes, precision, recall, f1, support, strict=True)
        ),
        confusion=tuple(
            tuple(map(int, row))
            for row in metrics.confusion_matrix(truth, predicted, labels=list(classes))
        ),
    )


def _wilson_interval(n_right: int, n: int) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(n_right, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _auc(
    truth: np.ndarray, scores: np.ndarray, classes: Sequence[str], tested: Sequence[str]
) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(tested) < len(classes):
        return None
    columns = range(1, 2) if len(classes) == 2 else range(len(classes))
    return float(np.mean([roc_auc_score(truth == classes[i], scores[:, i]) for i in columns]))
