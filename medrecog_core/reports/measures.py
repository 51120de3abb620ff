"""The measures of a cell by what people call them."""

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
"""What people call the measures."""


def measured(result: CellResult, measure: str) -> float | None:
    """Return a cell's value in one of `MEASURES`' values; None where it cannot be told."""
    value: float | None = getattr(result.metrics, measure)
    return value


def best_cell(results: Sequence[CellResult], measure: str) -> AnyCell:
    """Return the cell of the greatest value."""
    return max(results, key=lambda result: measured(result, measure) or 0.0).cell


def told_measures(results: Sequence[CellResult]) -> dict[str, str]:
    """Return those of `MEASURES` that can be told of every result."""
    return {
        name: measure
        for name, measure in MEASURES.items()
        if all(measured(result, measure) is not None for result in results)
    }
