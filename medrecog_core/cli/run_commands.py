"""`run`, `runs`, `rename`, `label`, `delete`, `restore`, `presets` and `leakage`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from medrecog_core.classification import (
    CLASS_WEIGHTS,
    CLASSIFIERS,
    DEFAULT_CLASSIFIER,
    HYPER_PARAMETERS,
    NORMALISATIONS,
)
from medrecog_core.cli.options import CommaSeparated, json_option
from medrecog_core.cli.output import fail_after_output, shown_progress, write_json, write_table
from medrecog_core.cli.run_output import announce_plan, offer_run, show_dry_run, show_run
from medrecog_core.cli.trash_output import empty_trash, list_trash
from medrecog_core.datasets import PROTOCOLS
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import FUSIONS, POOLINGS
from medrecog_core.images import PREPROCESSINGS, VIEWS
from medrecog_core.jobs.progress import Progress
from medrecog_core.networks import (
    DEFAULT_NETWORK,
    PRECISIONS,
    check_readable,
    find_network,
    installed_weights,
)
from medrecog_core.networks.engines import AUTO, ENGINES
from medrecog_core.runs import (
    PRESETS,
    RUN_TRASH,
    LeakageReport,
    ListedRun,
    Run,
    RunSpecification,
    create_run,
    execute,
    find_preset,
    find_run,
    identical_run,
    list_runs,
    measure_leakage,
    read_request,
    result_document,
    search_runs,
    specification_of,
)
from medrecog_core.runs.naming import rename_run
from medrecog_core.runs.run_list import suggest_title
from medrecog_core.trash import DAYS_KEPT

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _classifier_options(command: _Command) -> _Command:
    """Add `--classifier` and an option for each hyper-parameter."""
    for parameter in reversed(HYPER_PARAMETERS.values()):
        having = [each.name for each in CLASSIFIERS.values() if each.parameter == parameter]
        command = click.option(
            f"--{parameter.name}",
            parameter.name,
            type=CommaSeparated(int if parameter.is_whole else float),
            help=f"{parameter.help} Used by {', '.join(having)}. With several values, the best is "
            "chosen by cross-validation on the training images.  "
            f"[default: {parameter.word(parameter.default)}]",
        )(command)
    return click.option(
        "--classifier", help=f"{', '.join(CLASSIFIERS)}  [default: {DEFAULT_CLASSIFIER}]"
    )(command)


@click.command()
@click.option("--dataset", help="Name of the data set.")
@click.option("--preset", help=f"{', '.join(PRESETS)}; other options override it.")
@click.option("--network", help=f"Network, such as resnet50.  [default: {DEFAULT_NETWORK}]")
@click.option("--layers", type=CommaSeparated(str), help="Layers, such as block4,block5.")
@click.option("--scales", type=CommaSeparated(int), help="Input sizes in pixels, such as 224,544.")
@click.option("--poolings", type=CommaSeparated(str), help=", ".join(POOLINGS))
@click.option("--preprocessing", help=", ".join(PREPROCESSINGS))
@click.option(
    "--views",
    type=int,
    help=f"{', '.join(map(str, VIEWS))}: views of an image whose features are averaged; each takes "
    "a pass through the network.  [default: 1]",
)
@click.option("--sample", type=int, help="Use a stratified random sample of N images.")
@click.option("--protocol", help=", ".join(PROTOCOLS))
@click.option("--folds", "n_folds", type=int, help="Folds of k-fold.  [default: 5]")
@click.option("--repeats", "n_repeats", type=int, help="Repeats of k-fold.  [default: 1]")
@click.option(
    "--mix-groups",
    "keep_groups",
    flag_value=False,
    default=None,
    help="Allow images of one group in both training and test sets (to measure leakage).",
)
@click.option(
    "--fuse",
    multiple=True,
    help=f"{', '.join(FUSIONS)}, or a name such as block4+block5-224-average; may be repeated.",
)
@click.option("--normalisation", help=", ".join(NORMALISATIONS))
@click.option(
    "--components", "n_components", type=int, help="Principal components of PCA.  [default: 128]"
)
@_classifier_options
@click.option("--class-weight", help=", ".join(CLASS_WEIGHTS))
@click.option("--precision", help=", ".join(PRECISIONS))
@click.option("--engine", help=", ".join((AUTO, *ENGINES)))
@click.option("--seed", type=int, help="Random seed of splits, sampling, codebooks and classifier.")
@click.option("--n-words", type=int, help="Codebook size of encodings.")
@click.option(
    "--spec",
    type=click.Path(path_type=Path),
    help="Specification in JSON, which other options override; or an exported run to repeat.",
)
@click.option("--repeat", metavar="RUN", help="Repeat RUN from its record and compare the results.")
@click.option("--title", default="", help="Title of the run.  [default: from its settings]")
@click.option("--again", is_flag=True, help="Run even if an identical finished run exists.")
@click.option("--dry-run", is_flag=True, help="Estimate time, memory and disk space; do not run.")
@json_option
def run(
    spec: Path | None,
    repeat: str | None,
    preset: str | None,
    title: str,
    again: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run an experiment: one classifier per cell of layers x input sizes x poolings.

    If an identical run is finished (same specification, images and weights), it is shown instead.
    If other runs are in progress, the run is queued.
    """
    specification, repeated = _request(spec, repeat, preset, options)
    from medrecog_core.datasets import library

    if specification.dataset not in library.names():
        library.load(specification.dataset)  # names the available data sets
    check_readable(find_network(specification.network), specification.layers)
    if dry_run:
        show_dry_run(specification, as_json)
        return
    identical = None if again or repeated else identical_run(specification)
    if identical is not None:
        offer_run(identical, as_json)
    else:
        title = title or suggest_title(specification)
        execute_run(create_run(specification, repeated, title), as_json)


@click.command()
@click.option(
    "--search",
    metavar="QUERY",
    default="",
    help="Show only runs that match QUERY: words, settings such as “C 0.01”, or comparisons such "
    "as “accuracy > 0.9”.",
)
@click.option("--archived", is_flag=True, help="Include archived runs.")
@click.option("--trash", "is_trash", is_flag=True, help="List deleted runs instead.")
@click.option("--empty-trash", "empties", is_flag=True, help="Remove deleted runs from the disk.")
@json_option
def runs(search: str, archived: bool, is_trash: bool, empties: bool, as_json: bool) -> None:
    """List all runs: pinned runs first, then the newest first."""
    if empties:
        empty_trash(RUN_TRASH, as_json)
    elif is_trash:
        list_trash(RUN_TRASH, as_json)
    else:
        rows = [row for row in list_runs() if archived or not row.labels.archived]
        _list_runs(search_runs(rows, search), search, as_json)


def _list_runs(rows: Sequence[ListedRun], search: str, as_json: bool) -> None:
    documents = [_listed(row) for row in rows]
    if as_json:
        write_json(documents)
        return
    if not documents:
        click.echo(
            f"No runs match “{search}”."
            if search
            else "No runs yet. Start one with “run --dataset demo”."
        )
        return
    write_table(
        ("run", "title", "status", "data set", "classifier", "created", "best accuracy"),
        (
            (
                document["run"],
                "" if document["title"] == document["run"] else document["title"],
                document["status"],
                document["dataset"],
                document["classifier"],
                _time(document["created"]),
                "" if document["best_accuracy"] is None else f"{document['best_accuracy']:.3f}",
            )
            for document in documents
        ),
    )
    for row in rows:
        if row.damage:
            click.echo(row.damage)


def _listed(row: ListedRun) -> dict[str, Any]:
    summary = row.summary
    return {
        "run": row.run.id,
        "title": row.run.title,
        "status": row.status,
        "dataset": summary.dataset if summary else "",
        "classifier": row.run.specification().classifier_words if summary else "",
        "created": row.state.created,
        "best_accuracy": summary.best.score if summary and summary.best else None,
        **row.labels.to_document(),
        **({"error": row.reason} if row.reason else {}),
    }


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


@click.command()
@click.argument("run_id", metavar="RUN")
@click.argument("title")
@json_option
def rename(run_id: str, title: str, as_json: bool) -> None:
    """Set the TITLE of RUN; an empty one deletes it."""
    folder = find_run(run_id)
    rename_run(folder, title)
    if as_json:
        write_json({"run": run_id, "title": folder.title})
    else:
        click.echo(f"Renamed {run_id} to “{folder.title}”.")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--pin/--unpin", "pinned", default=None, help="List the run first, and on Home.")
@click.option(
    "--archive/--unarchive", "archived", default=None, help="Leave the run out of the list."
)
@click.option("--tags", type=CommaSeparated(str), help="Replace the tags, such as paper,draft.")
@click.option("--note", help="Replace the note.")
@json_option
def label(run_id: str, as_json: bool, **options: Any) -> None:
    """Change or show the pin, tags and note of RUN."""
    folder = find_run(run_id)
    given = {name: value for name, value in options.items() if value is not None}
    if given:
        folder.write_labels(replace(folder.labels(), **given))
    labels = folder.labels()
    if as_json:
        write_json({"run": run_id, **labels.to_document()})
        return
    words = [word for word in ("pinned", "archived") if getattr(labels, word)]
    if labels.tags:
        words.append(f"tags: {', '.join(labels.tags)}")
    if labels.note:
        words.append(f"note: {labels.note}")
    click.echo(f"{run_id}: {'; '.join(words) or 'no labels'}")


@click.command()
@click.argument("run_id", metavar="RUN")
@json_option
def delete(run_id: str, as_json: bool) -> None:
    """Move RUN and its results to the trash for 30 days; cached features are kept."""
    find_run(run_id).delete()
    if as_json:
        write_json({"run": run_id, "deleted": True})
    else:
        click.echo(f"Deleted {run_id}. Restore it within {DAYS_KEPT} days with “restore {run_id}”.")


@click.command("restore")
@click.argument("run_id", metavar="RUN")
@json_option
def restore_deleted(run_id: str, as_json: bool) -> None:
    """Restore the deleted RUN from the trash."""
    RUN_TRASH.restore(run_id)
    if as_json:
        write_json({"run": run_id, "restored": True})
    else:
        click.echo(f"Restored {run_id}.")


def _request(
    spec: Path | None, repeat: str | None, preset: str | None, options: dict[str, Any]
) -> tuple[RunSpecification, dict[str, Any] | None]:
    """Return the requested specification, and the document of the run to repeat, if any."""
    given = {name: value for name, value in options.items() if value is not None}
    if not given["fuse"]:
        del given["fuse"]  # an option that may be given several times is empty, not None
    if repeat is not None:
        if given or spec is not None or preset is not None:
            raise UsageError("--repeat uses the settings of the run. Omit the other options.")
        document = result_document(find_run(repeat))
        if not document["record"]:
            raise MedrecogError(f"Run {repeat} has no record yet. Resume it instead.")
        return specification_of(document), document
    if preset is not None:
        if spec is not None:
            raise UsageError("--preset and --spec cannot be combined. Use one of them.")
        given = {**find_preset(preset).settings, **given}
    if spec is not None:
        return read_request(spec, **given)
    if "dataset" in given:
        return RunSpecification.from_document(given), None
    raise UsageError("Missing data set. Use --dataset NAME, or --spec FILE.")


def execute_run(folder: Run, as_json: bool) -> None:
    """Execute a run in this process and show it."""
    if folder.state().status != "running":
        announce_plan(folder.specification())
    with shown_progress() as report:
        _run_and_report(folder, report, as_json)
    show_run(folder, as_json)


def _run_and_report(folder: Run, report: Callable[[Progress], None], as_json: bool) -> None:
    try:
        execute(folder, report)
    except MedrecogError as error:
        if not as_json or not folder.state().has_ended:
            raise
        click.echo(f"medrecog: {error}", err=True)
        write_json(result_document(folder))
        fail_after_output()


# --- presets -------------------------------------------------------------------------------------


@click.command()
@json_option
def presets(as_json: bool) -> None:
    """List the experiments of the 2018 report, for “run --preset”."""
    documents = []
    for preset in PRESETS.values():
        readable = preset.readable_part(installed_weights(find_network(preset.network)).layers)
        documents.append(
            {
                "name": preset.name,
                "title": preset.title,
                "source": preset.source,
                "catalogue": preset.catalogue_name,
                **preset.settings,
                "need_other_weights": [layer for layer in preset.layers if layer not in readable],
            }
        )
    if as_json:
        write_json(documents)
        return
    write_table(
        ("name", "source", "data set", "layers", "input sizes", "poolings", "need other weights"),
        (
            (
                document["name"],
                document["source"],
                document["catalogue"],
                *(",".join(map(str, document[side])) for side in ("layers", "scales", "poolings")),
                ",".join(document["need_other_weights"]),
            )
            for document in documents
        ),
    )


# --- leakage -------------------------------------------------------------------------------------


@click.command()
@click.argument("name")
@click.option("--network", help="Network, such as resnet50.")
@click.option("--layers", type=CommaSeparated(str), help="Layers, such as block4,block5.")
@click.option("--scales", type=CommaSeparated(int), help="Input sizes in pixels, such as 224,544.")
@click.option("--poolings", type=CommaSeparated(str), default="average", show_default=True)
@click.option("--folds", "n_folds", type=int, help="Number of folds.  [default: 5]")
@_classifier_options
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
        write_json({"dataset": name, **_leakage_document(found)})
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


def _leakage_document(found: LeakageReport) -> dict[str, Any]:
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
