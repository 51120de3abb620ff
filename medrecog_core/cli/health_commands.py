"""`datasets check`, `refresh`, `exclude` and `include`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from medrecog_core.cli.dataset_commands import describe_dataset, show_dataset
from medrecog_core.cli.output import json_option, write_json, write_table
from medrecog_core.cli.progress import shown_count, shown_progress
from medrecog_core.datasets import Dataset, Finding, HealthReport, kept_report, library
from medrecog_core.datasets.counting import counted
from medrecog_core.datasets.file_changes import OUTSIDE_WINDOW
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.experiments import carry_out_health_check

_SHOWN_IMAGES = 5


@click.command()
@click.argument("name")
@click.option("--refresh", is_flag=True, help="Take in first what the files are now.")
@json_option
def check(name: str, refresh: bool, as_json: bool) -> None:
    """Check the health of data set NAME: leaks, duplicates, shortcuts, images of no use.

    The images in use are checked, not the excluded ones. What was measured before is not measured
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
        click.echo(f"{len(unreadable)} of {len(dataset.images)} images cannot be read.")
    else:
        click.echo(f"All {len(dataset.images)} images can be read.")
    _show_findings(name, health)
    _show_shortcuts(health)


@click.command()
@click.argument("name")
@json_option
def refresh(name: str, as_json: bool) -> None:
    """Take in what the files of data set NAME are now: changed, moved or gone.

    New files are not taken in: to have them, remove the data set and add it again.
    """
    with shown_progress() as report:
        dataset, changes = library.refresh(name, shown_count(report, "comparing files"))
    if as_json:
        changed = [{"path": change.path, "reason": change.reason} for change in changes]
        warnings = [asdict(each) for each in dataset.warnings]
        write_json({**describe_dataset(dataset), "changed": changed, "warnings": warnings})
        return
    if not changes:
        click.echo(f"Every file of {name} is what it was.")
        return
    click.echo(f"{len(changes)} files of {name} are not what they were:")
    write_table(("image", "what is different"), ((c.path, c.reason) for c in changes))
    for warning in dataset.warnings:
        if warning.id == OUTSIDE_WINDOW:
            click.echo(f"Warning: {warning.message}")


@click.command()
@click.argument("name")
@click.option("--finding", help="Kind of a finding, as “datasets check” names it.")
@click.option("--image", "images", multiple=True, help="Path of an image; may be repeated.")
@click.option("--reason", default="", help="Why, for single images.")
@json_option
def exclude(
    name: str, finding: str | None, images: tuple[str, ...], reason: str, as_json: bool
) -> None:
    """Leave images of data set NAME out of runs: those of a finding, or single ones.

    Which images a finding excludes is said by “datasets check”; “datasets include” takes it back.
    """
    if (finding is None) == (not images):
        raise UsageError("Which images are to be excluded? Give --finding KIND or --image PATH.")
    if finding is None:
        before = library.load(name)
        now = library.exclude(name, images, reason=reason)
        _show_exclusions(before, now, as_json)
        return
    found = _current_report(name).finding(finding)
    if found is None:
        raise MedrecogError(
            f"The data set “{name}” has no finding “{finding}”: “datasets check {name}” lists them."
        )
    if not found.to_exclude:
        raise MedrecogError(
            f"The finding “{finding}” is not about single images, so none can be excluded for it."
        )
    before = library.load(name)
    now = library.exclude(name, found.to_exclude, found.kind, found.title)
    _show_exclusions(before, now, as_json)


@click.command()
@click.argument("name")
@click.option("--finding", help="Kind of the finding they were excluded for, or “chosen”.")
@click.option("--image", "images", multiple=True, help="Path of an image; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Every excluded image.")
@json_option
def include(
    name: str, finding: str | None, images: tuple[str, ...], everything: bool, as_json: bool
) -> None:
    """Use excluded images of data set NAME again."""
    if [finding is not None, bool(images), everything].count(True) != 1:
        raise UsageError(
            "Which images are to be used again? Give --finding KIND, --image PATH or --all."
        )
    before = library.load(name)
    excluded_for: dict[str, list[str]] = {}
    for exclusion in before.excluded:
        excluded_for.setdefault(exclusion.finding, []).append(exclusion.image.path)
    paths: Sequence[str] = images
    if everything:
        paths = [path for each in excluded_for.values() for path in each]
    elif finding is not None:
        if finding not in excluded_for:
            kinds = ", ".join(sorted(excluded_for)) or "none"
            raise MedrecogError(
                f"No image of “{name}” is excluded for “{finding}”; there is {kinds}."
            )
        paths = excluded_for[finding]
    _show_exclusions(before, library.include(name, paths), as_json)


def _current_report(name: str) -> HealthReport:
    """Return a report on the data set as it is now, checking it where there is none."""
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
        click.echo("Nothing was found that flatters or spoils results.")
    for finding in health.findings:
        click.echo(f"\n{finding.severity}: {finding.title} [{finding.kind}]")
        click.echo(f"  {finding.words}")
        for i, path in enumerate(finding.images[:_SHOWN_IMAGES]):
            note = f": {finding.notes[i]}" if finding.notes else ""
            click.echo(f"    {path}{note}")
        if len(finding.images) > _SHOWN_IMAGES:
            click.echo(f"    and {len(finding.images) - _SHOWN_IMAGES} more")
        if finding.to_exclude:
            click.echo(
                f"  “datasets exclude {name} --finding {finding.kind}” leaves out "
                f"{counted(len(finding.to_exclude), 'image')}: {finding.rule}."
            )
    if health.n_expected_pairs:
        click.echo(
            f"\n{health.n_expected_pairs} pairs of images of one group look nearly the same, "
            "as one expects."
        )


def _show_shortcuts(health: HealthReport) -> None:
    if not health.shortcuts:
        click.echo("\nThe classes are too small to look for shortcuts.")
        return
    n = health.shortcuts[0].n_images
    click.echo(f"\nHow well the files alone tell the classes apart ({n} images, cross-validated):")
    write_table(
        ("feature", "balanced accuracy", "chance", "97.5 % of guesses below", "AUC"),
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
        f"{counted(len(is_now - was), 'image')} excluded, {len(was - is_now)} used again; "
        f"{now.name} has {counted(len(now.images), 'image')} in use and "
        f"{len(now.excluded)} excluded."
    )
    counts = Counter((e.finding, e.reason) for e in now.excluded)
    if counts:
        write_table(
            ("excluded for", "reason", "images"), ((*key, n) for key, n in sorted(counts.items()))
        )
