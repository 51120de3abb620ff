"""A trained SVM, and where it comes from."""

from dataclasses import dataclass
from typing import Any

from medrecog_core.classification import LinearSvm
from medrecog_core.features import Cell, Codebook, DescriptorSource


@dataclass(frozen=True)
class ModelCard:
    """Where a model comes from and how well it did.

    Attributes
    ----------
    name, run, dataset, network
        Names; the model was trained on the training images of the run.
    synthetic
        Whether it was trained on pictures drawn by the program.
    cell, source
        How images are read.
    weights_title
        The weights, for people.
    C, normalisation, seed
        Of the SVM, and of the descriptors before it.
    classes
        Sorted labels.
    accuracy, accuracy_interval, balanced_accuracy, n_train, n_test
        Of the cell, on test images the model has not learnt from; the interval is Wilson's, 95 %.
    created
        Seconds since 1970.
    sample
        Of what part of the data set the images were, as words of a sentence; empty for the whole.
    """

    name: str
    run: str
    dataset: str
    synthetic: bool
    network: str
    cell: Cell
    source: DescriptorSource
    weights_title: str
    C: float
    normalisation: str
    seed: int
    classes: tuple[str, ...]
    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    n_train: int
    n_test: int
    created: float
    sample: str = ""

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "ModelCard":
        """Return the card in a JSON document.

        Raises
        ------
        KeyError, TypeError
            If the document is no card.
        """
        return cls(
            **{
                **document,
                "cell": Cell(**document["cell"]),
                "source": DescriptorSource(**document["source"]),
                "classes": tuple(document["classes"]),
                "accuracy_interval": tuple(document["accuracy_interval"]),
            }
        )


@dataclass(frozen=True)
class Model:
    """A trained SVM and its card, and the codebook where its cell is one of an encoding."""

    card: ModelCard
    svm: LinearSvm
    codebook: Codebook | None = None
