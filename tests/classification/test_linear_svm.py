import numpy as np
import pytest
from sklearn.metrics.pairwise import linear_kernel
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler, normalize
from sklearn.svm import SVC, LinearSVC

from medrecog_core.classification import Normalisation, train_svms
from medrecog_core.errors import StoppedError, UsageError
from tests.classification.clouds import clouds
from tests.svms import train_svm

NO_GRAM = {"gram_bytes": 0}


def linear_svc(C=1.0, class_weight=None):
    return LinearSVC(
        C=C, class_weight=class_weight, dual="auto", tol=1e-10, max_iter=10_000_000, random_state=0
    )


def k_folds(n, k=3):
    fold = np.arange(n) % k
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("C", [0.001, 0.1, 1.0, 10.0, 1000.0])
@pytest.mark.parametrize(("n", "channels"), [(60, 200), (200, 20)])
def test_scores_equal_scikit_learn_s_one_vs_rest(n_classes, C, n, channels):
    descriptors, labels = clouds(n_classes, n, channels)
    new, _ = clouds(n_classes, n, channels, seed=1)
    oracle = OneVsRestClassifier(linear_svc(C))
    oracle.fit(normalize(descriptors.astype(float)), labels)
    expected = oracle.decision_function(normalize(new.astype(float)))
    if n_classes == 2:
        expected = np.column_stack([-expected, expected])
    svm = train_svm(descriptors, labels, C=C)
    np.testing.assert_allclose(svm.scores(new), expected, atol=1e-5)
    np.testing.assert_array_equal(svm.predict(new), oracle.predict(normalize(new.astype(float))))


@pytest.mark.parametrize("channels", [20, 200])
def test_hard_margin_of_a_kernel_machine_with_a_ridge_is_the_same(channels):
    # The squared hinge loss is a hard margin for the kernel K + I / (2 C) (Cristianini and
    # Shawe-Taylor, 2000, section 6.1.2). libsvm's bias is free, which centring on it undoes: both
    # are compared where its constraint holds by symmetry.
    half, _ = clouds(2, 30, channels)
    rows = np.concatenate([normalize(half.astype(float)), -normalize(half.astype(float))])
    labels = ["a"] * 30 + ["b"] * 30
    C = 0.7
    oracle = SVC(kernel="precomputed", C=1e9, tol=1e-9)
    oracle.fit(linear_kernel(rows) + np.eye(60) / (2 * C), labels)
    weights = oracle.dual_coef_ @ rows[oracle.support_]
    svm = train_svm(rows, labels, C=C, normalisation=Normalisation("none"))
    np.testing.assert_allclose(svm.weights[1], weights[0], atol=1e-5)
    np.testing.assert_allclose(svm.biases, 0, atol=1e-9)


@pytest.mark.parametrize("class_weight", ["none", "balanced"])
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("channels", [10, 150])
def test_folds_and_values_of_c_together_equal_linear_svc_one_by_one(
    class_weight, n_classes, channels
):
    descriptors, labels = clouds(n_classes, 90, channels)
    folds, Cs = k_folds(90), [10.0, 0.01, 1.0]
    labels = np.array(labels)
    for path, (train, test) in zip(
        train_svms(descriptors, labels, folds, Cs, class_weight=class_weight), folds, strict=True
    ):
        assert path.values == (0.01, 1.0, 10.0)
        for C, svm, scores in zip(path.values, path.svms, path.scores, strict=True):
            oracle = make_pipeline(
                Normalizer(), linear_svc(C, None if class_weight == "none" else class_weight)
            )
            oracle.fit(descriptors[train].astype(float), labels[train])
            expected = oracle.decision_function(descriptors[test].astype(float))
            if n_classes == 2:
                expected = np.column_stack([-expected, expected])
            np.testing.assert_allclose(scores, expected, atol=1e-5)
            np.testing.assert_allclose(svm.scores(descriptors[test]), scores, atol=1e-10)


@pytest.mark.parametrize("class_weight", ["none", "balanced"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_liblinear_agrees_where_the_gram_matrix_would_be_too_large(
    monkeypatch, class_weight, n_classes
):
    monkeypatch.setattr("medrecog_core.classification.linear_svm._FEW_CHANNELS", 10)
    descriptors, labels = clouds(n_classes, 60, 80)
    solve = [
        train_svms(descriptors, labels, k_folds(60), [0.1, 10], class_weight=class_weight, **how)
        for how in ({}, NO_GRAM)
    ]
    for ours, theirs in zip(*solve, strict=True):
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=1e-3)
        # Not to the last digit: else it was not another solver.
        assert not np.array_equal(ours.scores, theirs.scores)


def test_few_channels_need_no_gram_matrix():
    descriptors, labels = clouds(3, 100, 20)
    paths = [train_svms(descriptors, labels, k_folds(100), [1], **how) for how in ({}, NO_GRAM)]
    np.testing.assert_array_equal(paths[0][0].scores, paths[1][0].scores)


def test_more_problems_than_are_solved_together_come_back_in_their_order():
    descriptors, labels = clouds(9, 120, 150)
    folds = k_folds(120, 12)
    together = train_svms(descriptors, labels, folds, [1.0])
    for fold, path in zip(folds, together, strict=True):
        (alone,) = train_svms(descriptors, labels, [fold], [1.0])
        np.testing.assert_allclose(path.scores, alone.scores, atol=1e-5)


def test_normalisation_is_fitted_on_the_training_part_of_each_fold():
    descriptors, labels = clouds(3, 60, 15)
    folds, labels = k_folds(60), np.array(labels)
    paths = train_svms(
        descriptors, labels, folds, [0.5], normalisation=Normalisation("standardise")
    )
    for path, (train, test) in zip(paths, folds, strict=True):
        oracle = make_pipeline(StandardScaler(), linear_svc(0.5))
        oracle.fit(descriptors[train].astype(float), labels[train])
        expected = oracle.decision_function(descriptors[test].astype(float))
        np.testing.assert_allclose(path.scores[0], expected, atol=1e-5)
        np.testing.assert_allclose(path.svms[0].scores(descriptors[test]), expected, atol=1e-5)


def test_class_that_a_training_part_lacks_is_never_predicted_there():
    descriptors, labels = clouds(3, 60, 30)
    labels = np.array(labels)
    rest, lacking = np.flatnonzero(labels != "class 1"), np.flatnonzero(labels == "class 1")
    (path,) = train_svms(descriptors, labels, [(rest, lacking)], [1.0])
    assert path.classes == ("class 0", "class 1", "class 2")
    assert path.svms[0].classes == ("class 0", "class 2")
    (scores,) = path.scores
    assert len(set(scores[:, 1])) == 1
    assert (scores.argmax(axis=1) != 1).all()
    np.testing.assert_allclose(scores[:, [0, 2]], path.svms[0].scores(descriptors[lacking]))


@pytest.mark.parametrize("channels", [10, 100])
@pytest.mark.parametrize("spoil", ["duplicates", "constant", "zeros", "all alike"])
def test_degenerate_descriptors_still_have_the_exact_solution(channels, spoil):
    descriptors, labels = clouds(3, 50, channels)
    if spoil == "duplicates":
        descriptors, labels = np.concatenate([descriptors] * 2), [*labels, *reversed(labels)]
    elif spoil == "constant":
        descriptors[:, : channels // 2] = 3
    elif spoil == "zeros":
        descriptors[::3] = 0
    else:
        descriptors[:] = descriptors[0]
    rows = normalize(descriptors.astype(float))
    for C in (0.01, 1.0, 100.0):
        oracle = linear_svc(C).fit(rows, labels)
        np.testing.assert_allclose(
            train_svm(descriptors, labels, C).scores(descriptors),
            oracle.decision_function(rows),
            atol=1e-4,
        )


@pytest.mark.parametrize("channels", [20, 200])
def test_descriptors_far_from_unit_length_can_be_trained_on(channels):
    descriptors, labels = clouds(3, 80, channels)
    big = descriptors.astype(float) * 300
    oracle = linear_svc(1e-6).fit(big, labels)
    svm = train_svm(big, labels, 1e-6, normalisation=Normalisation("none"))
    np.testing.assert_allclose(svm.scores(big), oracle.decision_function(big), atol=1e-4)
    # And with a C for which liblinear would need days: the objective is strongly convex, so that
    # the length of the gradient tells how far the minimum can be.
    C, rows = 100.0, np.column_stack([big, np.ones(len(big))])
    svm = train_svm(big, labels, C, normalisation=Normalisation("none"))
    for label, vector in zip(svm.classes, np.column_stack([svm.weights, svm.biases]), strict=True):
        y = np.where(np.array(labels) == label, 1, -1)
        gradient = vector - 2 * C * (y * np.maximum(0, 1 - y * (rows @ vector))) @ rows
        assert np.linalg.norm(gradient) * np.linalg.norm(rows, axis=1).max() <= 1e-3


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


def test_path_gives_the_scores_of_one_c():
    descriptors, labels = clouds(3)
    (path,) = train_svms(descriptors, labels, k_folds(60)[:1], [1, 0.1])
    assert path.values == (0.1, 1)
    assert path.at(1) is path.scores[1]


def test_one_class_is_refused():
    with pytest.raises(UsageError, match="at least two classes, and has those of a"):
        train_svm(np.ones((3, 4)), ["a", "a", "a"])


@pytest.mark.parametrize("C", [0.0, -1.0, float("nan"), float("inf")])
def test_c_that_is_no_strength_is_refused(C):
    with pytest.raises(UsageError, match="C must be a number above 0"):
        train_svm(np.eye(2), ["a", "b"], C)


def test_unknown_class_weight_is_refused():
    with pytest.raises(UsageError, match=r"class weight “heavy”\. Available: none, balanced"):
        train_svm(np.eye(2), ["a", "b"], class_weight="heavy")


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(UsageError, match="not finite"):
        train_svm(np.array([[1.0, np.nan], [0, 1]]), ["a", "b"])


@pytest.mark.parametrize("channels", [20, 200])
def test_check_can_end_the_training(channels):
    descriptors, labels = clouds(3, 60, channels)
    calls = []

    def check():
        calls.append(None)
        if len(calls) > 5:
            raise StoppedError("enough")

    with pytest.raises(StoppedError, match="enough"):
        train_svms(descriptors, labels, k_folds(60), [0.1, 1, 10], check=check)


def test_no_fold_asks_for_no_svm():
    assert train_svms(*clouds(2), [], [1.0]) == ()
