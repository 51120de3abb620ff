"""How commands print a run."""

from typing import Any

import click

from medrecog_core.cli.output import write_json, write_table
from medrecog_core.cli.plan_output import describe_extraction
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.jobs.queue import jobs_before
from medrecog_core.runs import Run, result_document


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
    record = document["record"]
    if record:
        click.echo(folder.specification().classifier_words)
        click.echo(
            f"{document['dataset']}, {record['split']['kind']}; {record['network']}, weights: "
            f"{record['weights']['title']}; {record['precision']}"
        )
        if record["sample"]:
            click.echo(f"Computed on {record['sample']}.")
        if record["dataset"]["synthetic"]:
            click.echo(f"{document['dataset']}: {record['dataset']['layout']}")
        if record["split"]["n_leaking_groups"]:
            click.echo(describe_leak(record["split"]["n_leaking_groups"]))
    for line in describe_extraction(document):
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
