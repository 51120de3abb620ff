"""A run in one sentence: its best cell, how sure that is, and how it compares."""

from collections.abc import Sequence

from medrecog_core.classification import Metrics
from medrecog_core.features import Cell
from medrecog_core.reports.measures import MEASURES, best_cell
from medrecog_core.runs import Run
from medrecog_core.runs.comparison import RankedCell, with_positive
from medrecog_core.runs.published import find_published_table
from medrecog_core.ui.quantities import counted
from medrecog_core.ui.results.kept_results import load_estimates


def headline(run: Run, measure: str = "accuracy", positive: str | None = None) -> str:
    """Return the best cell of a run with its value and interval; empty if it has none."""
    results = with_positive(run.cells(), positive)
    if not results:
        return ""
    cell = best_cell(results, measure)
    best = next(result for result in results if result.cell == cell)
    found = load_estimates(run, best)[measure]
    title = next(title for title, name in MEASURES.items() if name == measure)
    title = title if title == "AUC" else title[0].lower() + title[1:]
    protocol = (
        f", {len(best.folds)}-fold cross-validation"
        if len(best.folds) > 1 and found.n_images == best.n_test
        else ""
    )
    return (
        f"Best: {cell.layer} · {cell.scale} · {cell.pooling}, {title} {found.value:.3f} "
        f"(95 % CI {found.low:.3f}–{found.high:.3f}, n = {found.n_images:,}{protocol})"
    )


def describe_errors(metrics: Metrics) -> str:
    """Return how many test images a cell gets wrong, and its most frequent confusion."""
    labels = [row.label for row in metrics.classes]
    n_images = sum(map(sum, metrics.confusion))
    squares = [
        (count, i, j)
        for i, row in enumerate(metrics.confusion)
        for j, count in enumerate(row)
        if i != j and count
    ]
    if not squares:
        return f"No errors among {counted(n_images, 'test prediction')}."
    n_wrong = sum(count for count, _, _ in squares)
    count, true, predicted = max(squares, key=lambda square: square[0])
    return (
        f"{n_wrong:,} of {n_images:,} wrong, most often {labels[true]} predicted as "
        f"{labels[predicted]} ({count:,} of {sum(metrics.confusion[true]):,})."
    )


def comparisons(run: Run, ranked: Sequence[RankedCell], measure: str) -> str:
    """Return how the best cell compares with the other cells and with the 2018 report."""
    best = next(each.result for each in ranked if each.ranked.is_best)
    equal = sum(each.ranked.is_indistinguishable for each in ranked) - 1
    told = []
    if equal:
        told.append(f"{counted(equal, 'cell')} not significantly different")
    elif len(ranked) > 1:
        told.append("all other cells significantly worse")
    table = find_published_table(
        run.specification().dataset, [row.label for row in best.metrics.classes]
    )
    if measure == "accuracy" and table is not None and isinstance(best.cell, Cell):
        published = table.find(best.cell)
        if published is not None:
            told.append(f"2018 report: {published.accuracy:.2f}")
    return "; ".join(told)
