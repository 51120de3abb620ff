"""Estimated and measured cost of a run."""

from collections.abc import Iterator
from typing import Any

import click

from medrecog_core.cli.output import write_json, write_table
from medrecog_core.runs import (
    Plan,
    RunSpecification,
    ScaleCost,
    estimate_cost,
    plan_run,
)


def announce_plan(specification: RunSpecification) -> None:
    """Print the estimated memory of a run on standard error."""
    plan = plan_run(specification)
    for scale in plan.scales:
        click.echo(scale.words, err=True)
    _warn(plan)


def show_dry_run(specification: RunSpecification, as_json: bool) -> None:
    """Print the estimated time, memory and disk space of a run without running it."""
    plan, cost = plan_run(specification), estimate_cost(specification)
    if as_json:
        plan_document = {**plan.to_document(), "cost": cost.to_document()}
        write_json({"specification": specification.to_document(), **plan_document})
        return
    click.echo(
        f"{specification.dataset}: {plan.n_cells} cells, {plan.precision}, preprocessing "
        f"{plan.preprocessing}"
    )
    cost_of = {each.scale: each for each in cost.scales}
    columns = ("input size", "batch size", "GFLOP per image", "peak memory in GB")
    write_table(
        (*columns, "images to compute", "minutes"),
        (
            (
                s.scale,
                s.memory.images_at_once,
                f"{s.gflop:.0f}",
                f"{s.memory.n_bytes / 1e9:.1f}",
                *_cost_of_scale(cost_of.get(s.scale), cost.n_images),
            )
            for s in plan.scales
        ),
    )
    click.echo(
        f"About {cost.n_bytes / 1e6:,.1f} MB on disk; {cost.n_bytes_free / 1e9:,.1f} GB are free."
    )
    if cost.training_seconds is not None:
        click.echo(f"About {cost.training_seconds / 60:.1f} minutes for training.")
    if not cost.fits_on_disk:
        click.echo(
            "Not enough disk space. Free some, or choose fewer layers or smaller input sizes."
        )
    _warn(plan)


def _cost_of_scale(cost: ScaleCost | None, n_all: int) -> tuple[str, str]:
    if cost is None:
        return "", ""
    minutes = "unknown" if cost.seconds is None else f"{cost.seconds / 60:.1f}"
    return f"{cost.n_images:,} of {n_all:,}", minutes


def describe_extraction(document: dict[str, Any]) -> Iterator[str]:
    """Return one line per input size: images computed, time and peak memory.

    Parameters
    ----------
    document
        Result of `result_document`.
    """
    record = document["record"]
    for scale, n_images in document["network_images"].items():
        stage = f"extract-{scale}"
        yield describe_scale(
            scale,
            n_images,
            record.get("seconds", {}).get(stage),
            record.get("peak_memory_bytes", {}).get(stage),
        )


def describe_scale(
    scale: int | str, n_images: int, seconds: float | None, n_bytes: int | None
) -> str:
    """Return a line on the extraction at an input size, as far as it is known."""
    words = f"{n_images:,} images computed at input size {scale}"
    if seconds is not None:
        words += f", {seconds:.1f} s"
    if n_bytes:
        words += f", at most {n_bytes / 1e9:.1f} GB of memory"
    return words


def _warn(plan: Plan) -> None:
    if plan.warning:
        click.echo(plan.warning, err=True)
