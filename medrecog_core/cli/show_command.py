"""`show`."""

from collections.abc import Sequence
from typing import Any

import click

from medrecog_core.cli.output import CommaSeparated, json_option, write_json, write_table
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
    help=f"{', '.join(MEASURES.values())}, or {_ALL}: each with its interval, and which cells "
    "cannot be told from the best.",
)
@click.option("--positive", metavar="CLASS", help="Of two classes, the one that is looked for.")
@json_option
def show(
    run_id: str, measures: tuple[str, ...] | None, positive: str | None, as_json: bool
) -> None:
    """Show RUN: how it is doing, and its cells."""
    run = find_run(run_id)
    if not measures:
        if positive is not None:
            raise UsageError("--positive says nothing without --measure: name a measure too.")
        show_run(run, as_json)
        return
    ranked = {name: rank_cells(run, name, positive) for name in _told(run, measures, positive)}
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


def _told(run: Run, measures: Sequence[str], positive: str | None) -> list[str]:
    """Return the measures that are asked for, all of which can be told."""
    results = with_positive(run.cells(), positive)
    if not results:
        raise MedrecogError(f"The run {run.id} has no finished cell yet: show it without measures.")
    known = list(told_measures(results).values())
    if tuple(measures) == (_ALL,):
        return known
    for name in measures:
        if name not in known:
            raise UsageError(
                f"The measure “{name}” cannot be told of this run: choose among "
                f"{', '.join(known)} and {_ALL}."
            )
    return list(measures)


def _write(measure: str, cells: Sequence[RankedCell]) -> None:
    write_table(
        (
            *("layer", "scale", "pooling", measure.replace("_", " "), "95 % interval"),
            *("beside the best", "predictions", "independent"),
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
        return "the best"
    p_value = (
        f"p = {place.adjusted_p_value:.3f}" if place.adjusted_p_value >= 0.001 else "p < 0.001"
    )
    return (
        f"cannot be told from it, {p_value}" if place.is_indistinguishable else f"less, {p_value}"
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
