"""`run`, `runs`, `show`, `cancel`, `resume`, `delete` and `export`."""

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from medrecog_core import experiments
from medrecog_core.cli.output import (
    CommaSeparated,
    fail_after_output,
    json_option,
    write_json,
    write_table,
)
from medrecog_core.cli.plan_output import announce_plan, describe_extraction, show_plan
from medrecog_core.cli.progress import shown_progress
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.experiments import RunFolder, RunSpecification
from medrecog_core.features import Progress
from medrecog_core.images import PREPROCESSINGS
from medrecog_core.networks import DEFAULT_NETWORK, PRECISIONS, check_readable, find_network

_CSV_COLUMNS = (
    *("run", "dataset", "layer", "scale", "pooling", "accuracy", "accuracy_low", "accuracy_high"),
    *("balanced_accuracy", "auc", "n_train", "n_test", "sample"),
)


@click.command()
@click.option("--dataset", help="Name of the data set.")
@click.option("--network", help=f"Such as resnet50.  [default: {DEFAULT_NETWORK}]")
@click.option("--layers", type=CommaSeparated(str), help="Such as block4,block5.")
@click.option("--scales", type=CommaSeparated(int), help="Such as 224,544.")
@click.option("--poolings", type=CommaSeparated(str), help="max, average or both.")
@click.option("--C", "C", type=float, help="Inverse strength of the SVM's regularisation.")
@click.option("--precision", help=", ".join(PRECISIONS))
@click.option("--preprocessing", help=", ".join(PREPROCESSINGS))
@click.option("--sample", type=int, help="Work on so many images only, drawn from all.")
@click.option("--seed", type=int, help="Of the hold-out split and the SVM.")
@click.option(
    "--spec",
    type=click.Path(path_type=Path),
    help="Specification in JSON; other options go before it.",
)
@click.option("--dry-run", is_flag=True, help="Say what it would take, and run nothing.")
@json_option
def run(spec: Path | None, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Run an experiment: an SVM for every cell of layers x scales x poolings."""
    given = {name: value for name, value in options.items() if value is not None}
    if spec is not None:
        specification = RunSpecification.from_file(spec, **given)
    elif "dataset" in given:
        specification = RunSpecification.from_document(given)
    else:
        raise UsageError("Name a data set with --dataset, or a specification with --spec.")
    from medrecog_core.datasets import library

    if specification.dataset not in library.names():
        library.load(specification.dataset)  # says which data sets there are
    check_readable(find_network(specification.network), specification.layers)
    if dry_run:
        show_plan(specification, as_json)
        return
    _execute(experiments.create_run(specification), as_json)


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def resume(run_id: str, as_json: bool) -> None:
    """Carry on RUN where it was stopped, interrupted or failed."""
    _execute(experiments.find_run(run_id), as_json)


@click.command()
@json_option
def runs(as_json: bool) -> None:
    """List every run, the newest first."""
    documents: list[dict[str, Any]] = []
    for folder in experiments.all_runs():
        state = folder.state()
        try:
            best = max((r.metrics.accuracy for r in folder.cells()), default=None)
            dataset = folder.specification().dataset
        except MedrecogError:
            best, dataset = None, ""
        documents.append(
            {
                "run": folder.id,
                "status": state.status,
                "dataset": dataset,
                "created": state.created,
                "best_accuracy": best,
            }
        )
    if as_json:
        write_json(documents)
        return
    if not documents:
        click.echo("There are no runs yet. Start one: run --dataset demo")
        return
    write_table(
        ("run", "status", "data set", "created", "best accuracy"),
        (
            (
                d["run"],
                d["status"],
                d["dataset"],
                time.strftime("%Y-%m-%d %H:%M", time.localtime(d["created"])),
                "" if d["best_accuracy"] is None else f"{d['best_accuracy']:.3f}",
            )
            for d in documents
        ),
    )


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def show(run_id: str, as_json: bool) -> None:
    """Show RUN: how it is doing, and its cells."""
    _show(experiments.find_run(run_id), as_json)


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def cancel(run_id: str, as_json: bool) -> None:
    """Stop RUN; what it has done is kept."""
    experiments.stop(experiments.find_run(run_id))
    if as_json:
        write_json({"run": run_id, "stopping": True})
    else:
        click.echo(f"Asked {run_id} to stop; “resume {run_id}” carries it on.")


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def delete(run_id: str, as_json: bool) -> None:
    """Delete RUN; descriptors stay in the store."""
    experiments.find_run(run_id).delete()
    if as_json:
        write_json({"run": run_id, "deleted": True})
    else:
        click.echo(f"Deleted {run_id}.")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    required=True,
    help="File ending in .json (everything) or .csv (a row a cell).",
)
@json_option
def export(run_id: str, destination: Path, as_json: bool) -> None:
    """Write RUN's results to a file."""
    document = experiments.result_document(experiments.find_run(run_id))
    if destination.suffix == ".json":
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    elif destination.suffix == ".csv":
        table = io.StringIO()
        writer = csv.DictWriter(table, _CSV_COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for cell in document["cells"]:
            low, high = cell["accuracy_interval"]
            interval = {"accuracy_low": low, "accuracy_high": high}
            writer.writerow({**document, **cell, **interval})
        text = table.getvalue()
    else:
        raise UsageError(f"{destination} should end in .json or .csv.")
    try:
        destination.write_bytes(text.encode())
    except OSError as error:
        raise MedrecogError(
            f"Cannot write to {destination} ({error.strerror or error}): name another file."
        ) from error
    if as_json:
        write_json({"run": run_id, "file": str(destination)})
    else:
        click.echo(f"Wrote {destination}.")


def _execute(folder: RunFolder, as_json: bool) -> None:
    if folder.state().status != "running":
        announce_plan(folder.specification())
    with shown_progress() as report:
        _run_and_tell(folder, report, as_json)
    _show(folder, as_json)


def _run_and_tell(folder: RunFolder, report: Callable[[Progress], None], as_json: bool) -> None:
    try:
        experiments.execute(folder, report)
    except MedrecogError as error:
        if not as_json or folder.state().status == "running":
            raise
        click.echo(f"medrecog: {error}", err=True)
        write_json(experiments.result_document(folder))
        fail_after_output()


def _show(folder: RunFolder, as_json: bool) -> None:
    document = experiments.result_document(folder)
    if as_json:
        write_json(document)
        return
    state = folder.state()
    click.echo(f"{folder.id}: {state.status}{': ' if state.error else ''}{state.error}")
    if state.status == "running" and state.total:
        click.echo(f"{state.stage}: {state.done} of {state.total}")
    record = document["record"]
    if record:
        click.echo(
            f"{document['dataset']}, {record['split']['kind']}; {record['network']}, weights: "
            f"{record['weights']['title']}; {record['precision']}"
        )
        if record.get("sample"):
            click.echo(f"On {record['sample']}.")
        if record["dataset"]["synthetic"]:
            click.echo(f"{document['dataset']}: {record['dataset']['layout']}")
        if record["split"]["n_leaking_groups"]:
            click.echo(
                f"This split leaks: {record['split']['n_leaking_groups']} groups stand in both "
                "the training and the test part."
            )
    for line in describe_extraction(document):
        click.echo(line)
    for entry in document["skipped"]:
        click.echo(f"skipped {entry['path']}: {entry['reason']}")
    if document["cells"]:
        columns = ("layer", "scale", "pooling", "accuracy", "95 % interval")
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
                    "none" if cell["auc"] is None else cell["auc"],
                    cell["n_test"],
                )
                for cell in document["cells"]
            ),
        )
