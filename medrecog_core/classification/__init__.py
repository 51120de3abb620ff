"""Classifiers on descriptors, how well they do, how sure that is, and why."""

from medrecog_core.classification.calibration import (
    Calibration,
    CalibrationChoice,
    CrossCalibration,
    Reliability,
    calibrate,
    choose_calibration,
    cross_calibrate,
    cross_calibrated,
    log_loss,
    softmax_probabilities,
)
from medrecog_core.classification.classifier import (
    Classifier,
    HyperParameter,
    ScoredPath,
    TrainedClassifier,
    TrainingOptions,
)
from medrecog_core.classification.comparison import (
    Comparison,
    Ranked,
    compare,
    compare_with_best,
    compare_with_reference,
    holm,
    mcnemar_p_value,
)
from medrecog_core.classification.curves import (
    DecisionCurve,
    NetBenefit,
    PrecisionRecallCurve,
    ReliabilityCurve,
    RocCurve,
    decision_curve,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
)
from medrecog_core.classification.evidence import (
    Evidence,
    LinearScore,
    affine_score,
    channelwise_score,
    explain,
    explain_fusion,
    l2_score,
    linear_score,
    plain_score,
)
from medrecog_core.classification.intervals import (
    ClassEstimates,
    Estimate,
    estimate,
    estimate_classes,
    wilson_interval,
)
from medrecog_core.classification.label_errors import LabelErrors, find_label_errors
from medrecog_core.classification.linear_classifier import LinearClassifier
from medrecog_core.classification.linear_svm import SvmPath, train_svms
from medrecog_core.classification.metrics import ClassMetrics, Metrics, measure
from medrecog_core.classification.normalisation import (
    NORMALISATIONS,
    FittedNormalisation,
    Normalisation,
    l2_normalise,
)
from medrecog_core.classification.novelty import (
    Neighbours,
    Novelty,
    NoveltyDetector,
    fit_novelty_detector,
)
from medrecog_core.classification.registry import (
    CLASSIFIERS,
    DEFAULT_CLASSIFIER,
    HYPER_PARAMETERS,
    find_classifier,
)
from medrecog_core.classification.resampling import MEASURES
from medrecog_core.classification.scored_images import ScoredImages, choose_positive_class
from medrecog_core.classification.selection import Choice, choose_value, score_choosing_value
from medrecog_core.classification.solver import CLASS_WEIGHTS, check_class_weight
from medrecog_core.classification.threads import each_on_one_core
from medrecog_core.classification.threshold import DecisionThreshold, choose_threshold

__all__ = [
    "CLASSIFIERS",
    "CLASS_WEIGHTS",
    "DEFAULT_CLASSIFIER",
    "HYPER_PARAMETERS",
    "MEASURES",
    "NORMALISATIONS",
    "Calibration",
    "CalibrationChoice",
    "Choice",
    "ClassEstimates",
    "ClassMetrics",
    "Classifier",
    "Comparison",
    "CrossCalibration",
    "DecisionCurve",
    "DecisionThreshold",
    "Estimate",
    "Evidence",
    "FittedNormalisation",
    "HyperParameter",
    "LabelErrors",
    "LinearClassifier",
    "LinearScore",
    "Metrics",
    "Neighbours",
    "NetBenefit",
    "Normalisation",
    "Novelty",
    "NoveltyDetector",
    "PrecisionRecallCurve",
    "Ranked",
    "Reliability",
    "ReliabilityCurve",
    "RocCurve",
    "ScoredImages",
    "ScoredPath",
    "SvmPath",
    "TrainedClassifier",
    "TrainingOptions",
    "affine_score",
    "calibrate",
    "channelwise_score",
    "check_class_weight",
    "choose_calibration",
    "choose_positive_class",
    "choose_threshold",
    "choose_value",
    "compare",
    "compare_with_best",
    "compare_with_reference",
    "cross_calibrate",
    "cross_calibrated",
    "decision_curve",
    "each_on_one_core",
    "estimate",
    "estimate_classes",
    "explain",
    "explain_fusion",
    "find_classifier",
    "find_label_errors",
    "fit_novelty_detector",
    "holm",
    "l2_normalise",
    "l2_score",
    "linear_score",
    "log_loss",
    "mcnemar_p_value",
    "measure",
    "plain_score",
    "precision_recall_curve",
    "reliability_curve",
    "roc_curve",
    "score_choosing_value",
    "softmax_probabilities",
    "train_svms",
    "wilson_interval",
]
