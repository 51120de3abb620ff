"""Convolutions of depth one, against the two-dimensional ones they compute."""

import numpy as np
import pytest

from medrecog_core.networks import backend
from medrecog_core.networks.backend import (
    gains_from_depth,
    import_keras,
    kernel_with_depth,
    with_depth,
)
from medrecog_core.networks.engines.tensorflow import feature_maps
from tests.tiny_network import TINY, tiny_arrays

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "config",
    [
        {"kernel_size": 3, "padding": "same"},
        {"kernel_size": 3, "padding": "same", "strides": 2},
        {"kernel_size": (3, 2), "strides": [2, 1]},
        {"kernel_size": 1, "use_bias": False},
        {"kernel_size": 3, "dilation_rate": 2, "activation": "relu"},
    ],
)
@pytest.mark.parametrize("n", [1, 2])
def test_the_sums_are_the_same(config, n):
    keras = import_keras()
    config = {"filters": 5, **config}
    maps = RNG.normal(size=(n, 9, 11, 4)).astype(np.float32)
    flat = keras.layers.Conv2D(**config)
    flat.build(maps.shape)
    kernel, *bias = (RNG.normal(size=weight.shape) for weight in flat.weights)
    flat.set_weights([kernel, *bias])
    deep = keras.layers.Conv3D(**with_depth(config))
    deep.build((n, 1, *maps.shape[1:]))
    deep.set_weights([kernel_with_depth(kernel), *bias])
    found = keras.ops.squeeze(deep(keras.ops.expand_dims(maps, 1)), 1)
    np.testing.assert_allclose(found, flat(maps), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("has_onednn", [True, False])
def test_networks_are_the_same_with_and_without(monkeypatch, has_onednn):
    keras = import_keras()
    pixels = RNG.integers(0, 256, (1, 20, 16, 3), dtype=np.uint8)
    usual = feature_maps(TINY, ["block1", "block2"], "float32", tiny_arrays().__getitem__)(pixels)
    monkeypatch.setattr(backend, "has_onednn", lambda: has_onednn)
    model = feature_maps(TINY, ["block1", "block2"], "float32", tiny_arrays().__getitem__)
    kinds = {type(layer).__name__ for layer in model.layers}
    assert ("Conv3D" in kinds) == (has_onednn and keras.backend.backend() == "tensorflow")
    assert ("Conv2D" in kinds) != ("Conv3D" in kinds)
    for found, expected in zip(model(pixels), usual, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_only_the_first_convolution_is_deep_beside_bfloat16(monkeypatch):
    monkeypatch.setattr(backend, "has_onednn", lambda: True)
    model = feature_maps(TINY, ["block2"], "bfloat16", tiny_arrays().__getitem__)
    kinds = {layer.name: type(layer).__name__ for layer in model.layers}
    assert kinds["block2_conv1"] == "Conv2D"


def test_other_backends_keep_two_dimensions(monkeypatch):
    monkeypatch.setattr(backend, "has_onednn", lambda: True)
    monkeypatch.setattr(import_keras().backend, "backend", lambda: "torch")
    assert not gains_from_depth(import_keras())
