"""`storage`."""

from dataclasses import asdict

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.locations import cache_folder
from medrecog_core.storage import Selection, delete_features, feature_groups, parts

_MEGABYTE = 10**6


@click.group()
def storage() -> None:
    """List the contents of the cache folder, and delete cached features."""


@storage.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the contents of the cache folder with sizes, and the features of each network."""
    found, groups = parts(), feature_groups()
    total = sum(part.n_bytes for part in found)
    if as_json:
        write_json(
            {
                "folder": str(cache_folder().root),
                "bytes": total,
                "parts": [
                    {
                        "kind": part.kind,
                        "title": part.title,
                        "count": part.n_items,
                        "bytes": part.n_bytes,
                    }
                    for part in found
                ],
                "features": [
                    {
                        "network": group.network,
                        "weights": group.weights,
                        "precision": group.precision,
                        "count": group.n_items,
                        "bytes": group.n_bytes,
                    }
                    for group in groups
                ],
            }
        )
        return
    click.echo(f"Cache folder: {cache_folder().root} ({total / _MEGABYTE:.1f} MB)\n")
    write_table(
        ("kind", "count", "MB"),
        [(part.title, part.n_items, part.n_bytes / _MEGABYTE) for part in found if part.n_bytes],
    )
    if groups:
        click.echo()
        write_table(
            ("network", "weights", "precision", "features", "MB"),
            [
                (g.network or "-", g.weights, g.precision, g.n_items, g.n_bytes / _MEGABYTE)
                for g in groups
            ],
        )


@storage.command("delete")
@click.option(
    "--dataset",
    help="Features of the images of this data set, except images that another one contains.",
)
@click.option("--network", help="Features of this network, with any weights.")
@click.option("--precision", help="Features of this precision, such as bfloat16.")
@click.option("--unreachable", is_flag=True, help="Features that no data set, run or model uses.")
@click.option("--dry-run", is_flag=True, help="Show what would be deleted; delete nothing.")
@json_option
def delete_command(
    dataset: str | None,
    network: str | None,
    precision: str | None,
    unreachable: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Delete features that match all given options; they are computed again when needed."""
    selection = Selection(dataset, network, precision, unreachable)
    freed = delete_features(selection, dry_run)
    if as_json:
        write_json(
            {
                **asdict(selection),
                "deleted": not dry_run,
                "count": freed.n_items,
                "bytes": freed.n_bytes,
            }
        )
        return
    verb = "Would delete" if dry_run else "Deleted"
    noun = "feature vector" if freed.n_items == 1 else "feature vectors"
    click.echo(f"{verb} {freed.n_items} {noun} ({freed.n_bytes / _MEGABYTE:.1f} MB).")
