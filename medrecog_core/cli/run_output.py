"""How commands print a run: its estimated cost, its state and its results."""

from collections.abc import Iterator
from typing import Any

import click

from medrecog_core.cli.output import write_json, write_table
from medrecog_core.datasets.small_test import SmallTest
from medrecog_core.jobs.queue import jobs_before
from medrecog_core.runs import (
    Plan,
    Run,
    RunSpecification,
    ScaleCost,
    estimate_cost,
    plan_run,
    result_document,
)
from medrecog_core.runs.description import DATA_RESERVATIONS, engine_words, reservations
from medrecog_core.runs.estimate import expect_small_test

# --- Cost, estimated and measured ----------------------------------------------------------------


def announce_plan(specification: RunSpecification) -> None:
    """Print the estimated memory of a run on standard error."""
    plan = plan_run(specification)
    for scale in plan.scales:
        click.echo(scale.words, err=True)
    _warn(plan)
    _warn_of(expect_small_test(specification))


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
    _warn_of(cost.small_test)


def _cost_of_scale(cost: ScaleCost | None, n_all: int) -> tuple[str, str]:
    if cost is None:
        return "", ""
    minutes = "unknown" if cost.seconds is None else f"{cost.seconds / 60:.1f}"
    return f"{cost.n_images:,} of {n_all:,}", minutes


def describe_extraction(run: Run) -> Iterator[str]:
    """Return a line on the engine, and one per input size: images, time and peak memory."""
    record, network_images = run.record(), dict(run.state().network_images)
    if record and any(network_images.values()):
        yield f"Computed by {engine_words(record)}"
    for scale, n_images in network_images.items():
        stage = f"extract-{scale}"
        seconds = record.seconds.get(stage) if record else None
        n_bytes = record.peak_memory_bytes.get(stage) if record else None
        yield describe_scale(scale, n_images, seconds, n_bytes)


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


def _warn_of(small: SmallTest | None) -> None:
    if small is not None:
        click.echo(small.words, err=True)


# --- State and results ---------------------------------------------------------------------------


def show_run(folder: Run, as_json: bool) -> None:
    """Print the status of a run, its settings and its cells."""
    document = result_document(folder)
    if as_json:
        write_json(document)
        return
    state = folder.state()
    called = "" if folder.title == folder.id else f" (“{folder.title}”)"
    click.echo(f"{folder.id}{called}: {state.status}{': ' if state.error else ''}{state.error}")
    if state.status == "queued":
        for place, other in enumerate(jobs_before(folder), 1):
            click.echo(f"{place}. in the queue before it: {other.id} ({other.state().status})")
    elif not state.has_ended and state.stage and state.total:
        click.echo(f"{state.stage.label}: {state.done} of {state.total}")
        if state.job_seconds_left is not None:
            click.echo(f"About {state.job_seconds_left / 60:.1f} minutes remaining")
    if record := folder.record():
        click.echo(folder.specification().classifier_words)
        click.echo(
            f"{record.dataset.name}, {record.split.kind}; {record.network}, weights: "
            f"{record.weights.title}; {record.precision}"
        )
        for kind, sentence in reservations(folder).items():
            if kind in DATA_RESERVATIONS:
                click.echo(sentence)
    for line in describe_extraction(folder):
        click.echo(line)
    for entry in document["skipped"]:
        click.echo(f"skipped {entry['path']}: {entry['reason']}")
    if "repeats" in document:
        _show_comparison(document["repeats"])
    if document["cells"]:
        columns = ("layer", "input size", "pooling", "accuracy", "95 % CI")
        write_table(
            (*columns, "balanced accuracy", "AUC", "test images"),
            (
                (
                    cell["layer"],
                    cell["scale"],
                    cell["pooling"],
                    cell["accuracy"],
                    "{:.3f} to {:.3f}".format(*cell["accuracy_interval"]),
                    cell["balanced_accuracy"],
                    "-" if cell["auc"] is None else cell["auc"],
                    cell["n_test"],
                )
                for cell in document["cells"]
            ),
        )


def offer_run(folder: Run, as_json: bool) -> None:
    """Show a finished run instead of repeating it."""
    click.echo(
        f"An identical run already exists: {folder.id}. Use --again to run it again, or "
        f"--repeat {folder.id} to also compare the results.",
        err=True,
    )
    if as_json:
        document = result_document(folder)
        # This command computed nothing.
        document["network_images"] = dict.fromkeys(document["network_images"], 0)
        write_json({**document, "already_done": True})
    else:
        show_run(folder, as_json)


def _show_comparison(repeats: dict[str, Any]) -> None:
    """Print how a run compares with the one it repeats."""
    name = repeats["run"] or "the recorded run"
    for difference in repeats["differences"]:
        click.echo(f"Different from {name}: {difference}")
    changed = repeats["changed_cells"]
    if changed:
        click.echo(f"Results that differ from {name}: {', '.join(changed)}")
    elif changed is not None:
        click.echo(f"All cells have the same results as in {name}.")
