"""`leakage`."""

from typing import Any

import click

from medrecog_core.cli.options import CommaSeparated, classifier_options, json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.runs import LeakageReport, RunSpecification, measure_leakage


@click.command()
@click.argument("name")
@click.option("--network", help="Network, such as resnet50.")
@click.option("--layers", type=CommaSeparated(str), help="Layers, such as block4,block5.")
@click.option("--scales", type=CommaSeparated(int), help="Input sizes in pixels, such as 224,544.")
@click.option("--poolings", type=CommaSeparated(str), default="average", show_default=True)
@click.option("--folds", "n_folds", type=int, help="Number of folds.  [default: 5]")
@classifier_options
@click.option("--seed", type=int, help="Random seed of the folds and the classifier.")
@json_option
def leakage(name: str, as_json: bool, **options: Any) -> None:
    """Measure how much leakage between groups inflates the accuracy on data set NAME.

    Every cell is cross-validated twice on the same images: once with images of one group
    (patient, lesion) in both training and test images, once with groups kept whole.
    """
    given = {key: value for key, value in options.items() if value is not None}
    specification = RunSpecification.from_document({"dataset": name, **given})
    with shown_progress() as report:
        found = measure_leakage(specification, report)
    if as_json:
        write_json({"dataset": name, **_describe(found)})
        return
    click.echo(
        f"{name}: {found.n_images} images of {found.n_groups} groups. With groups mixed, "
        f"{found.n_leaking_groups} groups are in both training and test images of one of "
        f"{found.n_folds} folds."
    )
    write_table(
        ("cell", "groups mixed", "95 % CI", "groups whole", "95 % CI", "gap", "95 % CI"),
        (
            (
                cell.cell.name,
                cell.mixed.metrics.accuracy,
                _interval(cell.mixed.metrics.accuracy_interval),
                cell.grouped.metrics.accuracy,
                _interval(cell.grouped.metrics.accuracy_interval),
                cell.gap.difference,
                _interval((cell.gap.low, cell.gap.high)),
            )
            for cell in found.cells
        ),
    )
    click.echo(
        "The results with groups mixed are too optimistic. Use those with groups kept whole."
    )


def _describe(found: LeakageReport) -> dict[str, Any]:
    return {
        "n_images": found.n_images,
        "n_groups": found.n_groups,
        "n_leaking_groups": found.n_leaking_groups,
        "n_folds": found.n_folds,
        "cells": [
            {
                "layer": cell.cell.layer,
                "scale": cell.cell.scale,
                "pooling": cell.cell.pooling,
                "mixed": cell.mixed.to_document(),
                "grouped": cell.grouped.to_document(),
                "gap": cell.gap.difference,
                "gap_interval": [cell.gap.low, cell.gap.high],
                "p_value": cell.gap.p_value,
            }
            for cell in found.cells
        ],
    }


def _interval(bounds: tuple[float, float]) -> str:
    return "{:.3f} to {:.3f}".format(*bounds)
