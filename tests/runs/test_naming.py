from typing import Any

import pytest

from medrecog_core.errors import UsageError
from medrecog_core.runs import RunSpecification, create_run, list_runs
from medrecog_core.runs.naming import describe_run, rename_run
from medrecog_core.runs.run_list import suggest_title


def asked(**settings: Any) -> RunSpecification:
    return RunSpecification.from_document({"dataset": "busi", **settings})


@pytest.mark.parametrize(
    ("settings", "title"),
    [
        (
            {"layers": ["block3", "block4", "block5"], "protocol": "k-fold"},
            "busi · VGG-19 block3–5 · 224 · 5-fold",
        ),
        (
            {"layers": ["block3", "block5"], "scales": [224, 544], "C": 0.01, "seed": 7},
            "busi · VGG-19 block3, block5 · 224, 544 · C 0.01 · seed 7",
        ),
        (
            {
                "layers": ["block5"],
                "scales": [224, 544, 864, 1184],
                "protocol": "k-fold",
                "n_folds": 3,
                "n_repeats": 2,
            },
            "busi · VGG-19 block5 · 224, … 1184 · 2 × 3-fold",
        ),
        (
            {"layers": ["block4"], "classifier": "knn", "k": 3},
            "busi · VGG-19 block4 · 224 · k-nearest neighbours · k 3",
        ),
        (
            {"layers": ["block4"], "protocol": "leave-one-group-out", "C": [0.1, 1]},
            "busi · VGG-19 block4 · 224 · leave-one-group-out · C 0.1, 1",
        ),
    ],
)
def test_a_title_says_what_a_run_is(settings: dict[str, Any], title: str) -> None:
    assert describe_run(asked(**settings)) == title


def test_no_two_suggested_titles_are_the_same() -> None:
    titles = [create_run(asked(), title=suggest_title(asked())).title for _ in range(3)]
    assert titles[1:] == [f"{titles[0]} (2)", f"{titles[0]} (3)"]


def test_a_suggested_title_changes_no_name_of_a_run_without_one() -> None:
    untitled = create_run(asked())
    (before,) = (row.name for row in list_runs())
    create_run(asked(), title=suggest_title(asked()))
    assert {row.run.id: row.name for row in list_runs()}[untitled.id] == before


def test_a_long_title_has_room_for_its_number() -> None:
    wide = asked(dataset="x" * 60, scales=[224, 544, 864], C=[0.001, 0.01, 1000], seed=2**32 - 1)
    for _ in range(3):
        create_run(wide, title=suggest_title(wide))


def test_a_run_is_not_renamed_to_the_title_of_another() -> None:
    first, second = create_run(asked(), title="One"), create_run(asked())
    with pytest.raises(UsageError):
        rename_run(second, " One ")
    rename_run(first, "One")
    rename_run(second, "Two")
    assert (first.title, second.title) == ("One", "Two")
