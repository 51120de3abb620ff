"""`learning-curve`: accuracy against the number of training groups."""

from dataclasses import asdict

import click

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.reports.run_figures import find_result
from medrecog_core.reports.tables import ready
from medrecog_core.runs import find_run
from medrecog_core.runs.learning_curve import carry_out_learning_curve, gain_words, unit_noun


@click.command("learning-curve")
@click.argument("run_id", metavar="RUN")
@click.option("--cell", default="", help="Cell, such as block5-224-average.  [default: the best]")
@json_option
def learning_curve(run_id: str, cell: str, as_json: bool) -> None:
    """Compute how the accuracy of RUN grows with the number of training groups.

    Groups are patients or lesions, or images if the data set has no groups. The curve is kept in
    the run and shown on the Results page, in its report and in bundles.
    """
    run = find_run(run_id)
    chosen = find_result(ready(run).cells(), cell).cell
    with shown_progress() as report:
        curve = carry_out_learning_curve(run, chosen, report)
    if as_json:
        write_json({"run": run.id, "cell": chosen.name, "unit": unit_noun(run), **asdict(curve)})
        return
    write_table(
        (f"training {unit_noun(run)}", "accuracy", "95 % CI"),
        (
            (each.n_groups, each.accuracy, f"{each.low:.3f} to {each.high:.3f}")
            for each in curve.points
        ),
    )
    click.echo(gain_words(run, curve))
