"""Linear SVMs on descriptors, how well they do, how sure that is, and why."""

from medrecog_core.classification.comparison import (
    Comparison,
    Ranked,
    compare,
    compare_with_best,
    holm,
    mcnemar_p_value,
)
from medrecog_core.classification.curves import (
    PrecisionRecallCurve,
    ReliabilityCurve,
    RocCurve,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
)
from medrecog_core.classification.intervals import Estimate, estimate
from medrecog_core.classification.linear_svm import LinearSvm, l2_normalise, train_svm
from medrecog_core.classification.metrics import ClassMetrics, Metrics, measure
from medrecog_core.classification.positive_class import choose_positive_class
from medrecog_core.classification.resampling import MEASURES
from medrecog_core.classification.scored_images import ScoredImages
from medrecog_core.classification.wilson import wilson_interval

__all__ = [
    "MEASURES",
    "ClassMetrics",
    "Comparison",
    "Estimate",
    "LinearSvm",
    "Metrics",
    "PrecisionRecallCurve",
    "Ranked",
    "ReliabilityCurve",
    "RocCurve",
    "ScoredImages",
    "choose_positive_class",
    "compare",
    "compare_with_best",
    "estimate",
    "holm",
    "l2_normalise",
    "mcnemar_p_value",
    "measure",
    "precision_recall_curve",
    "reliability_curve",
    "roc_curve",
    "train_svm",
    "wilson_interval",
]
