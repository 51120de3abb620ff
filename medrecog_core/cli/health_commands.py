"""`datasets check`, `refresh`, `exclude` and `restore`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from medrecog_core.cli.dataset_output import describe_dataset, show_dataset
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.datasets import (
    Dataset,
    Finding,
    HealthReport,
    apply_remedy,
    kept_report,
    library,
)
from medrecog_core.datasets.exclusions import CLASS_CHOICE
from medrecog_core.datasets.files import OUTSIDE_WINDOW
from medrecog_core.datasets.health.check import carry_out_health_check
from medrecog_core.datasets.health.finding import shell_command
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.jobs.progress import counting
from medrecog_core.wording import counted

_SHOWN_IMAGES = 5


@click.command()
@click.argument("name")
@click.option("--refresh", is_flag=True, help="Update the file index before checking.")
@json_option
def check(name: str, refresh: bool, as_json: bool) -> None:
    """Check the health of data set NAME: leakage, duplicates, shortcuts, classes, unusable images.

    Images in use are checked, excluded ones are not. Images that were checked before are not read
    again.
    """
    with shown_progress() as report:
        health = carry_out_health_check(name, refresh, report)
    dataset = library.load(name)
    unreadable = _with_notes(health.finding("unreadable"))
    if as_json:
        write_json(
            {
                **describe_dataset(dataset),
                "unreadable": unreadable,
                "changed": _with_notes(health.finding("changed")),
                "health": health.to_document(),
            }
        )
        return
    show_dataset(dataset, as_json)
    click.echo("")
    if unreadable:
        click.echo(
            f"{len(unreadable):,} of {counted(len(dataset.images), 'image')} cannot be read."
        )
    else:
        click.echo(f"All {counted(len(dataset.images), 'image')} can be read.")
    _show_findings(name, health)
    _show_shortcuts(health)


@click.command()
@click.argument("name")
@json_option
def refresh(name: str, as_json: bool) -> None:
    """Update the index of data set NAME to its files: changed, moved or deleted ones.

    New files are not added. To add them, delete the data set and add it again.
    """
    with shown_progress() as report:
        dataset, changes = library.refresh(name, counting(report, library.COMPARING))
    if as_json:
        changed = [{"path": change.path, "reason": change.reason} for change in changes]
        warnings = [asdict(each) for each in dataset.warnings]
        write_json({**describe_dataset(dataset), "changed": changed, "warnings": warnings})
        return
    if not changes:
        click.echo(f"No file of {name} has changed.")
        return
    n = len(changes)
    click.echo(f"{counted(n, 'file')} of {name} {'has' if n == 1 else 'have'} changed:")
    write_table(("image", "change"), ((c.path, c.reason) for c in changes))
    for warning in dataset.warnings:
        if warning.id == OUTSIDE_WINDOW:
            click.echo(f"Warning: {warning.message}")


@click.command()
@click.argument("name")
@click.option("--finding", help="Apply the remedy of this finding of “datasets check”.")
@click.option("--image", "images", multiple=True, help="Path of an image; may be repeated.")
@click.option("--reason", default="", help="Reason, for single images.")
@json_option
def exclude(
    name: str, finding: str | None, images: tuple[str, ...], reason: str, as_json: bool
) -> None:
    """Exclude images of data set NAME from runs: those of a finding, or single ones.

    “datasets check” lists the findings and what their remedies do. “datasets restore” undoes it.
    Where the remedy of a finding merges classes, they are merged; “datasets classes NAME --restore”
    undoes that.
    """
    if (finding is None) == (not images):
        raise UsageError("Enter the images to exclude, as --finding KIND or --image PATH.")
    if finding is None:
        before = library.load(name)
        now = library.exclude(name, images, reason=reason)
        _show_exclusions(before, now, as_json)
        return
    found = _current_report(name).finding(finding)
    if found is None:
        raise MedrecogError(
            f"The data set “{name}” has no finding “{finding}”. “datasets check {name}” lists its "
            "findings."
        )
    before = library.load(name)
    now = apply_remedy(name, found)
    if found.remedy is not None and found.remedy.merges and not as_json:
        click.echo(f"{found.remedy.words} “{_undo(name, found)}” undoes it.")
        show_dataset(now, as_json)
        return
    _show_exclusions(before, now, as_json)


@click.command()
@click.argument("name")
@click.option("--finding", help="The finding that they were excluded for, or “chosen”.")
@click.option("--image", "images", multiple=True, help="Path of an image; may be repeated.")
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every excluded image, except those of excluded classes.",
)
@json_option
def restore(
    name: str, finding: str | None, images: tuple[str, ...], everything: bool, as_json: bool
) -> None:
    """Restore excluded images of data set NAME."""
    if [finding is not None, bool(images), everything].count(True) != 1:
        raise UsageError("Enter the images to restore, as --finding KIND, --image PATH or --all.")
    before = library.load(name)
    excluded_for: dict[str, list[str]] = {}
    for exclusion in before.excluded:
        excluded_for.setdefault(exclusion.finding, []).append(exclusion.image.path)
    paths: Sequence[str] = images
    if everything:
        # Images of excluded classes come back with their classes: “datasets classes --restore”.
        paths = [
            path for kind, each in excluded_for.items() if kind != CLASS_CHOICE for path in each
        ]
    elif finding is not None:
        if finding not in excluded_for:
            kinds = ", ".join(sorted(excluded_for)) or "none"
            raise MedrecogError(
                f"No image of “{name}” is excluded for “{finding}”. Available: {kinds}."
            )
        paths = excluded_for[finding]
    _show_exclusions(before, library.include(name, paths), as_json)


def _current_report(name: str) -> HealthReport:
    """Return a report on the data set as it is now, and check it if there is none."""
    kept = kept_report(name)
    if kept is not None and kept.fingerprint == library.load(name).fingerprint:
        return kept
    with shown_progress() as report:
        return carry_out_health_check(name, report=report)


def _with_notes(finding: Finding | None) -> list[dict[str, str]]:
    if finding is None:
        return []
    pairs = zip(finding.images, finding.notes, strict=True)
    return [{"path": path, "reason": note} for path, note in pairs]


def _show_findings(name: str, health: HealthReport) -> None:
    if not health.findings:
        click.echo("No problems found.")
    for finding in health.findings:
        click.echo(f"\n{finding.severity}: {finding.title} [{finding.kind}]")
        click.echo(f"  {finding.words}")
        for i, path in enumerate(finding.images[:_SHOWN_IMAGES]):
            note = f": {finding.notes[i]}" if finding.notes else ""
            click.echo(f"    {path}{note}")
        if len(finding.images) > _SHOWN_IMAGES:
            click.echo(f"    and {len(finding.images) - _SHOWN_IMAGES:,} more")
        if finding.files:
            click.echo("  Other files or rows:")
        for file in finding.files[:_SHOWN_IMAGES]:
            click.echo(f"    {file}")
        if len(finding.files) > _SHOWN_IMAGES:
            click.echo(f"    and {len(finding.files) - _SHOWN_IMAGES:,} more")
        _show_remedy(name, finding)
    if health.n_expected_pairs:
        n = health.n_expected_pairs
        click.echo(
            f"\n{counted(n, 'pair')} of near-duplicates {'is' if n == 1 else 'are'} within one "
            "group, as expected."
        )


def _show_remedy(name: str, finding: Finding) -> None:
    remedy = finding.remedy
    if remedy is not None:
        click.echo(f"  Remedy: {remedy.label}. {remedy.words}")
        click.echo(f"    {shell_command('datasets', 'exclude', name, '--finding', finding.kind)}")
        click.echo(f"    To undo it: {_undo(name, finding)}")
    if finding.refusal:
        click.echo(f"  {finding.refusal}")
    for advice in finding.advice:
        click.echo(f"  {advice.words}")
        if advice.command:
            click.echo(f"    {advice.command}")


def _undo(name: str, finding: Finding) -> str:
    if finding.remedy is not None and finding.remedy.merges:
        return shell_command("datasets", "classes", name, "--restore")
    return shell_command("datasets", "restore", name, "--finding", finding.kind)


def _show_shortcuts(health: HealthReport) -> None:
    if not health.shortcuts:
        click.echo("\nNot enough images per class to test for shortcuts.")
        return
    n = health.shortcuts[0].n_images
    click.echo(
        f"\nHow well file properties alone predict the class (cross-validated, n = {n:,} images):"
    )
    write_table(
        ("property", "balanced accuracy", "chance", "97.5th percentile of chance", "AUC"),
        (
            (s.feature, s.balanced_accuracy, s.chance, s.chance_upper, s.auc)
            for s in health.shortcuts
        ),
    )


def _show_exclusions(before: Dataset, now: Dataset, as_json: bool) -> None:
    was = {exclusion.image.path for exclusion in before.excluded}
    listed: list[dict[str, Any]] = [
        {"path": e.image.path, "finding": e.finding, "reason": e.reason} for e in now.excluded
    ]
    if as_json:
        write_json({**describe_dataset(now), "excluded": listed})
        return
    is_now = {exclusion.image.path for exclusion in now.excluded}
    click.echo(
        f"{counted(len(is_now - was), 'image')} excluded, {len(was - is_now):,} restored; "
        f"{now.name} has {counted(len(now.images), 'image')} in use and "
        f"{len(now.excluded)} excluded."
    )
    counts = Counter((e.finding, e.reason) for e in now.excluded)
    if counts:
        write_table(
            ("excluded for", "reason", "images"), ((*key, n) for key, n in sorted(counts.items()))
        )
