"""Linear classifiers: a weight for each channel and a bias for each class."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from medrecog_core.classification.classifier import Classifier, HyperParameter
from medrecog_core.classification.normalisation import FittedNormalisation


@dataclass(frozen=True)
class LinearClassifier:
    """A trained linear classifier, such as a linear SVM, and the normalisation before it.

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
        """Return each class's score; the largest is the prediction.

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

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the numbers, those of the normalisation among them."""
        return {"weights": self.weights, "biases": self.biases, **self.normalisation.to_arrays()}

    @classmethod
    def from_arrays(
        cls,
        classes: tuple[str, ...],
        normalisation: FittedNormalisation,
        length: int,
        arrays: Mapping[str, np.ndarray],
    ) -> "LinearClassifier":
        """Return the classifier that `to_arrays` gave.

        Parameters
        ----------
        classes
            Sorted labels.
        normalisation
            That was among the arrays.
        length
            Of normalised descriptors.
        arrays
            By name.

        Raises
        ------
        KeyError, ValueError
            If the arrays are not those of such a classifier.
        """
        weights, biases = arrays["weights"], arrays["biases"]
        if weights.shape != (len(classes), length) or biases.shape != (len(classes),):
            raise ValueError("the arrays have not the shape that the card asks for")
        if not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise ValueError("a number of the arrays is not finite")
        return cls(classes, weights, biases, normalisation)


class Linear(Classifier):
    """A kind of classifier that trains a `LinearClassifier` with some C."""

    parameter = HyperParameter(
        "C",
        1.0,
        (0.01, 0.1, 1.0, 10.0, 100.0),
        "Inverse strength of the regularisation: the smaller, the smoother the boundary.",
    )
    is_linear = True

    def read(
        self,
        classes: tuple[str, ...],
        normalisation: FittedNormalisation,
        length: int,
        arrays: Mapping[str, np.ndarray],
    ) -> LinearClassifier:
        """Return the trained classifier whose `to_arrays` gave some arrays."""
        return LinearClassifier.from_arrays(classes, normalisation, length, arrays)
