"""Linear SVMs on descriptors, and how well they do."""

from medrecog_core.classification.linear_svm import LinearSvm
from medrecog_core.classification.metrics import ClassMetrics, Metrics, measure
from medrecog_core.classification.normalisation import (
    NORMALISATIONS,
    FittedNormalisation,
    Normalisation,
    l2_normalise,
)
from medrecog_core.classification.one_vs_rest import CLASS_WEIGHTS
from medrecog_core.classification.selection import ChosenC, choose_c, train_choosing_c
from medrecog_core.classification.threads import each_on_one_core
from medrecog_core.classification.training import SvmPath, train_svm, train_svms

__all__ = [
    "CLASS_WEIGHTS",
    "NORMALISATIONS",
    "ChosenC",
    "ClassMetrics",
    "FittedNormalisation",
    "LinearSvm",
    "Metrics",
    "Normalisation",
    "SvmPath",
    "choose_c",
    "each_on_one_core",
    "l2_normalise",
    "measure",
    "train_choosing_c",
    "train_svm",
    "train_svms",
]
