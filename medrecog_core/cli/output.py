"""Output of commands: one JSON document, or a table."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

_FILE_WIDTH = 200


def write_json(document: Any) -> None:
    """Print one JSON document on standard output."""
    # In ASCII, because standard output may not be able to encode the name of a file.
    click.echo(json.dumps(document, indent=1))


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people; numbers are right-aligned."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    lines = [list(row) for row in rows]
    for i, column in enumerate(columns):
        numeric = bool(lines) and all(isinstance(line[i], int | float) for line in lines)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for line in lines:
        table.add_row(*(f"{v:.3f}" if isinstance(v, float) else str(v) for v in line))
    # A pipe or file has no width; brackets and colons in file names are not markup.
    width = None if sys.stdout.isatty() else _FILE_WIDTH
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def fail_after_output() -> None:
    """Exit with status 1 when the output has already given the reason."""
    raise SystemExit(1)
