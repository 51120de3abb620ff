"""The root command, the start of the dashboard, and how every error is reported: in one line."""

import runpy
import sys
from collections.abc import Sequence

import click

from medrecog_core import __version__
from medrecog_core.cli.lazy_commands import LazyCommands
from medrecog_core.cli.output import write_json
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


_PLACES = {
    name: f"medrecog_core.cli.{place}"
    for name, place in {
        "datasets": "dataset_commands:datasets",
        "extract": "extract_command:extract",
        "leakage": "run_commands:leakage",
        "presets": "run_commands:presets",
        "run": "run_commands:run",
        "runs": "run_commands:runs",
        "rename": "run_commands:rename",
        "label": "run_commands:label",
        "delete": "run_commands:delete",
        "restore": "run_commands:restore_deleted",
        "show": "result_commands:show",
        "compare": "result_commands:compare",
        "baselines": "baseline_command:baselines",
        "published": "published_command:published",
        "export": "result_commands:export",
        "embed": "explore_commands:embed",
        "similar": "explore_commands:similar",
        "learning-curve": "curve_command:learning_curve",
        "label-errors": "label_commands:label_errors",
        "jobs": "job_commands:jobs",
        "log": "job_commands:log",
        "stop": "job_commands:stop",
        "resume": "job_commands:resume",
        "bundle": "bundle_commands:bundle",
        "import-bundle": "bundle_commands:import_bundle",
        "train": "model_commands:train",
        "models": "model_commands:models",
        "delete-model": "model_commands:delete_model",
        "restore-model": "model_commands:restore_model",
        "export-model": "model_commands:export_model",
        "import-model": "model_commands:import_model",
        "predict": "model_commands:predict",
        "evaluate": "evaluate_command:evaluate",
        "weights": "weight_commands:weights",
        "storage": "storage_commands:storage",
        "feature-maps": "map_commands:feature_maps",
        "first-filters": "map_commands:first_filters",
    }.items()
}
_FORMER_NAMES = {"cancel": "stop", "open-bundle": "import-bundle", "save-model": "train"}


@click.group(
    commands=LazyCommands(_PLACES, _FORMER_NAMES),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, package_name="medrecog", message="medrecog %(version)s")
def medrecog() -> None:
    """Classify images with features of frozen networks. For research, not for diagnosis."""


medrecog.add_command(dashboard)


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
