"""How commands print a cell by group, and in sub-groups."""

from typing import Any

import click

from medrecog_core.classification import Estimate, ScoredImages, estimate
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.runs import CellResult, Run, result_document
from medrecog_core.runs.comparison import score_images
from medrecog_core.runs.grouped import score_groups
from medrecog_core.runs.subgroups import compare_by


def show_by_group(run: Run, result: CellResult, how: str, as_json: bool) -> None:
    """Print the measures of a cell by image and by group, and the confusion matrix of groups."""
    groups = score_groups(run, result, how)
    by_image, by_group = estimate(score_images(run, result)), estimate(groups)
    if as_json:
        found = {
            "cell": result.cell.name,
            "how": how,
            "n_groups": groups.n_images,
            "images": {name: _document(each) for name, each in by_image.items()},
            "groups": {name: _document(each) for name, each in by_group.items()},
            "classes": list(groups.classes),
            "confusion": groups.confusion.tolist(),
        }
        write_json({**result_document(run), "by_group": found})
        return
    click.echo(
        f"{result.cell.name}: {by_image['accuracy'].n_images:,} predictions of images, "
        f"{groups.n_images:,} groups ({how} of their scores)"
    )
    write_table(
        ("measure", "images", "95 % CI", "groups", "95 % CI"),
        (
            (name.replace("_", " "), *_value(by_image.get(name)), *_value(by_group.get(name)))
            for name in {**by_image, **by_group}
        ),
    )
    _write_confusion(groups)


def _write_confusion(groups: ScoredImages) -> None:
    write_table(
        ("groups", *(f"predicted {label}" for label in groups.classes)),
        (
            (label, *map(int, row))
            for label, row in zip(groups.classes, groups.confusion, strict=True)
        ),
    )


def show_by_column(
    run: Run,
    result: CellResult,
    column: str,
    measure: str,
    limits: tuple[float, ...],
    as_json: bool,
) -> None:
    """Print a measure of a cell in the sub-groups of a column, and the largest gap."""
    found = compare_by(run, result, column, measure, limits)
    if as_json:
        gap = found.gap
        document = {
            "cell": result.cell.name,
            "column": column,
            "measure": measure,
            "subgroups": [
                {
                    "name": each.name,
                    "n_images": each.n_images,
                    "n_independent": each.n_units,
                    **({} if each.estimate is None else _document(each.estimate)),
                }
                for each in found.subgroups
            ],
            "largest_gap": gap
            and {
                "higher": gap.higher,
                "lower": gap.lower,
                "difference": gap.difference.value,
                "interval": [gap.difference.low, gap.difference.high],
                "p_value": gap.difference.p_value,
                "adjusted_p_value": gap.adjusted_p_value,
                "n_pairs": gap.n_pairs,
            },
        }
        write_json({**result_document(run), "by_column": document})
        return
    click.echo(result.cell.name)
    write_table(
        (column, "images", "independent", measure.replace("_", " "), "95 % CI"),
        (
            (each.name, each.n_images, each.n_units, *_value(each.estimate))
            for each in found.subgroups
        ),
    )
    click.echo(found.words)


def _value(found: Estimate | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return f"{found.value:.3f}", f"{found.low:.3f} to {found.high:.3f}"


def _document(found: Estimate) -> dict[str, Any]:
    return {
        "value": found.value,
        "interval": [found.low, found.high],
        "method": found.method,
        "n_images": found.n_images,
        "n_independent": found.n_units,
    }
