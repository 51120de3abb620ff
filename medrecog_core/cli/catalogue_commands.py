"""`datasets catalogue`."""

from typing import Any

import click

from medrecog_core.cli.output import json_option, write_json, write_table
from medrecog_core.datasets import CATALOGUE, CatalogueEntry, library
from medrecog_core.datasets.catalogue import find
from medrecog_core.datasets.downloading import downloaded_bytes


@click.command()
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
