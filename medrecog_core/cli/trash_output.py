"""What `runs --trash` and `models --trash` print."""

import time

import click

from medrecog_core.cli.output import write_json, write_table
from medrecog_core.trash import Trash
from medrecog_core.wording import counted


def list_trash(trash: Trash, as_json: bool) -> None:
    """Print what is in the trash."""
    deleted = trash.contents()
    if as_json:
        write_json(
            [
                {
                    trash.noun: each.name,
                    "title": each.title,
                    "deleted": each.deleted,
                    "days_left": each.days_left,
                }
                for each in deleted
            ]
        )
    elif not deleted:
        click.echo("The trash is empty.")
    else:
        write_table(
            (trash.noun, "title", "deleted", "days left"),
            (
                (
                    each.name,
                    "" if each.title == each.name else each.title,
                    time.strftime("%Y-%m-%d %H:%M", time.localtime(each.deleted)),
                    each.days_left,
                )
                for each in deleted
            ),
        )


def empty_trash(trash: Trash, as_json: bool) -> None:
    """Remove everything in the trash from the disk, and print how many there were."""
    n_removed = trash.empty()
    if as_json:
        write_json({"removed": n_removed})
    else:
        click.echo(f"Removed {counted(n_removed, f'deleted {trash.noun}')}.")
