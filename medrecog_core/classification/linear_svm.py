"""A trained linear SVM."""

from dataclasses import dataclass, field

import numpy as np

from medrecog_core.classification.normalisation import FittedNormalisation


@dataclass(frozen=True)
class LinearSvm:
    """A trained one-vs-rest linear SVM and the normalisation before it.

    Attributes
    ----------
    classes
        Sorted labels.
    weights
        float64, shape (n_classes, channels) of normalised descriptors.
    biases
        float64, shape (n_classes,).
    normalisation
        Of descriptors as they come from the network.
    """

    classes: tuple[str, ...]
    weights: np.ndarray
    biases: np.ndarray
    normalisation: FittedNormalisation = field(default_factory=lambda: FittedNormalisation("l2"))

    def scores(self, descriptors: np.ndarray) -> np.ndarray:
        """Return each class's decision value, the larger the surer.

        Parameters
        ----------
        descriptors
            float32 or float64, shape (n, channels), as they come from the network.

        Returns
        -------
        numpy.ndarray
            float64, shape (n, n_classes). With two classes the columns are opposite numbers.
        """
        rows = self.normalisation.apply(descriptors)
        scores: np.ndarray = rows @ self.weights.T + self.biases
        return scores

    def predict(self, descriptors: np.ndarray) -> np.ndarray:
        """Return the label of the greatest score for each descriptor, shape (n,)."""
        labels: np.ndarray = np.array(self.classes)[self.scores(descriptors).argmax(axis=1)]
        return labels
