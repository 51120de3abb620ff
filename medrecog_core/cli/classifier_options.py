"""The options that choose a classifier and its hyper-parameter."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from medrecog_core.classification import CLASSIFIERS, DEFAULT_CLASSIFIER, HYPER_PARAMETERS
from medrecog_core.cli.output import CommaSeparated

_Command = TypeVar("_Command", bound=Callable[..., Any])


def classifier_options(command: _Command) -> _Command:
    """Add `--classifier` and an option for each hyper-parameter."""
    for parameter in reversed(HYPER_PARAMETERS.values()):
        having = [each.name for each in CLASSIFIERS.values() if each.parameter == parameter]
        command = click.option(
            f"--{parameter.name}",
            parameter.name,
            type=CommaSeparated(int if parameter.is_whole else float),
            help=f"{parameter.help} Used by {', '.join(having)}. With several values, the best is "
            "chosen by cross-validation on the training images.  "
            f"[default: {parameter.word(parameter.default)}]",
        )(command)
    return click.option(
        "--classifier", help=f"{', '.join(CLASSIFIERS)}  [default: {DEFAULT_CLASSIFIER}]"
    )(command)
