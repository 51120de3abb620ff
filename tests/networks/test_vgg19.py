"""Our graph against Keras's own VGG-19, given the same weights."""

from pathlib import Path

import numpy as np
import pytest

from medrecog_core.networks import embedded_weights
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.vgg19 import feature_maps, parameter_layers

SIDE = 96


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def keras_vgg19():
    keras = import_keras()
    network = keras.applications.VGG19(include_top=False, weights=None, input_shape=(None, None, 3))
    for name, arrays in embedded_weights.load().items():
        network.get_layer(name).set_weights(arrays)
    return network


def test_maps_equal_those_of_keras_for_every_block(images, keras_vgg19):
    keras = import_keras()
    layers = ["block1", "block2", "block3", "block4", "block5"]
    ours = feature_maps(layers, "float32", embedded_weights.load()).predict(images, verbose=0)
    prepared = keras.applications.vgg19.preprocess_input(images.astype(np.float32))
    for layer, values in zip(layers, ours, strict=True):
        naive = keras.Model(keras_vgg19.input, keras_vgg19.get_layer(f"{layer}_pool").output)
        expected = naive.predict(prepared, verbose=0)
        assert values.shape == expected.shape
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_network_stops_at_the_deepest_layer_asked_for():
    model = feature_maps(["block1", "block3"], "float32", embedded_weights.load())
    names = {layer.name for layer in model.layers}
    assert "block3_pool" in names
    assert not any(name.startswith(("block4", "block5")) for name in names)


def test_all_but_the_first_convolution_are_bfloat16():
    model = feature_maps(["block2"], "bfloat16", embedded_weights.load())
    dtypes = {x.name: x.compute_dtype for x in model.layers if "conv" in x.name}
    assert dtypes.pop("block1_conv1") == "float32"
    assert set(dtypes.values()) == {"bfloat16"}


def test_head_is_read_as_convolutions_of_the_dense_weights():
    keras = import_keras()
    keras.utils.set_random_seed(1)
    dense = keras.applications.VGG19(weights=None)
    names = parameter_layers(["fc2"])
    weights = {name: dense.get_layer(name).get_weights() for name in names}
    pixels = np.random.default_rng(2).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    found = feature_maps(["fc1", "fc2"], "float32", weights).predict(pixels, verbose=0)
    prepared = keras.applications.vgg19.preprocess_input(pixels.astype(np.float32))
    naive = keras.Model(dense.input, [dense.get_layer(name).output for name in ("fc1", "fc2")])
    for values, expected in zip(found, naive.predict(prepared, verbose=0), strict=True):
        assert values.shape == (1, 1, 1, 4096)
        np.testing.assert_allclose(
            values[:, 0, 0], expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max()
        )


@pytest.mark.parametrize(
    ("layers", "deepest", "n"), [(["block1"], "block1_conv2", 2), (["block5", "fc1"], "fc1", 17)]
)
def test_only_the_weights_that_are_needed_are_named(layers, deepest, n):
    names = parameter_layers(layers)
    assert names[-1] == deepest
    assert len(names) == n


def test_network_written_with_keras_alone():
    from medrecog_core.networks import vgg19

    source = Path(vgg19.__file__).read_text(encoding="utf-8")
    assert "tensorflow" not in source
    assert "import torch" not in source
