"""Former names of commands, which keep working and are not listed."""

import click


def under_former_name(command: click.Command, name: str) -> click.Command:
    """Return the command under a former name, hidden from the help."""
    return click.Command(
        name, params=command.params, callback=command.callback, help=command.help, hidden=True
    )
