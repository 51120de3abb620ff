"""`evaluate`: a model on another data set."""

from typing import Any

import click

from medrecog_core import models as trained
from medrecog_core.classification import Estimate
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.models import OutsideTest


@click.command()
@click.argument("model")
@click.option("--dataset", required=True, help="Name of the data set.")
@click.option(
    "--match",
    "pairs",
    multiple=True,
    metavar="THEIRS=OURS",
    help="Treat a class of the data set as a class of the model; may be repeated. Classes of the "
    "same name match by themselves. “THEIRS=” leaves a class out.",
)
@click.option(
    "--leave-out-unmatched",
    is_flag=True,
    help="Leave out the images of classes that the model does not have; they are counted.",
)
@json_option
def evaluate(
    model: str, dataset: str, pairs: tuple[str, ...], leave_out_unmatched: bool, as_json: bool
) -> None:
    """Test MODEL on all images of another data set, and keep the result with the model."""
    matches = trained.parse_matches(pairs)
    with shown_progress() as report:
        test = trained.carry_out_evaluation(model, dataset, matches, leave_out_unmatched, report)
    if as_json:
        write_json(evaluation_document(model, test))
    else:
        show_evaluation(test)


def show_evaluation(test: OutsideTest) -> None:
    """Print a test as a table of measures and its warnings."""
    own = {each.measure: each for each in test.own}
    differences = test.differences
    write_table(
        ("measure", test.dataset, "95 % CI", "own test images", "95 % CI", "difference", "95 % CI"),
        (
            (
                each.measure.replace("_", " "),
                each.value,
                _interval(each),
                f"{own[each.measure].value:.3f}" if each.measure in own else "-",
                _interval(own[each.measure]) if each.measure in own else "-",
                *(
                    (f"{found.value:+.3f}", f"{found.low:+.3f} to {found.high:+.3f}")
                    if (found := differences.get(each.measure))
                    else ("-", "-")
                ),
            )
            for each in test.estimates
        ),
    )
    click.echo(trained.describe_test(test))
    for sentence in test.warnings:
        click.echo(sentence)


def evaluation_document(model: str, test: OutsideTest) -> dict[str, Any]:
    """Return a test as JSON values, with its differences from the model's own test."""
    own = {each.measure: each for each in test.own}
    differences = test.differences
    return {
        "model": model,
        "dataset": test.dataset,
        "fingerprint": test.fingerprint,
        "n_images": test.n_images,
        "n_independent": test.n_units,
        "matches": dict(test.matches),
        "left_out": dict(test.left_out),
        "n_unreadable": test.n_unreadable,
        "measures": {
            each.measure: {
                **_estimate(each),
                "own": _estimate(own[each.measure]) if each.measure in own else None,
                "difference": {
                    "value": found.value,
                    "interval": [found.low, found.high],
                    "p_value": found.p_value,
                }
                if (found := differences.get(each.measure))
                else None,
            }
            for each in test.estimates
        },
        "classes": list(test.classes),
        "positive": test.positive,
        "confusion": [list(row) for row in test.confusion],
        "n_copies_of_training_images": test.n_training_copies,
        "n_copies_of_test_images": test.n_test_copies,
        "without_copies": {each.measure: _estimate(each) for each in test.without_copies},
        "n_unlike_training": test.n_unlike,
        "warnings": list(test.warnings),
    }


def _interval(estimate: Estimate) -> str:
    return f"{estimate.low:.3f} to {estimate.high:.3f}"


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "interval": [estimate.low, estimate.high],
        "method": estimate.method,
        "n_images": estimate.n_images,
        "n_independent": estimate.n_units,
    }
