"""`bundle` and `import-bundle`."""

from pathlib import Path

import click

from medrecog_core.bundles import open_bundle, read_contents, write_bundle
from medrecog_core.bundles.contents import IMAGES, NO_PICTURES, THUMBNAILS, Pictures
from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import shown_progress, write_json
from medrecog_core.datasets import library
from medrecog_core.jobs.progress import Progress, Stage
from medrecog_core.models import model_names
from medrecog_core.runs import all_runs, find_run
from medrecog_core.wording import counted

_UNPACKING = Stage("unpack", "Extracting files", "files")


@click.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--to",
    "destination",
    type=click.Path(path_type=Path),
    required=True,
    help="Bundle file to write, such as runs.zip.",
)
@click.option(
    "--without-pictures", "pictures", flag_value=NO_PICTURES, help="Do not include thumbnails."
)
@click.option(
    "--with-images", "pictures", flag_value=IMAGES, help="Include the image files of the runs."
)
@click.option("--with-models", is_flag=True, help="Include the models trained from the runs.")
@click.option(
    "--by",
    metavar="NAME",
    default="",
    help="Your name, which is shown to those who open the bundle in a read-only view.",
)
@json_option
def bundle(
    run_ids: tuple[str, ...],
    destination: Path,
    pictures: Pictures | None,
    with_models: bool,
    by: str,
    as_json: bool,
) -> None:
    """Write RUNs, their data sets and thumbnails into one file to import elsewhere.

    Image files are included only with --with-images; thumbnails have 256 pixels.
    """
    with shown_progress() as report:
        folders = [find_run(name) for name in run_ids]
        written = write_bundle(
            folders, destination, pictures or THUMBNAILS, with_models, report, by.strip()
        )
    contents = written.contents
    if as_json:
        write_json(
            {
                "file": str(destination),
                "runs": contents.runs,
                "datasets": contents.datasets,
                "models": contents.models,
                "pictures": contents.pictures,
                "by": contents.by,
                "n_bytes": destination.stat().st_size,
                "left_out": written.left_out,
                "training_features": written.features,
                "metadata": written.metadata,
            }
        )
        return
    for sentence in (*written.left_out, *written.features, *written.metadata):
        click.echo(sentence, err=True)
    size = destination.stat().st_size / 1e6
    click.echo(f"Wrote {destination}: {counted(len(contents.runs), 'run')}, {size:,.1f} MB.")


@click.command("import-bundle")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@json_option
def import_bundle(file: Path, as_json: bool) -> None:
    """Import the runs and data sets in bundle FILE; existing ones are not overwritten."""
    contents = read_contents(file)
    here = {run.id for run in all_runs()} & set(contents.runs)
    models_here = model_names()
    known = set(library.names()) & set(contents.datasets)
    with shown_progress() as report:
        runs = open_bundle(
            file, report=lambda done, total: report(Progress(_UNPACKING, done, total))
        )
    if as_json:
        document = {"runs": runs, "already_here": sorted(here)}
        document |= {"datasets": contents.datasets, "known_datasets": sorted(known)}
        write_json({**document, "models": contents.models})
        return
    for name in runs:
        click.echo(
            f"{name}: {'exists already and was not changed' if name in here else 'imported'}"
        )
    for name in contents.models:
        if name in models_here:
            click.echo(f"The model “{name}” exists already and was not changed.")
    for name in sorted(known):
        click.echo(f"The data set “{name}” exists already and was not changed.")
