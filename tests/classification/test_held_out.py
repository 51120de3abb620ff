import numpy as np
import pytest

from medrecog_core.classification import held_out_scores
from medrecog_core.errors import MedrecogError
from tests.svms import train_svm


def clouds(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = [("a", "b", "c")[i % 3] for i in range(n)]
    centres = rng.normal(size=(3, 8))
    return centres[np.arange(n) % 3] + rng.normal(size=(n, 8)), labels


def test_no_image_is_scored_by_an_svm_that_learnt_from_it_or_its_group():
    descriptors, labels = clouds()
    groups = [f"g{i // 4}" for i in range(60)]
    learnt = []

    def train(rows, some_labels):
        learnt.append({tuple(row) for row in rows})
        return train_svm(rows, some_labels)

    scores = held_out_scores(descriptors, labels, train, groups, n_folds=4)
    assert len(learnt) == 4
    for part in learnt:
        inside = np.array([tuple(row) in part for row in descriptors])
        for group in set(groups):
            assert len(set(inside[np.array(groups) == group])) == 1
    # Every image is left out of exactly one fold.
    times = sum(
        np.array([tuple(row) in part for row in descriptors]).astype(int) for part in learnt
    )
    np.testing.assert_array_equal(times, 3)
    assert np.isfinite(scores).all()


def test_scores_are_those_of_the_fold_s_svm():
    descriptors, labels = clouds()
    made = []

    def train(rows, some_labels):
        made.append(train_svm(rows, some_labels))
        return made[-1]

    scores = held_out_scores(descriptors, labels, train)
    by_each = np.stack([svm.scores(descriptors) for svm in made])
    assert (np.abs(by_each - scores).max(axis=2).min(axis=0) < 1e-12).all()


def test_a_rare_class_makes_the_folds_fewer():
    descriptors, labels = clouds()
    labels[:] = ["a" if label == "b" else label for label in labels]
    labels[1] = labels[4] = "b"
    calls = []

    def train(rows, some_labels):
        calls.append(len(rows))
        return train_svm(rows, some_labels)

    assert np.isfinite(held_out_scores(descriptors, labels, train)).all()
    assert len(calls) == 2


def test_the_same_seed_gives_the_same_scores_and_another_others():
    descriptors, labels = clouds()
    one, again, other = (
        held_out_scores(descriptors, labels, train_svm, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_class_of_one_group_is_refused():
    descriptors, labels = clouds(9)
    groups = ["one" if label == "b" else "" for label in labels]
    with pytest.raises(MedrecogError, match="“b”"):
        held_out_scores(descriptors, labels, train_svm, groups)
