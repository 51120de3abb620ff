"""What a run is going to take, and what it took."""

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
    """Say on standard error how much memory is going to be taken, before it is."""
    plan = plan_run(specification)
    for scale in plan.scales:
        click.echo(scale.words, err=True)
    _warn(plan)


def show_dry_run(specification: RunSpecification, as_json: bool) -> None:
    """Print what a run would take and cost, which is not carried out."""
    plan, cost = plan_run(specification), estimate_cost(specification)
    if as_json:
        plan_document = {**plan.to_document(), "cost": cost.to_document()}
        write_json({"specification": specification.to_document(), **plan_document})
        return
    click.echo(
        f"{plan.n_cells} cells of {specification.dataset} in {plan.precision}; images: "
        f"{plan.preprocessing}"
    )
    cost_of = {each.scale: each for each in cost.scales}
    columns = ("scale", "images at once", "GFLOP an image", "greatest memory in GB")
    write_table(
        (*columns, "images for the network", "minutes"),
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
        click.echo("That does not fit: free the disk, or choose fewer layers or smaller scales.")
    _warn(plan)


def _cost_of_scale(cost: ScaleCost | None, n_all: int) -> tuple[str, str]:
    if cost is None:
        return "", ""
    minutes = "not measured yet" if cost.seconds is None else f"{cost.seconds / 60:.1f}"
    return f"{cost.n_images:,} of {n_all:,}", minutes


def describe_extraction(document: dict[str, Any]) -> Iterator[str]:
    """Return a line a scale: images through the network, time and greatest memory.

    Parameters
    ----------
    document
        As `result_document` gives it.
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
    """Return what extraction at a scale took, as far as it is known."""
    words = f"{n_images:,} images through the network at {scale}"
    if seconds is not None:
        words += f", {seconds:.1f} s"
    if n_bytes:
        words += f", at most {n_bytes / 1e9:.1f} GB of memory"
    return words


def _warn(plan: Plan) -> None:
    if plan.warning:
        click.echo(plan.warning, err=True)
