"""One linear SVM, for tests of what acts on it."""

from collections.abc import Sequence

import numpy as np

from medrecog_core.classification import LinearClassifier, Normalisation, train_svms
from medrecog_core.classification.normalisation import L2


def train_svm(
    descriptors: np.ndarray,
    labels: Sequence[str],
    C: float = 1.0,
    seed: int = 0,
    *,
    class_weight: str = "none",
    normalisation: Normalisation = L2,
) -> LinearClassifier:
    """Train the one-vs-rest linear SVMs of all descriptors."""
    (path,) = train_svms(
        descriptors,
        labels,
        [(range(len(labels)), [])],
        [C],
        class_weight=class_weight,
        normalisation=normalisation,
        seed=seed,
    )
    return path.svms[0]
