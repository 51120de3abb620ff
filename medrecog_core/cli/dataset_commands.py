"""`datasets`, whose health check is in `health_commands`."""

from pathlib import Path
from typing import Any

import click

from medrecog_core import atomic_file
from medrecog_core.cli.dataset_output import (
    commands_for_alternatives,
    describe_dataset,
    show_dataset,
    show_proposal,
)
from medrecog_core.cli.lazy_commands import LazyCommands
from medrecog_core.cli.options import decision_options, json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.csv_text import csv_text
from medrecog_core.datasets import (
    CATALOGUE,
    PROTOCOLS,
    CatalogueEntry,
    Decisions,
    Protocol,
    library,
    propose_dataset,
    split_images,
)
from medrecog_core.datasets.catalogue import find
from medrecog_core.datasets.downloading import carry_out_download, differences, downloaded_bytes
from medrecog_core.datasets.importing import HASHING, carry_out_import, free_name
from medrecog_core.datasets.splits import describe_leak
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.progress import counting, counting_bytes, counting_files
from medrecog_core.wording import counted


@click.group(
    commands=LazyCommands(
        {
            name: f"medrecog_core.cli.health_commands:{name}"
            for name in ("check", "refresh", "exclude", "restore")
        }
        | {"review": "medrecog_core.cli.label_commands:review"},
        {"include": "restore", "remove": "delete"},
    )
)
def datasets() -> None:
    """List, add, download, check and delete data sets."""


@datasets.command("list")
@json_option
def list_datasets(as_json: bool) -> None:
    """List every data set."""
    documents: list[dict[str, Any]] = []
    damaged: dict[str, str] = {}
    failure: MedrecogError | None = None
    with shown_progress() as report:
        for name in library.names():
            drawing = counting(report, library.DRAWING)
            try:
                documents.append(describe_dataset(library.load(name, drawing)))
            except MedrecogError as error:
                damaged[name] = str(error)
                failure = error
    if failure is not None and not documents:
        raise failure  # the cache folder cannot be used
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
@decision_options
@json_option
def add(name: str, path: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Add a folder of images, or archives, as data set NAME.

    PATH is a folder, whose images are not copied, or one or more archives (.zip, .tar, .tar.gz,
    .tgz) with their lists and tables, which are extracted into the cache folder. Whatever no option
    decides is detected from the files; “datasets propose” shows the result without adding it.
    """
    decisions = Decisions(**options)
    with shown_progress() as report, commands_for_alternatives(name, path, as_json):
        dataset = carry_out_import(name, path, decisions, report)
    show_dataset(dataset, as_json)


@datasets.command()
@click.argument("path", nargs=-1, required=True, type=click.Path(path_type=Path))
@decision_options
@json_option
def propose(path: tuple[Path, ...], as_json: bool, **options: Any) -> None:
    """Show how “datasets add” would read PATH, why, and the commands to read it otherwise.

    Nothing is added. PATH and the options are those of “datasets add”.
    """
    decisions = Decisions(**options)
    name = free_name(path[0])
    with shown_progress() as report, commands_for_alternatives(name, path, as_json):
        proposal = propose_dataset(name, path, decisions, report=counting_bytes(report))
    show_proposal(proposal, name, path, as_json)


@datasets.command()
@click.argument("name")
@click.option("--no-groups", is_flag=True, help="Ignore group information.")
@click.option("--keep-val", is_flag=True, help="Add the validation images to the training images.")
@json_option
def download(name: str, no_groups: bool, keep_val: bool, as_json: bool) -> None:
    """Download public data set NAME and add it; an interrupted download is resumed."""
    entry = find(name)
    with shown_progress() as report:
        dataset = carry_out_download(name, keep_val, not no_groups, report)
    others = differences(entry, dataset)
    if as_json:
        write_json({**describe_dataset(dataset), "differs_from_published": others})
        return
    show_dataset(dataset, as_json)
    for line in others:
        click.echo(line)


@datasets.command("delete")
@click.argument("name")
@json_option
def delete_dataset(name: str, as_json: bool) -> None:
    """Delete data set NAME; image files are kept, unless medrecog extracted or downloaded them."""
    library.remove(name)
    if as_json:
        write_json({"name": name, "deleted": True, "removed": True})
    else:
        click.echo(f"Deleted {name}. Images in a folder of yours are kept.")


@datasets.command("classes")
@click.argument("name")
@click.option(
    "--only-class", "only", multiple=True, help="Use this class only; repeat it for several."
)
@click.option(
    "--exclude-class",
    "excluded",
    multiple=True,
    help="Exclude the images of this class; repeat it for several.",
)
@click.option(
    "--merge-class",
    "merged",
    multiple=True,
    metavar="OLD=NEW",
    help="Rename class OLD to NEW, or merge it with NEW.",
)
@click.option("--restore", is_flag=True, help="Use every class as it was imported.")
@json_option
def choose_classes(
    name: str,
    only: tuple[str, ...],
    excluded: tuple[str, ...],
    merged: tuple[str, ...],
    restore: bool,
    as_json: bool,
) -> None:
    """Choose which classes of data set NAME are used, and merge classes.

    Choices add up; --restore undoes all of them. Without options, the classes are listed.
    """
    is_chosen = bool(only or excluded or merged)
    if restore and is_chosen:
        raise UsageError("--restore cannot be combined with a choice of classes. Use one of them.")
    if restore:
        library.restore_classes(name)
    elif is_chosen:
        merges = Decisions(merged_classes=merged).merges
        library.choose_classes(name, only, excluded, merges)
    show_dataset(library.load(name), as_json)


@datasets.command()
@click.argument("name")
@click.argument("newroot", type=click.Path(path_type=Path))
@json_option
def move(name: str, newroot: Path, as_json: bool) -> None:
    """Use folder NEWROOT, to which the images of data set NAME were moved or copied.

    Every file is compared by its content. Labels, groups, splits and exclusions are kept.
    """
    with shown_progress() as report:
        dataset, changes = library.move(name, newroot, counting_files(report, HASHING))
    if as_json:
        changed = [{"path": change.path, "reason": change.reason} for change in changes]
        write_json({**describe_dataset(dataset), "changed": changed})
        return
    click.echo(f"{name} now uses the images in {dataset.root}.")
    if changes:
        click.echo(f"{counted(len(changes), 'image')} cannot be found there unchanged:")
        write_table(("image", "difference"), ((c.path, c.reason) for c in changes))
        click.echo(f"“datasets refresh {name}” updates the data set.")


# --- datasets catalogue --------------------------------------------------------------------------


@datasets.command()
@click.argument("name", required=False)
@json_option
def catalogue(name: str | None, as_json: bool) -> None:
    """List the published data sets that medrecog knows, or describe NAME."""
    if name is not None:
        entry = find(name)
        if as_json:
            write_json(_describe_entry(entry))
        else:
            _show_entry(entry)
        return
    if as_json:
        write_json([_describe_entry(entry) for entry in CATALOGUE.values()])
        return
    write_table(
        ("name", "title", "classes", "images", "GB", "licence", ""),
        (
            (
                e.name,
                e.title,
                len(e.classes),
                f"{e.n_images:,}" if e.n_images else "",
                e.n_bytes / 10**9,
                e.licence,
                "added" if e.name in library.names() else "",
            )
            for e in CATALOGUE.values()
        ),
    )


def _describe_entry(entry: CatalogueEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "title": entry.title,
        "citation": entry.citation,
        "licence": entry.licence,
        "page": entry.page,
        "classes": {
            label: dict(zip(("train", "test"), n, strict=True)) if isinstance(n, tuple) else n
            for label, n in sorted(entry.counts.items())
        },
        "n_images": entry.n_images or None,
        "layout": entry.layout,
        "split_rule": entry.split_rule,
        "group_rule": entry.group_rule,
        "remark": entry.remark,
        "bytes": entry.n_bytes,
        "files": [
            {
                "name": file.name,
                "address": entry.address(file),
                "bytes": file.n_bytes,
                "md5": file.md5 or None,
            }
            for file in entry.files
        ],
        "by_hand": entry.by_hand,
        "added": entry.name in library.names(),
        "downloaded_bytes": downloaded_bytes(entry),
    }


def _show_entry(entry: CatalogueEntry) -> None:
    click.echo(f"{entry.name}: {entry.title}")
    for word, text in (
        ("cite", entry.citation),
        ("licence", entry.licence),
        ("page", entry.page),
        ("layout", entry.layout),
        ("split", entry.split_rule),
        ("groups", entry.group_rule),
        ("images", f"{entry.n_images:,}" if entry.n_images else ""),
        ("remark", entry.remark),
        ("size", f"{entry.n_bytes / 10**9:.1f} GB in {len(entry.files)} files"),
        ("by hand", entry.by_hand),
    ):
        if text:
            click.echo(f"  {word}: {text}")
    counts = {k: n for k, n in entry.counts.items() if n is not None}
    if not counts:
        click.echo(f"  classes: {', '.join(entry.classes)}")
    elif all(isinstance(n, tuple) for n in counts.values()):
        write_table(("class", "train", "test"), ((k, *n) for k, n in sorted(counts.items())))  # type: ignore[misc]
    else:
        write_table(("class", "images"), sorted(counts.items()))


# --- datasets split ------------------------------------------------------------------------------


@datasets.command()
@click.argument("name")
@click.option("--protocol", "kind", default="auto", show_default=True, help=", ".join(PROTOCOLS))
@click.option("--folds", "n_folds", type=int, default=5, show_default=True)
@click.option("--repeats", "n_repeats", type=int, default=1, show_default=True)
@click.option(
    "--mix-groups", is_flag=True, help="Allow images of one group in both training and test sets."
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    help="CSV file to write, with one row per image.",
)
@json_option
def split(
    name: str,
    kind: str,
    n_folds: int,
    n_repeats: int,
    mix_groups: bool,
    seed: int,
    destination: Path | None,
    as_json: bool,
) -> None:
    """Split data set NAME as a run with these options would, and write the folds to a file.

    With one fold, the file can be used as a label file with a split.
    """
    protocol = Protocol(kind, n_folds, n_repeats, keep_groups=not mix_groups, seed=seed)
    images = library.load(name).images
    found = split_images(images, protocol)
    if destination is not None:
        rows = found.rows(images)
        table = csv_text(list(rows[0]), (list(row.values()) for row in rows))
        atomic_file.write_export(destination, table.encode())
    folds = [{"n_train": len(f.train), "n_test": len(f.test)} for f in found.folds]
    document: dict[str, Any] = {
        "dataset": name,
        "kind": found.kind,
        "folds": folds,
        "n_leaking_groups": found.n_leaking_groups,
        "file": None if destination is None else str(destination),
    }
    if as_json:
        write_json(document)
        return
    click.echo(f"{name}: {found.kind}")
    for i, fold in enumerate(folds, 1):
        click.echo(f"fold {i}: {fold['n_train']:,} training and {fold['n_test']:,} test images")
    if found.leaks:
        click.echo(describe_leak(found.n_leaking_groups))
    if destination is not None:
        click.echo(f"Wrote {destination}.")
