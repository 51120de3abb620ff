"""What several commands share: options and their types."""

from collections.abc import Callable
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import click

from medrecog_core.datasets import Decisions

_Command = TypeVar("_Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


class CommaSeparated(click.ParamType[tuple[Any, ...]]):
    """Values in one argument, separated by commas."""

    def __init__(self, value_type: type) -> None:
        self.value_type = value_type
        self.name = f"{value_type.__name__},..."

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Return the values as a tuple."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.value_type(part.strip()) for part in value.split(",") if part.strip())
        except ValueError:
            example = "whole numbers such as 224,544" if self.value_type is int else "numbers"
            self.fail(f"“{value}” is not a list of {example}.", param, ctx)


def decision_options(command: _Command) -> _Command:
    """Add an option for each decision to a command, which receives them by field name."""
    types = get_type_hints(Decisions)
    for each in reversed(fields(Decisions)):
        command = _option(each, types[each.name])(command)
    return command


def _option(each: Field[Any], hint: Any) -> Callable[[_Command], _Command]:
    metadata = dict(each.metadata)
    option, help_text = metadata.pop("option"), metadata.pop("help")
    choices, separator = metadata.pop("choices", ()), metadata.pop("separator", "")
    if choices:  # checked by Decisions, whose error lists them
        metadata["metavar"] = f"[{'|'.join(choices)}]"
    value_type = _value_type(hint)
    if value_type is bool:
        metadata["is_flag"] = True
    elif separator:
        metadata["type"] = CommaSeparated(value_type)
    else:
        metadata["type"] = click.Path(path_type=Path) if value_type is Path else value_type
        metadata["multiple"] = isinstance(each.default, tuple)
    return click.option(option, each.name, default=each.default, help=help_text, **metadata)


def _value_type(hint: Any) -> Any:
    """Return the type of one value: of `str | None` and of `tuple[str, ...]`, str."""
    return next(
        (part for part in get_args(hint) if part not in (type(None), Ellipsis)),
        hint,
    )
