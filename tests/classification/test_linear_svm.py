import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from medrecog_core.classification import l2_normalise, train_svm


def clouds(n_classes, n=60, channels=40, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_classes, channels))
    which = rng.integers(n_classes, size=n)
    which[:n_classes] = range(n_classes)
    descriptors = np.abs(centres[which] + rng.normal(scale=1.5, size=(n, channels)))
    return descriptors.astype(np.float32), [f"class {i}" for i in which]


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("C", [0.1, 1.0, 10.0])
def test_scores_equal_scikit_learn_s_one_vs_rest(n_classes, C):
    descriptors, labels = clouds(n_classes)
    new, _ = clouds(n_classes, seed=1)
    oracle = OneVsRestClassifier(LinearSVC(C=C, tol=1e-8, max_iter=100_000, random_state=0))
    oracle.fit(normalize(descriptors.astype(float)), labels)
    expected = oracle.decision_function(normalize(new.astype(float)))
    if n_classes == 2:
        expected = np.column_stack([-expected, expected])
    svm = train_svm(descriptors, labels, C=C)
    np.testing.assert_allclose(svm.scores(new), expected, atol=5e-3)
    np.testing.assert_array_equal(svm.predict(new), oracle.predict(normalize(new.astype(float))))


def test_more_images_than_channels_and_fewer_give_the_same_solver_s_answer():
    for n, channels in ((200, 10), (30, 300)):
        descriptors, labels = clouds(3, n=n, channels=channels)
        oracle = LinearSVC(C=1.0, tol=1e-8, max_iter=100_000, random_state=0)
        oracle.fit(normalize(descriptors.astype(float)), labels)
        found = train_svm(descriptors, labels)
        np.testing.assert_allclose(found.weights, oracle.coef_, atol=5e-3)


def test_two_classes_have_opposite_scores():
    descriptors, labels = clouds(2)
    scores = train_svm(descriptors, labels).scores(descriptors)
    np.testing.assert_allclose(scores[:, 0], -scores[:, 1])


def test_classes_are_sorted_and_the_greatest_score_is_the_label():
    descriptors, labels = clouds(4)
    svm = train_svm(descriptors, labels)
    assert svm.classes == tuple(sorted(set(labels)))
    best = svm.scores(descriptors).argmax(axis=1)
    assert list(svm.predict(descriptors)) == [svm.classes[i] for i in best]


def test_training_again_gives_the_same_weights():
    descriptors, labels = clouds(3)
    one, other = (train_svm(descriptors, labels, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)


def test_length_of_a_descriptor_does_not_matter():
    descriptors, labels = clouds(3)
    svm = train_svm(descriptors, labels)
    np.testing.assert_allclose(svm.scores(descriptors * 1024), svm.scores(descriptors))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="class"):
        train_svm(np.ones((3, 4)), ["a", "a", "a"])


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 5), st.integers(1, 8)),
        elements=st.floats(0, 1e6, width=32),
    )
)
def test_normalised_rows_have_length_one_or_stay_zero(rows):
    lengths = np.linalg.norm(l2_normalise(rows), axis=1)
    np.testing.assert_allclose(lengths, (rows != 0).any(axis=1).astype(float), atol=1e-9)
