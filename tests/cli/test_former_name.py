"""Former names of commands keep working, and are not listed."""

import click
import pytest

from medrecog_core.cli.main import medrecog

NAMES = (
    ("datasets", "remove", "delete"),
    ("datasets", "include", "restore"),
    ("weights", "remove", "delete"),
    ("", "open-bundle", "import-bundle"),
    ("", "save-model", "train"),
    ("", "cancel", "stop"),
)


@pytest.mark.parametrize(("group", "former", "now"), NAMES)
def test_a_former_name_is_the_same_command(group: str, former: str, now: str) -> None:
    commands = medrecog.commands
    if group:
        parent = commands[group]
        assert isinstance(parent, click.Group)
        commands = parent.commands
    assert commands[former].callback is commands[now].callback
    assert commands[former].params == commands[now].params
    assert commands[former].hidden
    assert not commands[now].hidden
