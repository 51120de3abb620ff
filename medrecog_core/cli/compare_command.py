"""`compare`."""

from collections.abc import Sequence
from typing import Any

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import find_run
from medrecog_core.runs.comparison import (
    ComparedPair,
    ComparedRun,
    RunComparison,
    compare_runs,
)


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
        write_json(_document(found))
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


def _document(found: RunComparison) -> dict[str, Any]:
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
