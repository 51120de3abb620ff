"""`extract`."""

from typing import Any

import click

from medrecog_core.cli.options import CommaSeparated, json_option
from medrecog_core.cli.output import shown_progress, write_json
from medrecog_core.cli.run_output import announce_plan, describe_scale
from medrecog_core.features import DEFAULT_POOLINGS
from medrecog_core.images import PREPROCESSINGS, VIEWS
from medrecog_core.networks import DEFAULT_NETWORK, PRECISIONS
from medrecog_core.networks.engines import AUTO, ENGINES
from medrecog_core.runs import RunSpecification, extract_dataset


@click.command()
@click.argument("name")
@click.option("--network", default=DEFAULT_NETWORK, show_default=True)
@click.option(
    "--layers",
    type=CommaSeparated(str),
    help="Layers, such as block4,block5.  [default: all that need no classifier head]",
)
@click.option("--scales", type=CommaSeparated(int), default="224", show_default=True)
@click.option(
    "--poolings", type=CommaSeparated(str), default=",".join(DEFAULT_POOLINGS), show_default=True
)
@click.option("--precision", default="auto", show_default=True, help=", ".join(PRECISIONS))
@click.option("--engine", default=AUTO, show_default=True, help=", ".join((AUTO, *ENGINES)))
@click.option(
    "--preprocessing",
    default=next(iter(PREPROCESSINGS)),
    show_default=True,
    help=", ".join(PREPROCESSINGS),
)
@click.option(
    "--views", type=int, default=1, show_default=True, help=f"{', '.join(map(str, VIEWS))}"
)
@click.option("--sample", type=int, help="Use a random sample of N images.")
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed of the sample.")
@json_option
def extract(name: str, layers: tuple[str, ...] | None, as_json: bool, **options: Any) -> None:
    """Compute and cache the features of data set NAME without training a classifier."""
    chosen = {} if layers is None else {"layers": layers}
    specification = RunSpecification.from_document({"dataset": name, **options, **chosen})
    announce_plan(specification)
    with shown_progress() as report:
        extracted = extract_dataset(specification, report)
    document = {
        "dataset": name,
        "n_images": len(extracted.images),
        "sample": extracted.sample,
        "skipped": [{"path": s.path, "reason": s.reason} for s in extracted.skipped],
        "engine": "" if extracted.choice is None else extracted.choice.engine.name,
        "network_images": {str(s): n for s, n in extracted.network_images.items()},
        "seconds": {str(s): t for s, t in extracted.seconds.items()},
        "peak_memory_bytes": {str(s): n for s, n in extracted.peak_memory.items()},
    }
    if as_json:
        write_json(document)
        return
    if extracted.sample:
        click.echo(f"Computed on {extracted.sample}.")
    if extracted.choice is not None:
        click.echo(f"Computed by {extracted.choice.engine.title} ({extracted.choice.why})")
    for scale, n in extracted.network_images.items():
        peak = extracted.peak_memory.get(scale)
        click.echo(describe_scale(scale, n, extracted.seconds[scale], peak))
    for entry in extracted.skipped:
        click.echo(f"skipped {entry.path}: {entry.reason}")
