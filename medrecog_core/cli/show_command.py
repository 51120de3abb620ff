"""`show`."""

from collections.abc import Sequence
from typing import Any

import click

from medrecog_core.cli.options import CommaSeparated, json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.cli.run_output import show_run
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.reports.measures import MEASURES, told_measures
from medrecog_core.runs import Run, find_run, result_document
from medrecog_core.runs.ranked_cells import RankedCell, rank_cells, with_positive

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
@json_option
def show(
    run_id: str, measures: tuple[str, ...] | None, positive: str | None, as_json: bool
) -> None:
    """Show the status of RUN and its cells."""
    run = find_run(run_id)
    if not measures:
        if positive is not None:
            raise UsageError("--positive requires --measure. Add a measure, or omit --positive.")
        show_run(run, as_json)
        return
    ranked = {name: rank_cells(run, name, positive) for name in _available(run, measures, positive)}
    if as_json:
        document = result_document(run)
        found = {name: [_document(cell) for cell in cells] for name, cells in ranked.items()}
        write_json({**document, "measures": found})
        return
    for name, cells in ranked.items():
        _write(name, cells)
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


def _write(measure: str, cells: Sequence[RankedCell]) -> None:
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


def _document(each: RankedCell) -> dict[str, Any]:
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
