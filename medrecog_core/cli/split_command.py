"""`datasets split`."""

import csv
import io
from pathlib import Path
from typing import Any

import click

from medrecog_core import atomic_file
from medrecog_core.cli.output import json_option, write_json
from medrecog_core.datasets import PROTOCOLS, Protocol, library, split_images
from medrecog_core.datasets.splits import describe_leak


@click.command()
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
        table = io.StringIO()
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        atomic_file.write_export(destination, table.getvalue().encode())
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
