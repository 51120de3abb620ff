"""`show`, `compare` and `export`: results of runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from medrecog_core import atomic_file
from medrecog_core.classification.scored_groups import WAYS
from medrecog_core.cli.options import CommaSeparated, json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.cli.part_output import show_by_column, show_by_group
from medrecog_core.cli.run_output import show_run
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.reports.exporting import TABLES, Choice, exported
from medrecog_core.reports.measures import MEASURES, told_measures
from medrecog_core.reports.run_figures import check_measure, find_result
from medrecog_core.reports.tables import ready
from medrecog_core.runs import Run, find_run, result_document
from medrecog_core.runs.comparison import (
    ComparedPair,
    ComparedRun,
    RankedCell,
    RunComparison,
    compare_runs,
    rank_cells,
    with_positive,
)

# --- show ----------------------------------------------------------------------------------------

_ALL = "all"


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--measure",
    "measures",
    type=CommaSeparated(str),
    help=f"{', '.join(MEASURES.values())}, or {_ALL}: with intervals, and tests of each cell "
    "against the best one.",
)
@click.option("--positive", metavar="CLASS", help="With two classes, the class to detect.")
@click.option(
    "--by-group",
    type=click.Choice(WAYS),
    help="Show one cell with one answer per group (patient, lesion): the mean or maximum of the "
    "scores of its images.",
)
@click.option(
    "--by",
    "column",
    default="",
    help="Show one cell in the sub-groups of a column of the data set's table, such as sex or age.",
)
@click.option(
    "--bins",
    "limits",
    type=CommaSeparated(float),
    default=(),
    help="Limits of the bins of a column with numbers, such as 40,60.",
)
@click.option(
    "--cell",
    default="",
    help="Cell to show by group or column, such as block5-224-average.  [default: the best]",
)
@json_option
def show(
    run_id: str,
    measures: tuple[str, ...] | None,
    positive: str | None,
    by_group: str | None,
    column: str,
    limits: tuple[float, ...],
    cell: str,
    as_json: bool,
) -> None:
    """Show the status of RUN and its cells."""
    run = find_run(run_id)
    if by_group or column:
        if (by_group and column) or len(measures or ()) > 1 or (measures or ("",))[0] == _ALL:
            raise UsageError("--by-group and --by need separate commands, and one measure at most.")
        results = with_positive(ready(run).cells(), positive)
        measure = measures[0] if measures else "accuracy"
        check_measure(results, measure)
        result = find_result(results, cell, measure)
        if by_group:
            show_by_group(run, result, by_group, as_json)
        else:
            show_by_column(run, result, column, measure, limits, as_json)
        return
    if limits or cell:
        raise UsageError("--bins and --cell require --by or --by-group. Add one, or omit them.")
    if not measures:
        if positive is not None:
            raise UsageError("--positive requires --measure. Add a measure, or omit --positive.")
        show_run(run, as_json)
        return
    ranked = {name: rank_cells(run, name, positive) for name in _available(run, measures, positive)}
    if as_json:
        document = result_document(run)
        found = {name: [_cell_document(cell) for cell in cells] for name, cells in ranked.items()}
        write_json({**document, "measures": found})
        return
    for name, cells in ranked.items():
        _write_cells(name, cells)
    click.echo(
        "Cells are compared in pairs on the same test images at 5 %, with Holm's correction."
    )


def _available(run: Run, measures: Sequence[str], positive: str | None) -> list[str]:
    """Return the requested measures, all of which are available."""
    results = with_positive(run.cells(), positive)
    if not results:
        raise MedrecogError(f"Run {run.id} has no finished cells yet. Show it without --measure.")
    known = list(told_measures(results).values())
    if tuple(measures) == (_ALL,):
        return known
    for name in measures:
        if name not in known:
            raise UsageError(
                f"The measure “{name}” is not available for this run. Available: "
                f"{', '.join(known)}, {_ALL}."
            )
    return list(measures)


def _write_cells(measure: str, cells: Sequence[RankedCell]) -> None:
    write_table(
        (
            *("layer", "input size", "pooling", measure.replace("_", " "), "95 % CI"),
            *("compared with the best", "predictions", "independent"),
        ),
        (
            (
                each.result.cell.layer,
                each.result.cell.scale,
                each.result.cell.pooling,
                each.estimate.value,
                f"{each.estimate.low:.3f} to {each.estimate.high:.3f}",
                _place(each),
                each.estimate.n_images,
                each.estimate.n_units,
            )
            for each in cells
        ),
    )


def _place(each: RankedCell) -> str:
    place = each.ranked
    if place.is_best:
        return "best"
    p_value = (
        f"p = {place.adjusted_p_value:.3f}" if place.adjusted_p_value >= 0.001 else "p < 0.001"
    )
    return (
        f"not significantly different, {p_value}"
        if place.is_indistinguishable
        else f"lower, {p_value}"
    )


def _cell_document(each: RankedCell) -> dict[str, Any]:
    cell, estimate, place = each.result.cell, each.estimate, each.ranked
    return {
        "layer": cell.layer,
        "scale": cell.scale,
        "pooling": cell.pooling,
        "value": estimate.value,
        "interval": [estimate.low, estimate.high],
        "method": estimate.method,
        "n_predictions": estimate.n_images,
        "n_independent": estimate.n_units,
        "is_best": place.is_best,
        "is_indistinguishable": place.is_indistinguishable,
        "adjusted_p_value": place.adjusted_p_value,
    }


# --- compare -------------------------------------------------------------------------------------


@click.command()
@click.argument("run_ids", metavar="RUN RUN...", nargs=-1, required=True)
@click.option(
    "--measure", default="accuracy", show_default=True, help=f"{', '.join(MEASURES.values())}"
)
@click.option("--positive", metavar="CLASS", help="With two classes, the class to detect.")
@json_option
def compare(run_ids: Sequence[str], measure: str, positive: str | None, as_json: bool) -> None:
    """Compare RUNs: the settings that differ, their best cells, and the tests between these."""
    found = compare_runs([find_run(run_id) for run_id in run_ids], measure, positive)
    if as_json:
        write_json(_comparison_document(found))
        return
    _write_runs(found)
    _write_pairs(found.pairs)
    if found.cells:
        write_table(
            ("cell in common", *(run.run for run in found.runs)),
            ((cell.cell.name, *cell.values) for cell in found.cells),
        )


def _write_runs(found: RunComparison) -> None:
    if not found.settings:
        click.echo("All settings are the same.")
    write_table(
        (
            *("run", *found.settings, "best cell", found.measure.replace("_", " ")),
            *("95 % CI", "predictions", "independent"),
        ),
        (
            (
                *(_called(run), *run.settings, run.best.cell.name, run.estimate.value),
                f"{run.estimate.low:.3f} to {run.estimate.high:.3f}",
                *(run.estimate.n_images, run.estimate.n_units),
            )
            for run in found.runs
        ),
    )
    for run in found.runs:
        if run.n_leaking_groups:
            click.echo(f"{run.run}: {describe_leak(run.n_leaking_groups)}")


def _called(run: ComparedRun) -> str:
    return run.run if run.title == run.run else f"{run.run} (“{run.title}”)"


def _write_pairs(pairs: Sequence[ComparedPair]) -> None:
    for pair in pairs:
        click.echo(f"{pair.one} - {pair.other}: {_verdict(pair)}")
    if any(pair.comparison is not None for pair in pairs):
        click.echo(
            "p-values are corrected by Holm's method. Each best cell was selected on these test "
            "images, which favours runs with more cells."
        )


def _verdict(pair: ComparedPair) -> str:
    comparison = pair.comparison
    if comparison is None or pair.adjusted_p_value is None:
        return "not comparable: the runs used different test images"
    verdict = "significantly different" if pair.is_told_apart else "not significantly different"
    return (
        f"{comparison.difference:+.3f} (95 % CI {comparison.low:+.3f} to {comparison.high:+.3f}), "
        f"p = {pair.adjusted_p_value:.3g} ({comparison.method}): {verdict} at 5 %"
    )


def _comparison_document(found: RunComparison) -> dict[str, Any]:
    return {
        "measure": found.measure,
        "runs": [
            {
                "run": run.run,
                "title": run.title,
                "settings": dict(zip(found.settings, run.settings, strict=True)),
                "best": run.best.to_document(),
                "value": run.estimate.value,
                "interval": [run.estimate.low, run.estimate.high],
                "n_predictions": run.estimate.n_images,
                "n_independent": run.estimate.n_units,
                "n_cells": run.n_cells,
                "n_leaking_groups": run.n_leaking_groups,
            }
            for run in found.runs
        ],
        "pairs": [_pair_document(pair) for pair in found.pairs],
        "cells": [
            {
                "cell": cell.cell.name,
                "values": {
                    run.run: value for run, value in zip(found.runs, cell.values, strict=True)
                },
            }
            for cell in found.cells
        ],
    }


def _pair_document(pair: ComparedPair) -> dict[str, Any]:
    document: dict[str, Any] = {
        "runs": [pair.one, pair.other],
        "same_images": pair.comparison is not None,
    }
    if pair.comparison is not None:
        comparison = pair.comparison
        document |= {
            "difference": comparison.difference,
            "interval": [comparison.low, comparison.high],
            "p_value": comparison.p_value,
            "adjusted_p_value": pair.adjusted_p_value,
            "method": comparison.method,
            "is_told_apart": pair.is_told_apart,
        }
    return document


# --- export --------------------------------------------------------------------------------------


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    required=True,
    help="File ending in .json (everything), .csv or .tex (one row per cell), .html (report), "
    ".png or .svg (a figure).",
)
@click.option(
    "--table",
    default="",
    help=f"{', '.join(TABLES)}: one row per cell, the layout of the 2018 report, or the decision "
    "curve of a cell.",
)
@click.option(
    "--figure",
    default="",
    help="heat-map, confusion, roc, precision-recall, reliability, decision, folds",
)
@click.option("--measure", default="accuracy", show_default=True, help=", ".join(MEASURES.values()))
@click.option(
    "--cell",
    default="",
    help="Cell of the figure, such as block5-224-average.  [default: the best]",
)
@click.option("--class", "label", default="", help="Class of the curve.")
@click.option("--positive", metavar="CLASS", help="With two classes, the class to detect.")
@json_option
def export(
    run_id: str,
    destination: Path,
    table: str,
    figure: str,
    measure: str,
    cell: str,
    label: str,
    positive: str | None,
    as_json: bool,
) -> None:
    """Export the results of RUN to a file, in the format of its ending."""
    choice = Choice(table, figure, measure.replace("-", "_"), cell, label, positive)
    content = exported(find_run(run_id), destination, choice)
    atomic_file.write_export(destination, content)
    if as_json:
        write_json({"run": run_id, "file": str(destination)})
    else:
        click.echo(f"Wrote {destination}.")
