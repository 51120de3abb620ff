"""`export`."""

from pathlib import Path

import click

from medrecog_core import atomic_file
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json
from medrecog_core.reports.exporting import TABLES, Choice, exported
from medrecog_core.reports.measures import MEASURES
from medrecog_core.runs import find_run


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    required=True,
    help="File ending in .json (everything), .csv or .tex (one row per cell), .html (report), "
    ".png or .svg (a figure).",
)
@click.option(
    "--table", default="", help=f"{', '.join(TABLES)} (in the layout of the 2018 report)."
)
@click.option(
    "--figure", default="", help="heat-map, confusion, roc, precision-recall, reliability, folds"
)
@click.option("--measure", default="accuracy", show_default=True, help=", ".join(MEASURES.values()))
@click.option(
    "--cell",
    default="",
    help="Cell of the figure, such as block5-224-average.  [default: the best]",
)
@click.option("--class", "label", default="", help="Class of the curve.")
@click.option("--positive", metavar="CLASS", help="With two classes, the class to detect.")
@json_option
def export(
    run_id: str,
    destination: Path,
    table: str,
    figure: str,
    measure: str,
    cell: str,
    label: str,
    positive: str | None,
    as_json: bool,
) -> None:
    """Export the results of RUN to a file, in the format of its ending."""
    choice = Choice(table, figure, measure.replace("-", "_"), cell, label, positive)
    content = exported(find_run(run_id), destination, choice)
    atomic_file.write_export(destination, content)
    if as_json:
        write_json({"run": run_id, "file": str(destination)})
    else:
        click.echo(f"Wrote {destination}.")
