"""The measures of a cell and their titles."""

from collections.abc import Sequence

from medrecog_core.classification import Metrics
from medrecog_core.features import AnyCell
from medrecog_core.runs import CellResult

MEASURES = {
    "Accuracy": "accuracy",
    "Balanced accuracy": "balanced_accuracy",
    "Macro F1": "macro_f1",
    "AUC": "auc",
    "Sensitivity": "sensitivity",
    "Specificity": "specificity",
}
"""Titles of the measures."""


def measured(result: CellResult, measure: str) -> float | None:
    """Return the value of a measure of a cell; None if it is not available."""
    value: float | None = getattr(result.metrics, measure)
    return value


def chance(metrics: Metrics, measure: str) -> float:
    """Return what a measure is without any knowledge of the images.

    That is the share of the largest test class for the accuracy, 1/K for the balanced accuracy of K
    tested classes, 0.5 for the AUC, and 0 for measures that have no such value.
    """
    supports = [row.support for row in metrics.classes if row.support]
    if len(supports) < 2:
        return 0.0
    return {
        "accuracy": max(supports) / sum(supports),
        "balanced_accuracy": 1 / len(supports),
        "auc": 0.5,
    }.get(measure, 0.0)


def best_cell(results: Sequence[CellResult], measure: str) -> AnyCell:
    """Return the cell with the highest value."""
    return max(results, key=lambda result: measured(result, measure) or 0.0).cell


def told_measures(results: Sequence[CellResult]) -> dict[str, str]:
    """Return those of `MEASURES` that are available for every result."""
    return {
        name: measure
        for name, measure in MEASURES.items()
        if all(measured(result, measure) is not None for result in results)
    }
