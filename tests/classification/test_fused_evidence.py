import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medrecog_core.classification import (
    NORMALISATIONS,
    Normalisation,
    explain,
    explain_fusion,
    l2_normalise,
    linear_score,
)
from medrecog_core.classification.fused_evidence import spread
from medrecog_core.features import GLOBAL_POOLINGS, with_evidence
from tests.svms import train_svm

POOLINGS = [GLOBAL_POOLINGS[name] for name in (*with_evidence(), "average")]
SHAPES = list(itertools.islice(itertools.cycle(((4, 6, 5), (2, 3, 7))), len(POOLINGS)))
MAX = GLOBAL_POOLINGS["max"]


def maps(seed):
    rng = np.random.default_rng(seed)
    return [np.maximum(rng.normal(size=shape), 0).astype(np.float32) for shape in SHAPES]


def descriptor(feature_maps):
    pooled = [pooling.pool(m) for m, pooling in zip(feature_maps, POOLINGS, strict=True)]
    return np.hstack([l2_normalise(each[None]) for each in pooled])[0]


@pytest.mark.parametrize("kind", NORMALISATIONS)
def test_parts_of_all_maps_sum_to_the_score_of_the_fusion_whatever_its_normalisation(kind):
    train = np.array([descriptor(maps(seed)) for seed in range(40)])
    svm = train_svm(train, ["a", "b", "c", "d"] * 10, normalisation=Normalisation(kind, 4))
    for seed in range(50, 55):
        feature_maps = maps(seed)
        found = explain_fusion(svm, feature_maps, POOLINGS)
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
    found = explain_fusion(svm, [np.zeros(shape, np.float32) for shape in SHAPES], POOLINGS)
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
