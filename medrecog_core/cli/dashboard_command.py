"""`dashboard`."""

import runpy
import sys

import click

from medrecog_core import __version__
from medrecog_core.locations import cache_folder, dashboard_script


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
