"""`label-errors`, and `datasets review`: labels that scores contradict, and decisions on them."""

import time
from typing import Any

import click

from medrecog_core.classification.label_errors import BY_CLASS, RANKINGS, RULES, SELF_CONFIDENCE
from medrecog_core.cli.dataset_output import describe_dataset
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.datasets import Dataset, library
from medrecog_core.datasets.label_review import (
    EXCLUDE,
    LABEL_ERROR,
    RELABEL,
    RIGHT,
    UNDO,
    LabelDecision,
    read_review,
)
from medrecog_core.errors import UsageError
from medrecog_core.reports.run_figures import find_result
from medrecog_core.reports.tables import ready
from medrecog_core.runs import find_run
from medrecog_core.runs.label_errors import DoubtfulImage, find_doubtful_labels, reviewed_images
from medrecog_core.wording import counted


@click.command("label-errors")
@click.argument("run_id", metavar="RUN")
@click.option("--cell", default="", help="Cell, such as block5-224-average.  [default: the best]")
@click.option("--rule", default=BY_CLASS, show_default=True, help=", ".join(RULES))
@click.option("--ranking", default=SELF_CONFIDENCE, show_default=True, help=", ".join(RANKINGS))
@click.option("--number", default=50, show_default=True, help="Most images to list; 0 for all.")
@json_option
def label_errors(
    run_id: str, cell: str, rule: str, ranking: str, number: int, as_json: bool
) -> None:
    """List the test images of RUN whose label the scores contradict, the most doubtful first.

    The rule is confident learning (Northcutt, Jiang and Chuang, 2021). A listed label is not
    necessarily wrong. “datasets review” records what you decide; later runs use it.
    """
    run = find_run(run_id)
    result = find_result(ready(run).cells(), cell)
    found = find_doubtful_labels(run, result, rule, ranking)
    reviewed = reviewed_images(run)
    images = found.images[: number or None]
    rows = [_row(image, reviewed) for image in images]
    if as_json:
        write_json(
            {
                "run": run.id,
                "cell": result.cell.name,
                "rule": rule,
                "ranking": ranking,
                "n_images": found.n_images,
                "n_untested": found.n_untested,
                "n_doubtful": len(found.images),
                "calibrated": found.is_calibrated,
                "images": rows,
            }
        )
        return
    click.echo(
        f"{counted(len(found.images), 'doubtful label')} among {counted(found.n_images, 'image')} "
        f"tested in {result.cell.name}."
    )
    if found.n_untested:
        click.echo(
            f"{counted(found.n_untested, 'image')} used only for training were not examined. A run "
            "with “--protocol k-fold” tests every image."
        )
    if rows:
        write_table(
            ("image", "label", "suggested", "p(label)", "p(suggested)", "neighbours", "decision"),
            (
                (
                    *(row["path"], row["label"], row["suggested"]),
                    *(row["own_probability"], row["probability"]),
                    f"{row['n_neighbours_suggested']} of {row['n_neighbours']}",
                    row["decision"],
                )
                for row in rows
            ),
        )
    if found.no_neighbours:
        click.echo(f"Neighbours are not known. {found.no_neighbours}")


def _row(image: DoubtfulImage, reviewed: Any) -> dict[str, Any]:
    known = reviewed.get(image.position)
    return {
        "path": known.path if known else image.name,
        "sha256": image.sha256,
        "label": image.label,
        "suggested": image.suggested,
        "probability": image.probability,
        "own_probability": image.own_probability,
        "n_neighbours": len(image.neighbours),
        "n_neighbours_suggested": len(image.supporters),
        "n_neighbours_own": image.n_of_own_label,
        "decision": known.words if known else "",
    }


@click.command()
@click.argument("name")
@click.option("--image", "images", multiple=True, help="Path of an image; may be repeated.")
@click.option("--right", is_flag=True, help="The label is right.")
@click.option("--as", "label", metavar="CLASS", help="The right label is CLASS.")
@click.option("--exclude", "excludes", is_flag=True, help="Exclude the image from runs.")
@click.option("--undo", is_flag=True, help="Take back what was decided.")
@json_option
def review(
    name: str,
    images: tuple[str, ...],
    right: bool,
    label: str | None,
    excludes: bool,
    undo: bool,
    as_json: bool,
) -> None:
    """Decide about labels of data set NAME, or list the decisions and their history.

    Decisions are kept in the cache folder beside the description of the data set; your files are
    not changed. Later runs use the new labels and record them.
    """
    chosen = [
        decision
        for decision, is_chosen in (
            (RIGHT, right),
            (RELABEL, label is not None),
            (EXCLUDE, excludes),
            (UNDO, undo),
        )
        if is_chosen
    ]
    if len(chosen) > 1 or bool(chosen) != bool(images):
        raise UsageError(
            "Enter --image PATH together with one of --right, --as CLASS, --exclude and --undo, or "
            "none of them to list the decisions."
        )
    if chosen:
        dataset = library.review_labels(name, images, chosen[0], label or "")
    else:
        dataset = library.load(name)
    history = read_review(library.folder_of(name)).history
    if as_json:
        write_json({**describe_dataset(dataset), **_review_document(dataset, history)})
        return
    _show(dataset, history)


def _review_document(dataset: Dataset, history: tuple[LabelDecision, ...]) -> dict[str, Any]:
    return {
        "relabelled": [
            {"path": each.path, "imported": each.imported, "label": each.label}
            for each in dataset.relabelled
        ],
        "confirmed": [each.path for each in dataset.reviewed if not each.is_changed],
        "excluded_label_errors": _excluded(dataset),
        "history": [vars(each) for each in history],
    }


def _excluded(dataset: Dataset) -> list[str]:
    return [each.image.path for each in dataset.excluded if each.finding == LABEL_ERROR]


def _show(dataset: Dataset, history: tuple[LabelDecision, ...]) -> None:
    excluded = _excluded(dataset)
    n_confirmed = len(dataset.reviewed) - len(dataset.relabelled)
    click.echo(
        f"{dataset.name}: {counted(len(dataset.relabelled), 'image')} relabelled, "
        f"{counted(len(excluded), 'image')} with doubtful labels excluded, "
        f"{counted(n_confirmed, 'label')} confirmed."
    )
    if dataset.relabelled:
        write_table(
            ("image", "imported label", "label"),
            ((each.path, each.imported, each.label) for each in dataset.relabelled),
        )
    if history:
        write_table(
            ("time (UTC)", "image", "decision", "label"),
            (
                (
                    time.strftime("%Y-%m-%d %H:%M", time.gmtime(each.when)),
                    *(each.path, each.decision, each.label),
                )
                for each in history
            ),
        )
