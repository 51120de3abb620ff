"""Titles of runs that people can read and that no two runs share."""

import re
from collections.abc import Collection, Sequence
from itertools import count, pairwise

from medrecog_core.classification import DEFAULT_CLASSIFIER
from medrecog_core.errors import UsageError
from medrecog_core.networks import find_network
from medrecog_core.runs.run import LONGEST_TITLE, Run, all_runs
from medrecog_core.runs.specification import RunSpecification

_MOST_LISTED = 3
_LONGEST_DATASET = 30
_ROOM_FOR_NUMBER = 8
_PROTOCOLS = {"given": "predefined split", "given-folds": "predefined folds"}


def describe_run(specification: RunSpecification) -> str:
    """Return a title for a run, such as `busi · VGG-19 block3–5 · 224 · 5-fold`.

    Classifier, hyper-parameter, views and seed are part of it if they differ from the defaults.
    """
    asked = specification
    parameter = asked.trained_classifier.parameter
    parts = [
        asked.dataset[:_LONGEST_DATASET],
        f"{find_network(asked.network).title} {_layers(asked.layers)}",
        _listed([str(scale) for scale in asked.scales]),
        _protocol(asked),
    ]
    if asked.classifier != DEFAULT_CLASSIFIER:
        parts.append(asked.trained_classifier.title)
    if asked.parameter_values != parameter.check(parameter.default):
        parts.append(
            f"{parameter.name} {_listed(parameter.words(asked.parameter_values).split(', '))}"
        )
    if asked.views > 1:
        parts.append(f"{asked.views} views")
    if asked.seed:
        parts.append(f"seed {asked.seed}")
    return " · ".join(part for part in parts if part)[: LONGEST_TITLE - _ROOM_FOR_NUMBER]


def numbered(title: str, taken: Collection[str]) -> str:
    """Return a title with the first number, from 2, that makes it differ from others."""
    return next(name for n in count(2) if (name := f"{title} ({n})") not in taken)


def rename_run(run: Run, title: str) -> None:
    """Give a run a title that no other run has; an empty one deletes it.

    Raises
    ------
    UsageError
        If another run has this title, or it is too long.
    """
    title = " ".join(title.split())
    other = next((each for each in all_runs() if each.title == title and each.id != run.id), None)
    if title and other is not None:
        raise UsageError(f"Run {other.id} has the title “{title}” already. Use another title.")
    run.rename(title)


def _layers(layers: Sequence[str]) -> str:
    """Return layers in short, such as `block3–5` for three in sequence."""
    ends = [re.fullmatch(r"(.*?)(\d+)", layer) for layer in layers]
    found = [(end[1], int(end[2])) for end in ends if end]
    is_sequence = len(found) == len(layers) > 1 and all(
        after == (prefix, n + 1) for (prefix, n), after in pairwise(found)
    )
    return f"{layers[0]}–{found[-1][1]}" if is_sequence else _listed(layers)


def _listed(values: Sequence[str]) -> str:
    if len(values) <= _MOST_LISTED:
        return ", ".join(values)
    return f"{values[0]}, … {values[-1]}"


def _protocol(asked: RunSpecification) -> str:
    if asked.protocol == "k-fold":
        times = f"{asked.n_repeats} × " if asked.n_repeats > 1 else ""
        return f"{times}{asked.n_folds}-fold"
    return "" if asked.protocol == "auto" else _PROTOCOLS.get(asked.protocol, asked.protocol)
