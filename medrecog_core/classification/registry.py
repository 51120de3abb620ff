"""The classifiers that there are."""

from medrecog_core.classification.classifier import Classifier, HyperParameter
from medrecog_core.classification.linear_svm import LinearSvm
from medrecog_core.classification.logistic_regression import LogisticRegression
from medrecog_core.classification.nearest_neighbours import NearestNeighbours
from medrecog_core.errors import UsageError

_ALL: list[Classifier] = [
    LinearSvm(),
    LogisticRegression(),
    NearestNeighbours(),
]
CLASSIFIERS = {classifier.name: classifier for classifier in _ALL}
"""By name."""

DEFAULT_CLASSIFIER = LinearSvm.name
"""What is trained where nothing else is asked for, and what documents without a name mean."""

HYPER_PARAMETERS: dict[str, HyperParameter] = {
    classifier.parameter.name: classifier.parameter for classifier in CLASSIFIERS.values()
}
"""By name; classifiers may share one."""


def find_classifier(name: str) -> Classifier:
    """Return the classifier of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in CLASSIFIERS:
        raise UsageError(f"Unknown classifier “{name}”. Available: {', '.join(CLASSIFIERS)}.")
    return CLASSIFIERS[name]
