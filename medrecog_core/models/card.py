"""What people must know of a model: where it comes from and how well it did."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

from medrecog_core.classification import (
    DEFAULT_CLASSIFIER,
    Classifier,
    DecisionThreshold,
    Estimate,
    find_classifier,
)
from medrecog_core.features import AnyCell, DescriptorSource, Fusion
from medrecog_core.images import PLAIN, Rendering

TRAINING, ALL = "training", "all"
TRAINED_ON = (TRAINING, ALL)
"""The images that some classifier of the run learnt from, or all images of the run."""


@dataclass(frozen=True)
class CalibrationReport:
    """How a model's probabilities were fitted.

    Attributes
    ----------
    kind
        One of `medrecog_core.classification.calibration.KINDS`.
    log_loss_before, log_loss_after
        In nats, of the softmax of the bare scores and of the calibrated ones, on held-out images.
    n_images
        How many of those images there were.
    """

    kind: str
    log_loss_before: float
    log_loss_after: float
    n_images: int


@dataclass(frozen=True)
class ModelCard:
    """Where a model comes from and how well it did.

    What a model of an older format does not say has the value that stands here.

    Attributes
    ----------
    name, run, dataset, network
        Names.
    synthetic
        Whether it was trained on pictures drawn by the program.
    cell, source
        How images are read.
    weights_title
        The weights, for people.
    parameter_value, normalisation, seed
        The hyper-parameter of the classifier, which documents have by its own name (`C` or `k`);
        and what is done to descriptors before it.
    classes
        Sorted labels.
    accuracy, accuracy_interval, balanced_accuracy, n_train, n_test
        Of the run's cell, on test images that its classifiers had not learnt from; the interval is
        the run's, 95 %.
    created
        Seconds since 1970.
    sample
        Of what part of the data set the images were, as words of a sentence; empty for the whole.
    trained_on
        One of `TRAINED_ON`.
    n_learnt, n_learnt_groups
        Images that the model itself learnt from, and groups among them, an image without one
        counting as one.
    n_indexed
        Of those, the images that new ones are held against.
    fingerprint
        Of the data set.
    split, n_test_groups, n_leaking_groups
        How the run's images were split; groups among the test images, as for the learnt ones; and
        groups that stood in both parts.
    positive
        The positive one of two classes.
    class_weight
        `none` or `balanced`.
    estimates
        All measures of the run's cell with their 95 % intervals; groups count as one.
    calibration, threshold
        Of the probabilities, and of the score of the positive class; None where there are none.
    missing
        What the model has not, and why, as sentences.
    versions
        Of medrecog, Python and packages that the run ran with, by name.
    rendering
        How the stored values of images become pictures, those of new images too.
    classifier
        Name of the classifier.
    bytes_kept
        Of the training images' features that the classifier itself holds; 0 where it holds none.
    """

    name: str
    run: str
    dataset: str
    synthetic: bool
    network: str
    cell: AnyCell
    source: DescriptorSource
    weights_title: str
    parameter_value: int | float
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
    trained_on: str = TRAINING
    n_learnt: int = 0
    n_learnt_groups: int = 0
    n_indexed: int = 0
    fingerprint: str = ""
    split: str = ""
    n_test_groups: int = 0
    n_leaking_groups: int = 0
    positive: str | None = None
    class_weight: str = "none"
    estimates: tuple[Estimate, ...] = ()
    calibration: CalibrationReport | None = None
    threshold: DecisionThreshold | None = None
    missing: tuple[str, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    rendering: Rendering = PLAIN
    classifier: str = DEFAULT_CLASSIFIER
    bytes_kept: int = 0

    @property
    def trained_classifier(self) -> Classifier:
        """The kind of classifier."""
        return find_classifier(self.classifier)

    def to_document(self) -> dict[str, Any]:
        """Return the card as JSON values; what older versions do not know only where it matters."""
        document: dict[str, Any] = {}
        for name, value in asdict(self).items():
            if name == "parameter_value":
                document[self.trained_classifier.parameter.name] = value
            elif name not in _LATER or value != _LATER[name]:
                document[name] = value
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "ModelCard":
        """Return the card in a JSON document.

        Raises
        ------
        MedrecogError, TypeError, ValueError
            If the document is no card.
        """
        parameter = find_classifier(str(document.get("classifier", DEFAULT_CLASSIFIER))).parameter
        own = {name for name in cls.__dataclass_fields__ if name != "parameter_value"}
        if unknown := sorted(set(document) - own - {parameter.name}):
            raise ValueError(f"a card has no “{unknown[0]}”")
        rendering = Rendering.from_document(document.get("rendering"))
        (value,) = parameter.check([document[parameter.name]])
        rest = {name: given for name, given in document.items() if name != parameter.name}
        card = _CARD.validate_python({**rest, "rendering": rendering, "parameter_value": value})
        if len(card.classes) < 2 or list(card.classes) != sorted(set(card.classes)):
            raise ValueError("a model has at least two classes, sorted")
        if card.trained_on not in TRAINED_ON:
            raise ValueError(f"there are no models trained on “{card.trained_on}”")
        if isinstance(card.cell, Fusion) and len(card.cell.members) < 2:
            raise ValueError("a fusion has at least two cells")
        if card.bytes_kept < 0:
            raise ValueError("a model holds no fewer than no bytes")
        return card


_LATER = {"rendering": asdict(PLAIN), "classifier": DEFAULT_CLASSIFIER, "bytes_kept": 0}
_CARD = TypeAdapter(ModelCard)
