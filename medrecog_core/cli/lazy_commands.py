"""Commands that are imported when they are asked for, so that each starts without the others."""

import importlib
from collections.abc import Iterator, Mapping, MutableMapping

import click


class LazyCommands(MutableMapping[str, click.Command]):
    """The commands of a group by name.

    `places` says where each is, as `package.module:object`; `former_names` gives the present name
    of each former one, which is the same command, hidden from the help.
    """

    def __init__(
        self, places: Mapping[str, str], former_names: Mapping[str, str] | None = None
    ) -> None:
        self._places = places
        self._former_names = former_names or {}
        self._imported: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._imported:
            if name in self._former_names:
                self._imported[name] = under_former_name(self[self._former_names[name]], name)
            else:
                module, _, attribute = self._places[name].partition(":")
                self._imported[name] = getattr(importlib.import_module(module), attribute)
        return self._imported[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._imported[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError("A command cannot be taken out of its group.")

    def __iter__(self) -> Iterator[str]:
        return iter({**self._places, **self._former_names, **self._imported})

    def __len__(self) -> int:
        return len(list(iter(self)))


def under_former_name(command: click.Command, name: str) -> click.Command:
    """Return the command under a former name, hidden from the help."""
    return click.Command(
        name, params=command.params, callback=command.callback, help=command.help, hidden=True
    )
