"""The linear SVM: one boundary for each class, exact solutions of `LinearSVC`'s problem."""

from collections.abc import Mapping, Sequence

import numpy as np

from medrecog_core.classification.classifier import (
    INVERSE_STRENGTH,
    Classifier,
    Fold,
    ScoredPath,
    TrainingOptions,
)
from medrecog_core.classification.linear_classifier import LinearClassifier
from medrecog_core.classification.normalisation import FittedNormalisation
from medrecog_core.classification.training import SvmPath, train_svms


class LinearSvm(Classifier):
    """A linear SVM for each class against the rest; see `train_svms`."""

    name = "linear-svm"
    title = "linear SVM"
    description = "linear, squared hinge loss, one class against the rest"
    parameter = INVERSE_STRENGTH
    is_linear = True
    about_scores = (
        "A score is the SVM's decision value: positive on the class's side of its boundary, and "
        "larger the further from it. It is not a probability."
    )

    def train_path(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> Sequence[LinearClassifier]:
        """Train on one training part."""
        (path,) = _train(descriptors, labels, [(range(len(labels)), [])], values, options)
        return path.svms

    def score_folds(
        self,
        descriptors: np.ndarray,
        labels: Sequence[str],
        folds: Sequence[Fold],
        values: Sequence[float],
        options: TrainingOptions,
    ) -> tuple[ScoredPath, ...]:
        """Train all folds together, from products of descriptors that are computed once."""
        paths = _train(descriptors, labels, folds, values, options)
        return tuple(ScoredPath(path.classes, path.Cs, path.scores) for path in paths)

    def read(
        self,
        classes: tuple[str, ...],
        normalisation: FittedNormalisation,
        length: int,
        arrays: Mapping[str, np.ndarray],
    ) -> LinearClassifier:
        """Return the trained SVM whose `to_arrays` gave some arrays."""
        return LinearClassifier.from_arrays(classes, normalisation, length, arrays)


def _train(
    descriptors: np.ndarray,
    labels: Sequence[str],
    folds: Sequence[Fold],
    Cs: Sequence[float],
    options: TrainingOptions,
) -> tuple[SvmPath, ...]:
    return train_svms(
        descriptors,
        labels,
        folds,
        Cs,
        class_weight=options.class_weight,
        normalisation=options.normalisation,
        seed=options.seed,
        check=options.check,
    )
