"""The root command, the start of the dashboard, and how every error is reported: in one line."""

import runpy
import sys
from collections.abc import Sequence

import click

from medrecog_core import __version__
from medrecog_core.cli.bundle_commands import bundle, import_bundle
from medrecog_core.cli.dataset_commands import datasets, delete_dataset, extract_command
from medrecog_core.cli.health_commands import check, exclude, refresh, restore
from medrecog_core.cli.job_commands import jobs, log, resume, stop
from medrecog_core.cli.map_commands import feature_maps, first_filters
from medrecog_core.cli.model_commands import (
    delete_model,
    export_model,
    import_model,
    models,
    predict,
    train,
)
from medrecog_core.cli.options import under_former_name
from medrecog_core.cli.output import write_json
from medrecog_core.cli.result_commands import compare, export, show
from medrecog_core.cli.run_commands import (
    delete,
    label,
    leakage,
    presets,
    rename,
    restore_deleted,
    run,
    runs,
)
from medrecog_core.cli.storage_commands import storage
from medrecog_core.cli.weight_commands import weights
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.locations import cache_folder, dashboard_script
from medrecog_core.mode import is_viewer


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the dashboard.  [default: 8501, or the next free one]",
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[STREAMLIT OPTIONS]...")
def dashboard(port: int | None, options: tuple[str, ...]) -> None:
    """Start the dashboard; options such as --server.headless=true are passed to Streamlit."""
    click.echo(f"medrecog {__version__}. Cache folder: {cache_folder().root}")
    chosen = [] if port is None else [f"--server.port={port}"]
    sys.argv = ["streamlit", "run", str(dashboard_script()), *chosen, *options]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


DONE, NOT_DONE, BAD_USAGE = 0, 1, 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, package_name="medrecog", message="medrecog %(version)s")
def medrecog() -> None:
    """Classify images with features of frozen networks. For research, not for diagnosis."""


for _command in (
    dashboard,
    datasets,
    extract_command,
    leakage,
    presets,
    run,
    runs,
    show,
    compare,
    rename,
    label,
    jobs,
    log,
    stop,
    under_former_name(stop, "cancel"),
    resume,
    delete,
    restore_deleted,
    export,
    bundle,
    import_bundle,
    under_former_name(import_bundle, "open-bundle"),
    train,
    under_former_name(train, "save-model"),
    models,
    delete_model,
    export_model,
    import_model,
    predict,
    weights,
    storage,
    feature_maps,
    first_filters,
):
    medrecog.add_command(_command)
for _command in (
    *(check, refresh, exclude, restore),
    under_former_name(restore, "include"),
    under_former_name(delete_dataset, "remove"),
):
    datasets.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with 0 if it succeeded, 1 if it failed, 2 if it was used wrongly."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        is_viewer()  # every command rejects an unknown mode
        medrecog.main(arguments, prog_name="medrecog", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(BAD_USAGE)
    except click.ClickException as error:
        _fail(error.format_message(), arguments, BAD_USAGE)
    except UsageError as error:
        _fail(str(error), arguments, BAD_USAGE)
    except MedrecogError as error:
        _fail(str(error), arguments, NOT_DONE)
    except OSError as error:
        named = error.filename or "A file"
        _fail(f"{named} cannot be used ({error.strerror or error}).", arguments, NOT_DONE)
    except (click.Abort, KeyboardInterrupt):
        _fail("Interrupted.", arguments, NOT_DONE)
    sys.exit(DONE)


def _fail(sentence: str, arguments: Sequence[str], status: int) -> None:
    line = " ".join(sentence.split())
    click.echo(f"medrecog: {line}", err=True)
    if "--json" in arguments:
        write_json({"error": line})
    sys.exit(status)
