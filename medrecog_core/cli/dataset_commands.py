"""`datasets` and `extract`."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from medrecog_core.cli.catalogue_commands import catalogue
from medrecog_core.cli.output import CommaSeparated, json_option, write_json, write_table
from medrecog_core.cli.plan_output import announce_plan, describe_scale
from medrecog_core.cli.progress import shown_count, shown_files, shown_megabytes, shown_progress
from medrecog_core.datasets import Dataset, Reading, add_dataset, download_dataset, library
from medrecog_core.datasets.catalogue import find
from medrecog_core.datasets.dicom_tags import PATIENT
from medrecog_core.datasets.downloading import differences
from medrecog_core.errors import MedrecogError
from medrecog_core.experiments import RunSpecification, extract_dataset
from medrecog_core.images import PREPROCESSINGS
from medrecog_core.networks import DEFAULT_NETWORK, PRECISIONS

HASHING = "hashing files"


@click.group()
def datasets() -> None:
    """List, add, download, check and remove data sets."""


datasets.add_command(catalogue)


@datasets.command("list")
@json_option
def list_datasets(as_json: bool) -> None:
    """List every data set."""
    documents: list[dict[str, Any]] = []
    damaged: dict[str, str] = {}
    with shown_progress() as report:
        for name in library.names():
            drawing = shown_count(report, "drawing the demo pictures")
            try:
                documents.append(describe_dataset(library.load(name, drawing)))
            except MedrecogError as error:
                if not documents:
                    raise  # the demo comes first: without it, the cache folder cannot be used
                damaged[name] = str(error)
    if as_json:
        unread = [{"name": name, "error": sentence} for name, sentence in damaged.items()]
        write_json(documents + unread)
        return
    write_table(
        ("data set", "images", "classes", "split", "groups", "labels"),
        (
            (
                d["name"],
                d["n_images"],
                len(d["classes"]),
                ", ".join(d["splits"]) or "none",
                d["n_groups"],
                d["layout"],
            )
            for d in documents
        ),
    )
    for sentence in damaged.values():
        click.echo(sentence)


@datasets.command()
@click.argument("name")
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--labels", type=click.Path(path_type=Path), help="CSV, TSV or .xlsx table of labels."
)
@click.option("--image-column", help="Column that names the image.")
@click.option("--label-column", help="Column of the label.")
@click.option("--group-column", help="Column of the patient, lesion or other group; “” for none.")
@click.option("--split-column", help="Column that says train, test or val; “” for none.")
@click.option("--label-tag", default="", help="DICOM tag of the label, such as BodyPartExamined.")
@click.option(
    "--group-tag",
    default=PATIENT,
    show_default=True,
    help="DICOM tag of the group; “” for none.",
)
@click.option("--no-groups", is_flag=True, help="Take no groups over.")
@click.option("--keep-val", is_flag=True, help="Take images of val as training images.")
@click.option("--catalogue", "entry", default="", help="Catalogue entry that selects classes.")
@json_option
def add(
    name: str,
    path: tuple[Path, ...],
    labels: Path | None,
    image_column: str | None,
    label_column: str | None,
    group_column: str | None,
    split_column: str | None,
    label_tag: str,
    group_tag: str,
    no_groups: bool,
    keep_val: bool,
    entry: str,
    as_json: bool,
) -> None:
    """Add a folder of images, or archives, as data set NAME.

    PATH is a folder, whose images stay where they are, or one archive or more (.zip, .tar, .tar.gz,
    .tgz) with the lists and tables that belong to them, which are unpacked below the cache folder.
    Known layouts are recognised; others have a folder a class, perhaps below train and test
    folders, or a table of labels, whose columns are guessed where they are not named.
    """
    reading = Reading(
        table=labels,
        image_column=image_column,
        label_column=label_column,
        group_column=group_column,
        split_column=split_column,
        label_tag=label_tag,
        group_tag=group_tag,
        has_groups=not no_groups,
        keeps_val=keep_val,
        entry=entry,
    )
    with shown_progress() as report:
        dataset = add_dataset(
            name,
            path,
            reading,
            report=shown_megabytes(report),
            hashed=shown_files(report, HASHING),
        )
    show_dataset(dataset, as_json)


@datasets.command()
@click.argument("name")
@click.option("--no-groups", is_flag=True, help="Take no groups over.")
@click.option("--keep-val", is_flag=True, help="Take images of val as training images.")
@json_option
def download(name: str, no_groups: bool, keep_val: bool, as_json: bool) -> None:
    """Download data set NAME of the catalogue and add it; a download that was cut is carried on."""
    entry = find(name)
    with shown_progress() as report:
        dataset = download_dataset(
            name,
            keep_val,
            not no_groups,
            shown_megabytes(report),
            hashed=shown_files(report, HASHING),
        )
    others = differences(entry, dataset)
    if as_json:
        write_json({**describe_dataset(dataset), "differs_from_published": others})
        return
    show_dataset(dataset, as_json)
    for line in others:
        click.echo(line)


@datasets.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Forget data set NAME; its images stay where they are, but those unpacked for it."""
    library.remove(name)
    if as_json:
        write_json({"name": name, "removed": True})
    else:
        click.echo(f"Removed {name}; images that were not unpacked for it are where they were.")


@click.command("extract")
@click.argument("name")
@click.option("--network", default=DEFAULT_NETWORK, show_default=True)
@click.option(
    "--layers", type=CommaSeparated(str), help="Without it all that need no classifier head."
)
@click.option("--scales", type=CommaSeparated(int), default="224", show_default=True)
@click.option("--poolings", type=CommaSeparated(str), default="max,average", show_default=True)
@click.option("--precision", default="auto", show_default=True, help=", ".join(PRECISIONS))
@click.option(
    "--preprocessing",
    default=next(iter(PREPROCESSINGS)),
    show_default=True,
    help=", ".join(PREPROCESSINGS),
)
@click.option("--sample", type=int, help="Work on so many images only, drawn from all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@json_option
def extract_command(
    name: str, layers: tuple[str, ...] | None, as_json: bool, **options: Any
) -> None:
    """Put the descriptors of data set NAME into the store, without training anything."""
    chosen = {} if layers is None else {"layers": layers}
    specification = RunSpecification.from_document({"dataset": name, **options, **chosen})
    announce_plan(specification)
    with shown_progress() as report:
        extracted = extract_dataset(specification, report)
    document = {
        "dataset": name,
        "n_images": len(extracted.images),
        "sample": extracted.sample,
        "skipped": [{"path": s.path, "reason": s.reason} for s in extracted.skipped],
        "network_images": {str(s): n for s, n in extracted.network_images.items()},
        "seconds": {str(s): t for s, t in extracted.seconds.items()},
        "peak_memory_bytes": {str(s): n for s, n in extracted.peak_memory.items()},
    }
    if as_json:
        write_json(document)
        return
    if extracted.sample:
        click.echo(f"On {extracted.sample}.")
    for scale, n in extracted.network_images.items():
        peak = extracted.peak_memory.get(scale)
        click.echo(describe_scale(scale, n, extracted.seconds[scale], peak))
    for entry in extracted.skipped:
        click.echo(f"skipped {entry.path}: {entry.reason}")


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Return what a data set is as JSON values."""
    return {
        "name": dataset.name,
        "root": str(dataset.root),
        "layout": dataset.layout,
        "synthetic": dataset.synthetic,
        "n_images": len(dataset.images),
        "classes": dict(sorted(Counter(image.label for image in dataset.images).items())),
        "splits": list(dataset.splits),
        "n_groups": len(dataset.groups),
        "n_excluded": len(dataset.excluded),
        "left_out": [{"path": e.path, "reason": e.reason} for e in dataset.left_out],
    }


def show_dataset(dataset: Dataset, as_json: bool) -> None:
    """Print what a data set is."""
    if as_json:
        write_json(describe_dataset(dataset))
        return
    parts = [f"{len(dataset.images)} images", f"{len(dataset.classes)} classes"]
    if dataset.groups:
        parts.append(f"{len(dataset.groups)} groups")
    if dataset.excluded:
        parts.append(f"{len(dataset.excluded)} more excluded")
    click.echo(f"{dataset.name}: {', '.join(parts)} ({dataset.layout})")
    splits = dataset.splits or ("",)
    counts = Counter((image.label, image.split) for image in dataset.images)
    write_table(
        ("class", *(split or "images" for split in splits)),
        ((label, *(counts[label, split] for split in splits)) for label in dataset.classes),
    )
    if dataset.left_out:
        click.echo(f"\n{len(dataset.left_out)} left out:")
        for reason, n in Counter(e.reason for e in dataset.left_out).most_common():
            first = next(e.path for e in dataset.left_out if e.reason == reason)
            click.echo(f"  {n} x {reason}, for example {first}")
