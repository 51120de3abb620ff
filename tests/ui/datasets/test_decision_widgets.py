"""Messages of the core on a page, where widgets take the place of options."""

import re
from dataclasses import fields

import pytest

from medrecog_core.datasets import Decisions
from medrecog_core.ui.datasets.decision_widgets import named_decisions, on_page


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Use --keep-copies to import them.", "Use “Keep copies” to import them."),
        ("Use --merge-class A=a --merge-class B=b.", "Use “Merge classes” A=a, B=b."),
        ("Use --merge-class 'A b=a' to merge.", "Use “Merge classes” A b=a to merge."),
        ("Use --group-pattern '(p\\d+) x' now.", "Use “Group pattern” (p\\d+) x now."),
        ("Ignore it with --split-column ''.", "Ignore it with “Split column”: (none)."),
        ("Use --no-groups if so.", "Use “Groups: off” if so."),
        ("Use --header or --no-header.", "Use “Header row” or “Header row: no”."),
        ("Give --labels.", "Give “Label files”."),
        ("“datasets exclude NAME --finding blank” and --not-one", None),
    ],
)
def test_options_are_shown_as_their_widgets(message, shown):
    assert on_page(message) == (message if shown is None else shown)


def test_no_option_is_left_where_there_is_a_widget():
    for each in fields(Decisions):
        for option in each.metadata["option"].split("/"):
            if each.name != "entry":
                assert not re.search(r"--[a-z]", on_page(f"Use {option} 1 or {option}."))


def test_options_of_other_commands_name_no_decision():
    assert named_decisions("Use “datasets exclude NAME --finding unreadable” or --bins 1") == [
        "bins"
    ]
