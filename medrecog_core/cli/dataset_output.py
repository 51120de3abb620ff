"""How commands print data sets and proposed imports."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from medrecog_core.cli.output import fail_after_output, write_json, write_table
from medrecog_core.datasets import AmbiguousError, Dataset, DatasetWarning, Proposal
from medrecog_core.datasets.intake.interpretation import Interpretation
from medrecog_core.wording import counted

_SHOWN_PATHS = 3


def describe_dataset(dataset: Dataset) -> dict[str, Any]:
    """Return the description of a data set as JSON values."""
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
        "n_unlabelled": len(dataset.unlabelled),
        "metadata": list(dataset.metadata),
        "rendering": dataset.rendering.to_document(),
        "warnings": [
            {"id": each.id, "message": each.message, "paths": list(each.paths)}
            for each in dataset.warnings
        ],
        "left_out": [{"path": e.path, "reason": e.reason} for e in dataset.left_out],
    }


def show_dataset(dataset: Dataset, as_json: bool) -> None:
    """Print the description of a data set."""
    if as_json:
        write_json(describe_dataset(dataset))
        return
    parts = [
        counted(len(dataset.images), "image"),
        counted(len(dataset.classes), "class", "classes"),
    ]
    if dataset.groups:
        parts.append(counted(len(dataset.groups), "group"))
    if dataset.excluded:
        parts.append(f"{len(dataset.excluded):,} more excluded")
    if dataset.unlabelled:
        parts.append(f"{len(dataset.unlabelled):,} without a label")
    click.echo(f"{dataset.name}: {', '.join(parts)} ({dataset.layout})")
    splits = dataset.splits or ("",)
    counts = Counter((image.label, image.split) for image in dataset.images)
    write_table(
        ("class", *(split or "images" for split in splits)),
        ((label, *(counts[label, split] for split in splits)) for label in dataset.classes),
    )
    if dataset.rendering.identity:
        click.echo(f"\nPixels: {dataset.rendering.title}.")
    if dataset.metadata:
        columns = ", ".join(dataset.metadata)
        click.echo(f"\nColumns kept for sub-groups: {columns} (--no-metadata keeps none).")
    show_warnings(dataset.warnings)
    if dataset.left_out:
        click.echo(f"\n{len(dataset.left_out):,} skipped:")
        for kind, n in Counter(e.kind for e in dataset.left_out).most_common():
            first = next(e.path for e in dataset.left_out if e.kind == kind)
            click.echo(f"  {n:,} x {kind}, for example {first}")


def show_warnings(warnings: Sequence[DatasetWarning]) -> None:
    """Print the warnings of an import with some of the affected files."""
    for warning in warnings:
        click.echo(f"\nWarning [{warning.id}]: {warning.message}")
        for path in warning.paths[:_SHOWN_PATHS]:
            click.echo(f"  {path}")
        if len(warning.paths) > _SHOWN_PATHS:
            click.echo(f"  and {len(warning.paths) - _SHOWN_PATHS:,} more")


def show_proposal(proposal: Proposal, name: str, sources: Sequence[Path], as_json: bool) -> None:
    """Print a proposed import, its reasons, its command, and those of the alternatives."""
    command = proposal.decisions.command(name, tuple(sources))
    alternatives = [_describe(each, name, sources) for each in proposal.alternatives]
    if as_json:
        counts: dict[str, dict[str, int]] = {}
        for image in proposal.dataset.images:
            of_class = counts.setdefault(image.label, {})
            of_class[image.split] = of_class.get(image.split, 0) + 1
        write_json(
            {
                **describe_dataset(proposal.dataset),
                "counts": dict(sorted(counts.items())),
                "unlabelled": list(proposal.dataset.unlabelled),
                "reasons": list(proposal.reasons),
                "command": command,
                "alternatives": alternatives,
            }
        )
        return
    show_dataset(proposal.dataset, as_json)
    if proposal.reasons:
        click.echo("\nReasons:")
        for reason in proposal.reasons:
            click.echo(f"  {reason}")
    click.echo(f"\nTo add it:\n  {command}")
    for each in alternatives:
        click.echo(f"\nTo read it as {each['layout']} ({_counts(each)}):\n  {each['command']}")


@contextmanager
def commands_for_alternatives(name: str, sources: Sequence[Path], as_json: bool) -> Iterator[None]:
    """If the images can be read in several ways, print the command for each and exit."""
    try:
        yield
    except AmbiguousError as error:
        sentence = " ".join(str(error).split())
        alternatives = [_describe(each, name, sources) for each in error.interpretations]
        click.echo(f"medrecog: {sentence}", err=True)
        for each in alternatives:
            click.echo(f"{each['layout']} ({_counts(each)}):\n  {each['command']}", err=True)
        if as_json:
            write_json({"error": sentence, "alternatives": alternatives})
        fail_after_output()


def _describe(each: Interpretation, name: str, sources: Sequence[Path]) -> dict[str, Any]:
    return {
        "layout": each.layout,
        "n_images": len(each.images),
        "classes": dict(sorted(Counter(image.label for image in each.images).items())),
        "reasons": list(each.reasons),
        "command": each.decisions.command(name, tuple(sources)),
    }


def _counts(described: dict[str, Any]) -> str:
    n_classes = counted(len(described["classes"]), "class", "classes")
    return f"{counted(described['n_images'], 'image')} in {n_classes}"
