import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from medrecog_core.images import stratified_folds

LABELS = np.array(["cat", "dog"] * 12)
ALONE = np.arange(24)
PAIRS = ALONE // 4


def positions(folds):
    return [(train.tolist(), test.tolist()) for train, test in folds]


@pytest.mark.filterwarnings("ignore:The least populated class")
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 30)), min_size=10, max_size=120),
    st.integers(2, 6),
    st.integers(0, 99),
)
@example([(i % 2, i) for i in range(24)], 3, 5)
@example([(i % 2, i // 4) for i in range(24)], 3, 5)
def test_folds_are_those_of_scikit_learn(images, n_folds, seed):
    labels, groups = np.array(images).T
    oracle = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    try:
        expected = positions(oracle.split(labels, labels, groups))
    except ValueError:
        with pytest.raises(ValueError, match="folds"):
            stratified_folds(labels, groups, n_folds, seed)
    else:
        assert positions(stratified_folds(labels, groups, n_folds, seed)) == expected


def test_simple_folds_are_used_only_where_every_image_is_a_group_of_its_own():
    simple = StratifiedKFold(3, shuffle=True, random_state=5)
    alone = stratified_folds(LABELS, ALONE, 3, 5, simple_without_groups=True)
    assert positions(alone) == positions(simple.split(LABELS, LABELS))
    grouped = stratified_folds(LABELS, PAIRS, 3, 5, simple_without_groups=True)
    assert positions(grouped) == positions(stratified_folds(LABELS, PAIRS, 3, 5))


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9)), min_size=20, max_size=40),
    st.integers(0, 9),
)
def test_every_image_is_tested_once_and_no_group_is_on_both_sides(images, seed):
    labels = np.array([label for label, _ in images])
    groups = np.array([f"{label}{group}" for label, group in images])
    n_groups = max(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    if n_groups < 2 or max(np.unique(labels, return_counts=True)[1]) < 2:
        return
    folds = stratified_folds(labels, groups, 2, seed)
    assert sorted(i for _, test in folds for i in test) == list(range(len(images)))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
