import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medrecog_core.datasets import Fold, ImageRecord, Split
from medrecog_core.datasets.split import describe_leak, n_leaking_groups

IMAGES = [
    ImageRecord("a.png", "x", "", "p1"),
    ImageRecord("b.png", "y", "", "p1"),
    ImageRecord("c.png", "x", "", "p2"),
    ImageRecord("d.png", "y", "", ""),
]

positions = st.lists(st.integers(0, 10_000), max_size=20).map(tuple)
splits = st.builds(
    Split,
    st.text(),
    st.lists(st.builds(Fold, positions, positions), min_size=1, max_size=5).map(tuple),
    st.integers(0, 99),
)


@given(splits)
def test_a_split_survives_json(split):
    assert Split.from_document(json.loads(json.dumps(split.to_document()))) == split


@pytest.mark.parametrize(
    "document", [{}, {"kind": "k", "folds": [], "n_leaking_groups": 0}, {"kind": "k", "folds": [1]}]
)
def test_what_is_no_split_is_refused(document):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Split.from_document(document)


def test_tested_images_stand_in_the_order_of_the_folds():
    split = Split("two folds", (Fold((0, 1), (2, 3)), Fold((2, 3), (0, 1))))
    assert split.tested == (2, 3, 0, 1)
    assert split.trained == (0, 1, 2, 3)


def test_groups_in_both_parts_of_a_fold_leak_whatever_other_folds_do():
    apart = [Fold((0, 1), (2, 3)), Fold((2, 3), (0, 1))]
    assert n_leaking_groups(IMAGES, apart) == 0
    assert n_leaking_groups(IMAGES, [*apart, Fold((0, 2), (1, 3))]) == 1


def test_images_without_a_group_do_not_leak():
    assert n_leaking_groups([ImageRecord("a", "x"), ImageRecord("b", "x")], [Fold((0,), (1,))]) == 0


def test_the_table_of_one_fold_is_a_table_of_labels_with_a_split():
    rows = Split("hold-out", (Fold((0, 1), (2,)),)).rows(IMAGES)
    assert rows[0] == {"path": "a.png", "label": "x", "group": "p1", "split": "train"}
    assert [row["split"] for row in rows] == ["train", "train", "test", ""]


def test_the_table_of_several_folds_has_a_column_each():
    rows = Split("two folds", (Fold((0, 1), (2, 3)), Fold((2, 3), (0, 1)))).rows(IMAGES)
    assert [(row["fold 1"], row["fold 2"]) for row in rows] == [
        ("train", "test"), ("train", "test"), ("test", "train"), ("test", "train")
    ]  # fmt: skip


@given(splits)
def test_images_in_no_fold_can_be_left_out(split):
    used, narrowed = split.without_unused()
    assert len(narrowed.folds) == len(split.folds)
    for fold, narrow in zip(split.folds, narrowed.folds, strict=True):
        assert tuple(used[i] for i in narrow.train) == fold.train
        assert tuple(used[i] for i in narrow.test) == fold.test
    assert {*narrowed.trained, *narrowed.tested} == set(range(len(used)))


def test_a_leak_is_told_in_a_sentence():
    assert describe_leak(1).startswith("Leakage: 1 group has images in both training")
    assert "1,200 groups have images" in describe_leak(1200)
