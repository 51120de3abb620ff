"""Our graph against Keras's own VGG-19, given the same weights."""

from pathlib import Path

import numpy as np
import pytest

from medrecog_core.networks import embedded_weights
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.vgg19 import feature_maps

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
    ours = feature_maps(layers, "float32").predict(images, verbose=0)
    prepared = keras.applications.vgg19.preprocess_input(images.astype(np.float32))
    for layer, values in zip(layers, ours, strict=True):
        naive = keras.Model(keras_vgg19.input, keras_vgg19.get_layer(f"{layer}_pool").output)
        expected = naive.predict(prepared, verbose=0)
        assert values.shape == expected.shape
        np.testing.assert_allclose(values, expected, rtol=1e-4, atol=1e-4 * expected.max())


def test_network_stops_at_the_deepest_layer_asked_for():
    model = feature_maps(["block1", "block3"], "float32")
    names = {layer.name for layer in model.layers}
    assert "block3_pool" in names
    assert not any(name.startswith(("block4", "block5")) for name in names)


def test_all_but_the_first_convolution_are_bfloat16():
    model = feature_maps(["block2"], "bfloat16")
    dtypes = {x.name: x.compute_dtype for x in model.layers if "conv" in x.name}
    assert dtypes.pop("block1_conv1") == "float32"
    assert set(dtypes.values()) == {"bfloat16"}


def test_network_written_with_keras_alone():
    from medrecog_core.networks import vgg19

    source = Path(vgg19.__file__).read_text(encoding="utf-8")
    assert "tensorflow" not in source
    assert "import torch" not in source
