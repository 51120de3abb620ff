"""Linear SVMs on descriptors, and how well they do."""

from medrecog_core.classification.linear_svm import LinearSvm, l2_normalise, train_svm
from medrecog_core.classification.metrics import ClassMetrics, Metrics, measure

__all__ = ["ClassMetrics", "LinearSvm", "Metrics", "l2_normalise", "measure", "train_svm"]
