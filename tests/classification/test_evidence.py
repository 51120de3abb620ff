import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from medrecog_core.classification import (
    NORMALISATIONS,
    LinearClassifier,
    Normalisation,
    affine_score,
    channelwise_score,
    explain,
    l2_normalise,
    l2_score,
    linear_score,
    plain_score,
)
from medrecog_core.features import GLOBAL_POOLINGS, with_evidence
from tests.svms import train_svm

POOLINGS = [GLOBAL_POOLINGS[name] for name in with_evidence()]
MAX, AVERAGE = GLOBAL_POOLINGS["max"], GLOBAL_POOLINGS["average"]


def case(seed, channels=12, n_classes=3):
    """An SVM and a map like a network's: no negative number, many zeros."""
    rng = np.random.default_rng(seed)
    shape = (*rng.integers(1, 6, 2), channels)
    feature_map = np.maximum(rng.normal(size=shape), 0).astype(np.float32)
    weights = rng.normal(size=(n_classes, channels))
    svm = LinearClassifier(tuple("abcdefg"[:n_classes]), weights, rng.normal(size=n_classes))
    return feature_map, svm


def normalised_scores(svm, normalised):
    """Scores of what has been normalised already, as the SVM's definition says."""
    return svm.weights @ normalised + svm.biases


@given(st.integers(0, 10_000), st.sampled_from(POOLINGS))
def test_parts_sum_to_the_svm_s_score_with_l2(seed, pooling):
    feature_map, svm = case(seed)
    descriptor = pooling.pool(feature_map)
    expected = normalised_scores(svm, l2_normalise(descriptor[None])[0])
    found = explain(feature_map, pooling, l2_score(svm, descriptor))
    np.testing.assert_allclose(found.scores, expected, rtol=1e-9, atol=1e-12)
    assert found.contributions.shape == (*feature_map.shape[:2], 3)
    np.testing.assert_array_equal(found.biases, svm.biases)


@given(st.integers(0, 10_000), st.sampled_from(POOLINGS))
def test_parts_sum_to_the_svm_s_score_without_normalisation(seed, pooling):
    feature_map, svm = case(seed)
    expected = normalised_scores(svm, pooling.pool(feature_map))
    found = explain(feature_map, pooling, plain_score(svm, 12))
    np.testing.assert_allclose(found.scores, expected, rtol=1e-9, atol=1e-12)


@given(st.integers(0, 10_000), st.sampled_from(POOLINGS), st.booleans())
def test_parts_sum_to_the_svm_s_score_after_scikit_learn_s_affine_steps(seed, pooling, by_pca):
    feature_map, svm = case(seed)
    train = np.abs(np.random.default_rng(seed).normal(1, 2, size=(30, 12)))
    descriptor = pooling.pool(feature_map)
    if by_pca:
        step = PCA(5, whiten=True).fit(train)
        projection = step.components_.T / np.sqrt(step.explained_variance_)
        svm = LinearClassifier(svm.classes, svm.weights[:, :5], svm.biases)
    else:
        step = StandardScaler().fit(train)
        projection = 1 / step.scale_
    expected = normalised_scores(svm, step.transform(descriptor[None])[0])
    score = affine_score(svm, step.mean_, projection)
    np.testing.assert_allclose(score.scores(descriptor), expected, rtol=1e-8, atol=1e-10)
    found = explain(feature_map, pooling, score)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-8, atol=1e-10)


@given(st.integers(0, 10_000), st.sampled_from(POOLINGS))
def test_parts_sum_to_the_svm_s_score_after_a_square_root_and_l2(seed, pooling):
    feature_map, svm = case(seed)
    descriptor = pooling.pool(feature_map)
    normalised = l2_normalise(np.sqrt(descriptor)[None])[0]
    score = channelwise_score(svm, descriptor, normalised)
    found = explain(feature_map, pooling, score)
    np.testing.assert_allclose(
        found.scores, normalised_scores(svm, normalised), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kind", NORMALISATIONS)
@pytest.mark.parametrize("pooling", POOLINGS, ids=with_evidence())
def test_parts_sum_to_the_score_of_a_trained_svm_whatever_its_normalisation(kind, pooling):
    rng = np.random.default_rng(0)
    descriptors = np.abs(rng.normal(size=(40, 12)))
    normalisation = Normalisation(kind, n_components=6)
    svm = train_svm(descriptors, ["a", "b", "c", "d"] * 10, normalisation=normalisation)
    for seed in range(5):
        feature_map, _ = case(seed)
        descriptor = pooling.pool(feature_map)
        found = explain(feature_map, pooling, linear_score(svm, descriptor))
        np.testing.assert_allclose(found.scores, svm.scores(descriptor[None])[0], rtol=1e-6)


def test_a_position_s_part_is_what_the_score_loses_without_it():
    """With the image's length held, as it is the factor that all positions share."""
    feature_map, svm = case(5)
    descriptor = AVERAGE.pool(feature_map)
    score = l2_score(svm, descriptor)
    found = explain(feature_map, AVERAGE, score)
    without = feature_map.copy()
    without[0, 0] = 0
    lost = score.scores(descriptor) - score.scores(AVERAGE.pool(without))
    np.testing.assert_allclose(found.contributions[0, 0], lost, atol=1e-12)


def test_only_winners_count_for_max_pooling_and_ties_share():
    feature_map = np.zeros((2, 2, 2), np.float32)
    feature_map[0, 0, 0] = 3
    feature_map[0, 1, 1] = feature_map[1, 1, 1] = 4
    svm = LinearClassifier(("a",), np.array([[2.0, -1.0]]), np.array([0.5]))
    found = explain(feature_map, MAX, l2_score(svm, np.array([3.0, 4.0])))
    np.testing.assert_allclose(found.contributions[..., 0], [[6 / 5, -2 / 5], [0, -2 / 5]])
    assert found.scores == pytest.approx([6 / 5 - 4 / 5 + 0.5])


def test_an_average_position_of_a_standardised_image_adds_nothing():
    svm = LinearClassifier(("a",), np.array([[2.0, -1.0]]), np.array([0.5]))
    mean = np.array([1.0, 3.0])
    feature_map = np.broadcast_to(mean, (3, 3, 2)).copy()
    feature_map[1, 1] = [2.0, 3.0]
    found = explain(feature_map, AVERAGE, affine_score(svm, mean, np.array([0.5, 4.0])))
    expected = np.zeros((3, 3))
    expected[1, 1] = 1 / 9
    np.testing.assert_allclose(found.contributions[..., 0], expected)


def test_a_black_image_has_the_bias_alone():
    _, svm = case(0)
    empty = np.zeros((3, 3, 12), np.float32)
    for pooling in POOLINGS:
        found = explain(empty, pooling, l2_score(svm, np.zeros(12)))
        assert not found.contributions.any()
        np.testing.assert_array_equal(found.scores, svm.biases)
