"""Every pooling against NumPy; `test_pooled_network` compares graphs with the same functions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from medrecog_core.errors import UsageError
from medrecog_core.features import (
    DEFAULT_POOLINGS,
    ENCODINGS,
    GLOBAL_POOLINGS,
    POOLINGS,
    check_pooling,
    in_order,
    titles,
    with_evidence,
)
from medrecog_core.features.pooling import LOCAL, stored_length
from medrecog_core.networks.backend import import_keras

MAX, AVERAGE = GLOBAL_POOLINGS["max"], GLOBAL_POOLINGS["average"]
GEM = GLOBAL_POOLINGS["gem"]
CHANNELS = 3

every_pooling = pytest.mark.parametrize("name", GLOBAL_POOLINGS)
maps = st.tuples(st.integers(1, 4), st.integers(1, 4), st.just(CHANNELS)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.floats(-1000, 1000, width=32))
)


def some_maps(n=2):
    return np.random.default_rng(0).normal(scale=50, size=(n, 5, 4, CHANNELS)).astype(np.float32)


@given(maps)
def test_max_and_average_are_numpy_s(feature_map):
    np.testing.assert_array_equal(MAX.pool(feature_map), feature_map.max(axis=(0, 1)))
    expected = feature_map.mean(axis=(0, 1), dtype=np.float64)
    np.testing.assert_allclose(AVERAGE.pool(feature_map), expected, atol=1e-9)


@given(maps)
def test_gem_is_its_authors_formula_at_a_power_of_3(feature_map):
    # cirtorch.layers.functional.gem(x, p=3, eps=1e-6)
    clamped = np.clip(feature_map.astype(np.float64), 1e-6, None)
    expected = (clamped**3).mean(axis=(0, 1)) ** (1 / 3)
    np.testing.assert_allclose(GEM.pool(feature_map), expected, rtol=1e-9, atol=1e-6)


@given(maps)
def test_gem_lies_between_average_and_max_of_what_is_not_negative(feature_map):
    answers = np.maximum(feature_map, 0)
    found = GEM.pool(feature_map)
    np.testing.assert_array_equal(found, GEM.pool(answers))
    assert (found >= AVERAGE.pool(answers) * (1 - 1e-9)).all()
    assert (found <= MAX.pool(answers) * (1 + 1e-9)).all()


@given(maps, st.floats(0.01, 100))
def test_gem_grows_in_proportion_to_the_map(feature_map, factor):
    scaled = GEM.pool(factor * feature_map.astype(np.float64))
    np.testing.assert_allclose(scaled, factor * GEM.pool(feature_map), rtol=1e-9)


def test_gem_shares_are_value_times_gradient():
    feature_map = some_maps()[0].astype(np.float64)
    shares = GEM.share_out(feature_map, np.zeros(CHANNELS)).reshape(feature_map.shape)
    step = 1e-4
    for place in np.ndindex(feature_map.shape[:2]):
        more, less = feature_map.copy(), feature_map.copy()
        more[place] += step
        less[place] -= step
        gradient = (GEM.pool(more) - GEM.pool(less)) / (2 * step)
        np.testing.assert_allclose(shares[place], feature_map[place] * gradient, atol=1e-5)


def test_an_image_without_any_answer_has_the_gem_descriptor_0():
    found = GEM.in_keras(import_keras(), "float32")(np.zeros((1, 2, 3, CHANNELS), np.float32))
    assert not np.asarray(found).any()
    shares = GEM.share_out(np.zeros((2, 3, CHANNELS)), np.ones(CHANNELS))
    np.testing.assert_allclose(shares, np.full((6, CHANNELS), -1 / 6))


@every_pooling
def test_keras_computes_what_numpy_does_on_maps_of_either_sign(name):
    pooling, given = GLOBAL_POOLINGS[name], some_maps()
    found = np.asarray(pooling.in_keras(import_keras(), "float32")(given))
    expected = [pooling.pool(each) for each in given]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert found.shape == (2, pooling.length(CHANNELS))


@every_pooling
def test_sums_over_bfloat16_maps_are_taken_in_float32(name):
    keras, pooling = import_keras(), GLOBAL_POOLINGS[name]
    rounded = keras.ops.cast(some_maps(), "bfloat16")
    found = pooling.in_keras(keras, pooling.dtype or "bfloat16")(rounded)
    exact = np.asarray(keras.ops.cast(rounded, "float32"))
    expected = [pooling.pool(each) for each in exact]
    np.testing.assert_allclose(keras.ops.cast(found, "float32"), expected, rtol=1e-5, atol=1e-5)


@given(maps, st.sampled_from(with_evidence()), arrays(np.float64, 3, elements=st.floats(-99, 99)))
def test_shares_sum_to_the_descriptor_minus_the_centre(feature_map, name, centre):
    pooling = GLOBAL_POOLINGS[name]
    shares = pooling.share_out(feature_map, centre)
    assert shares.shape == (feature_map.shape[0] * feature_map.shape[1], CHANNELS)
    expected = pooling.pool(feature_map) - centre
    np.testing.assert_allclose(shares.sum(axis=0), expected, rtol=1e-9, atol=1e-9)


@given(st.sampled_from(list(GLOBAL_POOLINGS)), st.floats(0, 1e4, width=32))
def test_a_single_position_and_a_constant_map_give_the_value_itself(name, value):
    for shape in ((1, 1, CHANNELS), (3, 2, CHANNELS)):
        pooled = GLOBAL_POOLINGS[name].pool(np.full(shape, value, np.float32))
        np.testing.assert_allclose(pooled, value, rtol=1e-9)


def test_a_pooling_without_shares_is_refused_evidence_by_name():
    pooling = replace(MAX, name="median", shares=None, sharing="")
    assert not pooling.has_evidence
    with pytest.raises(UsageError, match="“median”"):
        pooling.share_out(some_maps()[0], np.zeros(CHANNELS))


@pytest.mark.parametrize("name", ["", "Max", "max-2", "max+average", "a/b", "local", "map"])
def test_a_name_must_fit_files_keys_and_fusions(name):
    with pytest.raises(ValueError, match="cannot be the name"):
        replace(MAX, name=name)


def test_every_name_is_listed_once_and_encodings_last():
    assert list(POOLINGS) == [*GLOBAL_POOLINGS, *ENCODINGS]
    assert [entry.name for entry in POOLINGS.values()] == list(POOLINGS)
    assert set(DEFAULT_POOLINGS) <= set(with_evidence()) <= set(GLOBAL_POOLINGS)
    assert in_order(["new", "vlad", "average", "max", "vlad"]) == ("max", "average", "vlad", "new")
    assert titles(["max", "average", "vlad"], "or") == "max, average or VLAD"
    assert titles(["bow"]) == "bag of words"


def test_unknown_pooling_is_refused():
    assert check_pooling("max") == "max"
    with pytest.raises(UsageError, match="“median”"):
        check_pooling("median")


def test_what_the_store_keeps_is_as_long_as_the_pooling_says():
    assert stored_length(LOCAL, 64) == 64
    assert [stored_length(name, 64) for name in DEFAULT_POOLINGS] == [64, 64]
