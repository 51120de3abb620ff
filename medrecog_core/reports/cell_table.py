"""Table of the finished cells of a run, one row per cell."""

from collections.abc import Sequence
from typing import Any

from medrecog_core.csv_text import csv_text
from medrecog_core.errors import MedrecogError
from medrecog_core.features import Cell
from medrecog_core.networks import find_network
from medrecog_core.reports.latex import escape
from medrecog_core.reports.measures import MEASURES, measured
from medrecog_core.reports.report_table import ReportTable, report_table
from medrecog_core.runs import Run
from medrecog_core.runs.description import DATA_RESERVATIONS, reservations
from medrecog_core.runs.ranked_cells import RankedCell, rank_cells, with_positive
from medrecog_core.wording import counted

BEST, EQUAL = "best", "not distinguishable"
"""Values of `beside_best` for the best cell, and for those not significantly different from it."""

COLUMNS = (
    *("run", "dataset", "layer", "scale", "pooling", "accuracy", "accuracy_low", "accuracy_high"),
    *("beside_best", "balanced_accuracy", "macro_f1", "auc", "sensitivity", "specificity"),
    *("n_train", "n_test", "n_test_units", "sample", "n_leaking_groups"),
    "small_test",
)


def cell_rows(run: Run, ranked: Sequence[RankedCell]) -> list[dict[str, Any]]:
    """Return a row for each cell, with `COLUMNS`.

    Parameters
    ----------
    run
        The run.
    ranked
        Its finished cells by accuracy, from `rank_cells`. Low and high are the ends of the 95 %
        confidence interval; units are groups, and images without a group count as one each. Leaking
        groups have both training and test images.
    """
    record, small = run.needed_record(), run.small_test()
    dataset = run.specification().dataset
    rows = []
    for each in ranked:
        result, estimate, place = each.result, each.estimate, each.ranked
        rows.append(
            {
                "run": run.id,
                "dataset": dataset,
                "layer": result.cell.layer,
                "scale": result.cell.scale,
                "pooling": result.cell.pooling,
                **{measure: measured(result, measure) for measure in MEASURES.values()},
                "accuracy_low": estimate.low,
                "accuracy_high": estimate.high,
                "beside_best": (
                    BEST if place.is_best else EQUAL if place.is_indistinguishable else ""
                ),
                "n_train": result.n_train,
                "n_test": result.n_test,
                "n_test_units": estimate.n_units,
                "sample": record.sample,
                "n_leaking_groups": record.split.n_leaking_groups,
                "small_test": "" if small is None else small.words,
            }
        )
    return rows


def cells_csv(run: Run) -> str:
    """Return the finished cells as CSV; if there are none, only the header.

    Raises
    ------
    StorageError
        If the run's folder is damaged.
    """
    rows = cell_rows(run, rank_cells(run)) if run.cells() else []
    return csv_text(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def cells_latex(run: Run) -> str:
    """Return the finished cells as a LaTeX `table` in the style of the package booktabs.

    Raises
    ------
    MedrecogError
        If no cell is finished.
    StorageError
        If the run's folder is damaged.
    """
    ranked = rank_cells(ready(run))
    rows = cell_rows(run, ranked)
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        r"\begin{tabular}{lllrrrr}",
        r"\toprule",
        r"layer & scale & pooling & accuracy & 95\,\% CI & balanced accuracy & AUC \\",
        r"\midrule",
        *map(_latex_row, rows),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\caption{{{_caption(run, ranked)}}}",
        rf"\label{{tab:{run.id}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def run_report_table(
    run: Run, measure: str = "accuracy", positive: str | None = None
) -> ReportTable:
    """Return the results of a run in the layout of the 2018 report, without fusions.

    Parameters
    ----------
    run
        The run.
    measure
        One of the values of `MEASURES`.
    positive
        The positive class, with two classes; None: chosen by name.

    Raises
    ------
    MedrecogError
        If the measure is not available for any finished single cell.
    """
    values = {
        result.cell: value
        for result in with_positive(ready(run).cells(), positive)
        if isinstance(result.cell, Cell) and (value := measured(result, measure)) is not None
    }
    if not values:
        raise MedrecogError(
            f"The report's table contains no cell of run {run.id}. Choose another table or measure."
        )
    return report_table(values, find_network(run.specification().network))


def caption_reservations(run: Run) -> str:
    """Return what a caption says on the data and their split, each sentence after a space."""
    found = reservations(run)
    return "".join(f" {found[kind]}" for kind in DATA_RESERVATIONS if kind in found)


def ready(run: Run) -> Run:
    """Return the run if it has a finished cell.

    Raises
    ------
    MedrecogError
        If it has none.
    """
    if not run.cells():
        raise MedrecogError(f"Run {run.id} has no finished cells yet. Resume it first.")
    return run


def _latex_row(row: dict[str, Any]) -> str:
    accuracy = f"{row['accuracy']:.3f}"
    if row["beside_best"] == BEST:
        accuracy = rf"\textbf{{{accuracy}}}"
    elif row["beside_best"]:
        accuracy = rf"{accuracy}$^{{\approx}}$"
    fields = [
        *(escape(str(row[name])) for name in ("layer", "scale", "pooling")),
        accuracy,
        f"{row['accuracy_low']:.3f} to {row['accuracy_high']:.3f}",
        f"{row['balanced_accuracy']:.3f}",
        "" if row["auc"] is None else f"{row['auc']:.3f}",
    ]
    return " & ".join(fields) + r" \\"


def _caption(run: Run, ranked: Sequence[RankedCell]) -> str:
    """Return the caption in LaTeX."""
    estimate = ranked[0].estimate
    units = (
        f" of {counted(estimate.n_units, 'group')} (resampled in the intervals)"
        if estimate.n_units < ranked[0].result.n_test
        else ""
    )
    record = run.needed_record()
    words = (
        f"{run.specification().dataset}: {counted(ranked[0].result.n_test, 'test image')}{units}; "
        f"{find_network(run.specification().network).title} with the weights "
        f"“{record.weights.title}”."
    )
    marks = r" Bold: the best cell; $\approx$: not significantly different from it."
    return escape(words) + marks + escape(caption_reservations(run))
