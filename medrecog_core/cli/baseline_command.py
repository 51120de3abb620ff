"""`baselines`: what is reached without a network, beside the cells of a run."""

from dataclasses import asdict
from typing import Any

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import find_run
from medrecog_core.runs.baselines import (
    BaselineComparison,
    add_baselines,
    baselines_of,
    compare_with_baselines,
)


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--measure", default="accuracy", show_default=True, help=f"{', '.join(MEASURES.values())}"
)
@click.option("--positive", metavar="CLASS", help="With two classes, the class to detect.")
@json_option
def baselines(run_id: str, measure: str, positive: str | None, as_json: bool) -> None:
    """Compare the cells of RUN with baselines that need no network.

    They are the largest class, the mean colour, 16 x 16 pixels, and properties of the files, with
    the classifier and the split of RUN. Baselines that RUN lacks are computed first, from its
    images.
    """
    run = find_run(run_id)
    if measure not in MEASURES.values():
        raise UsageError(f"Unknown measure “{measure}”. Available: {', '.join(MEASURES.values())}.")
    if not run.cells():
        raise MedrecogError(f"Run {run.id} has no finished cells yet. Resume it first.")
    if baselines_of(run) is None:
        with shown_progress() as report:
            add_baselines(run, report=report)
    found = compare_with_baselines(run, measure, positive)
    if found is None:
        raise MedrecogError(f"The baselines of run {run.id} cannot be read. Start the run again.")
    if as_json:
        write_json({"run": run.id, **baselines_document(found)})
        return
    write_table(
        ("baseline", measure.replace("_", " "), "95 % CI"),
        (
            (
                each.title,
                each.estimate.value,
                f"{each.estimate.low:.3f} to {each.estimate.high:.3f}",
            )
            for each in found.baselines
        ),
    )
    write_table(
        ("cell", "difference from the best baseline", "95 % CI", "p (Holm)", "better at 5 %"),
        (
            (
                each.result.cell.name,
                f"{each.comparison.difference:+.3f}",
                f"{each.comparison.low:+.3f} to {each.comparison.high:+.3f}",
                f"{each.adjusted_p_value:.3g}",
                "yes" if each.is_better else "no",
            )
            for each in found.cells
        ),
    )
    if found.warning:
        click.echo(found.warning)


def baselines_document(found: BaselineComparison) -> dict[str, Any]:
    """Return a comparison with baselines as JSON values."""
    return {
        "measure": found.measure,
        "baselines": [{"baseline": each.name, **asdict(each.estimate)} for each in found.baselines],
        "best_baseline": found.best.name,
        "cells": [
            {
                "cell": each.result.cell.name,
                "difference": each.comparison.difference,
                "interval": [each.comparison.low, each.comparison.high],
                "method": each.comparison.method,
                "adjusted_p_value": each.adjusted_p_value,
                "is_better": each.is_better,
            }
            for each in found.cells
        ],
        "warning": found.warning,
    }
