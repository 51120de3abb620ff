"""The measures of a cell and their titles."""

from collections.abc import Sequence

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
