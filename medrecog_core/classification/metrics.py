"""How well labels were predicted, in scikit-learn's measures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from medrecog_core.bounds import Count, Share
from medrecog_core.classification import confusion
from medrecog_core.classification.intervals import wilson_interval
from medrecog_core.classification.scored_images import choose_positive_class


@dataclass(frozen=True)
class ClassMetrics:
    """One class's part of a result; `support` is its number of test images."""

    label: str
    precision: Share
    recall: Share
    f1: Share
    support: Count


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
    positive
        The class that sensitivity speaks of, where there are two; None for more.
    """

    accuracy: Share
    accuracy_interval: tuple[Share, Share]
    balanced_accuracy: Share
    auc: Share | None
    classes: tuple[ClassMetrics, ...]
    confusion: tuple[tuple[Count, ...], ...]
    positive: str | None = None

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes that occur among true or predicted labels."""
        return float(confusion.macro_f1(np.array(self.confusion)))

    @property
    def sensitivity(self) -> float | None:
        """Recall of the positive class; None for more than two classes, or with no such image."""
        return self._recall_of_two(is_positive=True)

    @property
    def specificity(self) -> float | None:
        """Recall of the class that is not positive; None as for `sensitivity`."""
        return self._recall_of_two(is_positive=False)

    def with_positive(self, label: str | None) -> "Metrics":
        """Return the same result with another positive class; None: chosen by name.

        Raises
        ------
        UsageError
            If the label is not one of the classes.
        """
        return replace(self, positive=choose_positive_class([c.label for c in self.classes], label))

    def _recall_of_two(self, is_positive: bool) -> float | None:
        for row in self.classes:
            if self.positive is not None and (row.label == self.positive) == is_positive:
                return row.recall if row.support else None
        return None

    def to_document(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            **asdict(self),
            "macro_f1": self.macro_f1,
            "sensitivity": self.sensitivity,
            "specificity": self.specificity,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Metrics":
        """Return the result that `to_document` gave.

        A document without a positive class, as written before there was one, gets it by the names
        of the classes; the measures of the confusion matrix are computed from it.

        Raises
        ------
        MedrecogError, ValueError
            If it is damaged.
        """
        found = _METRICS.validate_python(document)
        n = len(found.classes)
        if len(found.confusion) != n or any(len(row) != n for row in found.confusion):
            raise ValueError("the confusion matrix does not have a row and a column for each class")
        return found.with_positive(found.positive)


def measure(
    labels: Sequence[str],
    scores: np.ndarray,
    classes: Sequence[str],
    positive: str | None = None,
) -> Metrics:
    """Compare scores with the true labels.

    Parameters
    ----------
    labels
        True labels of the n test images, each one of `classes`.
    scores
        Shape (n, n_classes); the greatest is the prediction.
    classes
        Sorted labels, one for each column of `scores`.
    positive
        The positive one of two classes, None to have it chosen by its name
        (`choose_positive_class`).

    Raises
    ------
    UsageError
        If `positive` is not one of the classes.
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
        accuracy_interval=wilson_interval(int((truth == predicted).sum()), len(truth)),
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
        positive=choose_positive_class(classes, positive),
    )


def _auc(
    truth: np.ndarray, scores: np.ndarray, classes: Sequence[str], tested: Sequence[str]
) -> float | None:
    from sklearn.metrics import roc_auc_score

    if len(tested) < len(classes):
        return None
    columns = range(1, 2) if len(classes) == 2 else range(len(classes))
    return float(np.mean([roc_auc_score(truth == classes[i], scores[:, i]) for i in columns]))


_METRICS = TypeAdapter(Metrics)
