import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from medrecog_core.classification import (
    NORMALISATIONS,
    LinearClassifier,
    Normalisation,
    affine_score,
    channelwise_score,
    explain,
    explain_fusion,
    l2_normalise,
    l2_score,
    linear_score,
    plain_score,
)
from medrecog_core.classification.evidence import spread
from medrecog_core.features import GLOBAL_POOLINGS, with_evidence
from tests.svms import train_svm

POOLINGS = [GLOBAL_POOLINGS[name] for name in with_evidence()]
MAX, AVERAGE = GLOBAL_POOLINGS["max"], GLOBAL_POOLINGS["average"]
FUSED_POOLINGS = [GLOBAL_POOLINGS[name] for name in (*with_evidence(), "average")]
SHAPES = list(itertools.islice(itertools.cycle(((4, 6, 5), (2, 3, 7))), len(FUSED_POOLINGS)))


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


def maps(seed):
    rng = np.random.default_rng(seed)
    return [np.maximum(rng.normal(size=shape), 0).astype(np.float32) for shape in SHAPES]


def descriptor(feature_maps):
    pooled = [pooling.pool(m) for m, pooling in zip(feature_maps, FUSED_POOLINGS, strict=True)]
    return np.hstack([l2_normalise(each[None]) for each in pooled])[0]


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_parts_of_all_maps_sum_to_the_score_of_the_fusion_whatever_its_normalisation(kind):
    train = np.array([descriptor(maps(seed)) for seed in range(40)])
    svm = train_svm(train, ["a", "b", "c", "d"] * 10, normalisation=Normalisation(kind, 4))
    for seed in range(50, 55):
        feature_maps = maps(seed)
        found = explain_fusion(svm, feature_maps, FUSED_POOLINGS)
        expected = svm.scores(descriptor(feature_maps)[None])[0]
        np.testing.assert_allclose(found.scores, expected, rtol=1e-6, atol=1e-9)
        assert found.contributions.shape == (4, 6, 4)


def test_a_single_map_is_explained_as_such():
    feature_map = maps(0)[0]
    train = np.array([MAX.pool(maps(seed)[0]) for seed in range(20)])
    svm = train_svm(train, ["a", "b"] * 10)
    found = explain_fusion(svm, [feature_map], [MAX])
    expected = explain(feature_map, MAX, linear_score(svm, MAX.pool(feature_map)))
    np.testing.assert_array_equal(found.contributions, expected.contributions)


def test_an_image_without_any_answer_has_the_bias_alone():
    train = np.array([descriptor(maps(seed)) for seed in range(20)])
    svm = train_svm(train, ["a", "b"] * 10)
    found = explain_fusion(svm, [np.zeros(shape, np.float32) for shape in SHAPES], FUSED_POOLINGS)
    assert not found.contributions.any()
    np.testing.assert_array_equal(found.scores, svm.biases)


@given(
    arrays(np.float64, (3, 2, 2), elements=st.floats(-5, 5)),
    st.integers(3, 9),
    st.integers(2, 9),
)
def test_a_finer_grid_keeps_the_sum(contributions, rows, columns):
    finer = spread(contributions, rows, columns)
    assert finer.shape == (rows, columns, 2)
    np.testing.assert_allclose(finer.sum(axis=(0, 1)), contributions.sum(axis=(0, 1)), atol=1e-9)


def test_a_position_is_shared_out_by_area_over_those_that_lie_over_it():
    finer = spread(np.array([[[1.0], [3.0]]]), 2, 4)
    np.testing.assert_allclose(finer[..., 0], [[0.25, 0.25, 0.75, 0.75]] * 2)
    between = spread(np.array([[[1.0], [3.0]]]), 1, 3)
    np.testing.assert_allclose(between[0, :, 0], [2 / 3, 1 / 3 + 1, 2])
