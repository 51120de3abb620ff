"""`embed` and `similar`: the images of a run as a map, and those that are similar to one."""

from pathlib import Path

import click

from medrecog_core import atomic_file
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json, write_table
from medrecog_core.csv_text import csv_text
from medrecog_core.errors import UsageError
from medrecog_core.reports.run_figures import find_result
from medrecog_core.reports.tables import ready
from medrecog_core.runs import find_run
from medrecog_core.runs.embedding import METHODS, PCA, carry_out_map, embed_images
from medrecog_core.runs.neighbours import similar_images
from medrecog_core.wording import counted

_COLUMNS = ("image", "label", "x", "y")
_CELL = "Cell, such as block5-224-average.  [default: the best]"


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--cell", default="", help=_CELL)
@click.option("--method", default=PCA, show_default=True, help=", ".join(METHODS))
@click.option(
    "--to", "destination", type=click.Path(path_type=Path), help="CSV file of the points."
)
@json_option
def embed(run_id: str, cell: str, method: str, destination: Path | None, as_json: bool) -> None:
    """Compute a map of the images of RUN: their features reduced to two dimensions.

    The map is kept in the run and shown on the Explore page, in its report and in bundles.
    """
    if method not in METHODS:
        raise UsageError(f"Unknown method “{method}”. Available: {', '.join(METHODS)}.")
    run = find_run(run_id)
    chosen = find_result(ready(run).cells(), cell).cell
    if method == PCA:
        found = embed_images(run, chosen, method)
    else:
        with shown_progress() as report:
            found = carry_out_map(run, chosen, method, report)
    rows = [
        (image.name, image.label, float(x), float(y))
        for image, (x, y) in zip(found.images, found.points, strict=True)
    ]
    if destination is not None:
        atomic_file.write_export(destination, csv_text(_COLUMNS, rows).encode())
    if as_json:
        write_json(
            {
                "run": run.id,
                "cell": chosen.name,
                "method": method,
                "explained": found.explained,
                "points": [
                    dict(zip(("image", "label", "x", "y"), row, strict=True)) for row in rows
                ],
            }
        )
        return
    click.echo(f"{METHODS[method]} map of {counted(len(rows), 'image')} in {chosen.name}.")
    if destination is not None:
        click.echo(f"Wrote {destination}.")


@click.command()
@click.argument("run_id", metavar="RUN")
@click.option("--image", required=True, help="Name or end of the path of an image of the run.")
@click.option("--cell", default="", help=_CELL)
@click.option("--number", default=10, show_default=True, help="Number of similar images.")
@json_option
def similar(run_id: str, image: str, cell: str, number: int, as_json: bool) -> None:
    """List the images of RUN whose features are most similar to those of an image."""
    run = find_run(run_id)
    chosen = find_result(ready(run).cells(), cell).cell
    images = run.images()
    places = [i for i, each in enumerate(images) if f"/{each.name}".endswith(f"/{image}")]
    if len(places) != 1:
        raise UsageError(
            f"{len(places)} images of run {run.id} have the name “{image}”. Enter the path of one "
            "image."
        )
    (found,) = similar_images(run, chosen, places, max(1, number), other_groups=False)
    if as_json:
        write_json(
            {
                "run": run.id,
                "cell": chosen.name,
                "image": images[places[0]].name,
                "label": images[places[0]].label,
                "similar": [
                    {
                        "image": each.name,
                        "label": each.label,
                        "group": each.group,
                        "distance": each.distance,
                    }
                    for each in found
                ],
            }
        )
        return
    write_table(
        ("image", "label", "group", "cosine distance"),
        ((each.name, each.label, each.group, each.distance) for each in found),
    )
