"""Options of commands, and their former names."""

import shlex
from dataclasses import fields, replace
from pathlib import Path

import click
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medrecog_core.cli.main import medrecog
from medrecog_core.cli.options import CommaSeparated, decision_options
from medrecog_core.datasets import BY_EVIDENCE, Decisions
from medrecog_core.errors import UsageError

FIELDS = {each.name: each for each in fields(Decisions)}

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
PATTERN = st.sampled_from(["", "(p[0-9]+)", "^(.*)-", "--(a b)"])
LEVEL = st.none() | st.integers(-3, 3).filter(bool)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
BY_NAME = {
    "tables": st.lists(TEXT.map(Path), max_size=2).map(tuple),
    "group_pattern": PATTERN,
    "class_level": LEVEL,
    "group_level": LEVEL,
    "entry": st.sampled_from(["", "mini-mit"]),
    "uncertain": st.sampled_from(["exclude", "positive", "negative"]),
    "on_conflict": st.sampled_from(["refuse", "majority", "unanimous"]),
    "bins": st.lists(NUMBER, max_size=3, unique=True).map(lambda limits: tuple(sorted(limits))),
    "merged_classes": st.lists(st.sampled_from(["a=b", "A =b c", "--x==y"]), max_size=2).map(tuple),
    "window": st.sampled_from(["auto", "own", "0:4095", "-160:240.5"]),
    "frames": st.sampled_from(["", "first", "middle", "all"]),
    "axis": st.integers(0, 2),
    "channel": st.none() | st.integers(0, 9),
}


def values(name):
    default = FIELDS[name].default
    if name in BY_NAME:
        return BY_NAME[name]
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, tuple):
        return st.lists(TEXT, max_size=2).map(tuple)
    if name == "header":
        return st.none() | st.booleans()
    return TEXT if default is not None else st.none() | TEXT


@st.composite
def decided(draw):
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=6))
    try:
        return Decisions(**{name: draw(values(name)) for name in names})
    except UsageError:
        assume(False)


def parsed(arguments):
    found = []

    @click.command()
    @decision_options
    def command(**options):
        found.append(Decisions(**options))

    command.main(list(arguments), standalone_mode=False)
    return found[0]


@settings(max_examples=60)
@given(decided())
def test_any_decisions_come_back_from_their_arguments(decisions):
    assert parsed(decisions.arguments()) == decisions


@settings(max_examples=60)
@given(decided(), TEXT, st.lists(TEXT.map(Path), min_size=1, max_size=2).map(tuple))
def test_any_decisions_come_back_from_their_command(decisions, name, sources):
    words = shlex.split(decisions.command(name, sources))
    assert words[:6] == ["python", "-m", "medrecog_core", "datasets", "add", name]
    assert [Path(word) for word in words[6 : 6 + len(sources)]] == list(sources)
    assert words[6 + len(sources) :] == decisions.arguments()
    assert not any(word.startswith("-") for word in words[6 : 6 + len(sources)])


def test_every_decision_has_an_option_and_nothing_decided_has_no_arguments():
    assert parsed([]) == BY_EVIDENCE
    assert BY_EVIDENCE.arguments() == []


@pytest.mark.parametrize(
    "change",
    [
        {"window": "9"},
        {"window": "5:1"},
        {"window": "0:inf"},
        {"axis": 3},
        {"channel": -1},
        {"frames": "last"},
        {"on_conflict": "ignore"},
        {"bins": (2.0, 1.0)},
        {"bins": (float("nan"),)},
        {"group_pattern": "("},
        {"group_pattern": "p"},
        {"class_level": 0},
        {"class_level": 1, "group_level": 1},
        {"merged_classes": ("a",)},
        {"only_classes": ("a",), "excluded_classes": ("a",)},
        {"tables": (Path("t.csv"),), "label_tag": "Modality"},
        {"entry": "isic"},
    ],
)
def test_decisions_that_cannot_be_are_bad_usage(change):
    with pytest.raises(UsageError):
        replace(BY_EVIDENCE, **change)


# --- Commas --------------------------------------------------------------------------------------


@given(st.lists(st.integers()))
def test_numbers_separated_by_commas_are_read(numbers: list[int]) -> None:
    text = " , ".join(map(str, numbers))
    assert CommaSeparated(int).convert(text, None, None) == tuple(numbers)


def test_empty_parts_and_blanks_are_left_out() -> None:
    assert CommaSeparated(str).convert(" block1, ,block2,", None, None) == ("block1", "block2")
    assert CommaSeparated(str).convert("", None, None) == ()
    assert CommaSeparated(int).convert((224,), None, None) == (224,)


@pytest.mark.parametrize("text", ["abc", "224 544", "224.5", "224,x"])
def test_what_is_no_number_is_bad_usage(text: str) -> None:
    with pytest.raises(click.BadParameter, match=f"“{text}” is not a list of whole numbers"):
        CommaSeparated(int).convert(text, None, None)


# --- Former names --------------------------------------------------------------------------------

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
