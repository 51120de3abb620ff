"""The fully convolutional form against the dense networks of Keras, with seeded weights."""

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.networks.backend import import_keras
from tests.networks.fully_convolutional import convolution_kernel, fully_convolutional

pytestmark = pytest.mark.slow

HEAD = ("fc1", "fc2", "predictions")
# The report's appendix 3.1 and 3.2: parameters of every layer of VGG-19.
APPENDIX = {
    "block1_conv1": 1792,
    "block1_conv2": 36928,
    "block2_conv1": 73856,
    "block2_conv2": 147584,
    "block3_conv1": 295168,
    "block3_conv2": 590080,
    "block3_conv3": 590080,
    "block3_conv4": 590080,
    "block4_conv1": 1180160,
    "block4_conv2": 2359808,
    "block4_conv3": 2359808,
    "block4_conv4": 2359808,
    "block5_conv1": 2359808,
    "block5_conv2": 2359808,
    "block5_conv3": 2359808,
    "block5_conv4": 2359808,
    "fc1": 102764544,
    "fc2": 16781312,
    "predictions": 4097000,
}


@pytest.fixture(scope="module")
def dense():
    keras = import_keras()
    keras.utils.set_random_seed(0)
    network = keras.applications.VGG19(weights=None)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.weights:
            kernel, _ = layer.get_weights()
            layer.set_weights([kernel, rng.normal(scale=0.01, size=kernel.shape[-1])])
    yield network


@pytest.fixture(scope="module")
def convolutional(dense):
    return fully_convolutional(dense)


def up_to(network, *names):
    keras = import_keras()
    return keras.Model(network.inputs, [network.get_layer(name).output for name in names])


def image(side, seed=0):
    return np.random.default_rng(seed).normal(size=(1, side, side, 3)).astype(np.float32) * 50


def test_head_at_224_equals_the_dense_network(dense, convolutional):
    expected = up_to(dense, *HEAD).predict(image(224), verbose=0)
    found = up_to(convolutional, *HEAD).predict(image(224), verbose=0)
    for dense_output, output in zip(expected, found, strict=True):
        assert output.shape == (1, 1, 1, dense_output.shape[-1])
        np.testing.assert_allclose(
            output[:, 0, 0], dense_output, rtol=1e-4, atol=1e-4 * np.abs(dense_output).max()
        )


def test_parameters_are_those_of_the_report_s_appendix(convolutional):
    counted = {x.name: x.count_params() for x in convolutional.layers if x.count_params()}
    assert counted == APPENDIX
    assert convolutional.count_params() == sum(APPENDIX.values()) == 143_667_240


@pytest.mark.parametrize(("scale", "positions"), [(224, 1), (544, 11), (864, 21), (1184, 31)])
def test_positions_of_the_head_at_the_report_s_scales(convolutional, scale, positions):
    for name in HEAD:
        shape = convolutional.get_layer(name).output.shape
        assert shape[1:3] == (None, None)
    fc1 = up_to(convolutional, "fc1").compute_output_shape((1, scale, scale, 3))
    shape = fc1[0] if isinstance(fc1, list) else fc1
    assert tuple(shape)[1:3] == (positions, positions)


def test_a_position_equals_the_dense_network_on_the_crop_below_it(dense, convolutional):
    """Where padding does not reach: the map of the whole image is read, not that of the crop."""
    keras = import_keras()
    whole = image(288)
    block5 = up_to(convolutional, "block5_pool").predict(whole, verbose=0)
    block5 = block5[0] if isinstance(block5, list) else block5
    found = up_to(convolutional, "fc2").predict(whole, verbose=0)
    found = found[0] if isinstance(found, list) else found
    assert block5.shape[1:3] == (9, 9)
    assert found.shape[1:3] == (3, 3)
    head = keras.Input((7, 7, 512))
    x = head
    for name in ("flatten", "fc1", "fc2"):
        x = dense.get_layer(name)(x)
    on_crops = keras.Model(head, x)
    for row in range(3):
        for column in range(3):
            crop = block5[:, row : row + 7, column : column + 7]
            np.testing.assert_allclose(
                found[:, row, column],
                on_crops.predict(crop, verbose=0),
                rtol=1e-4,
                atol=1e-4 * found.max(),
            )


def test_kernel_is_turned_without_copying():
    kernel = np.arange(2 * 3 * 4 * 5.0).reshape(24, 5)
    turned = convolution_kernel(kernel, 2, 3)
    assert turned.shape == (2, 3, 4, 5)
    assert np.shares_memory(turned, kernel)
    assert turned[1, 2, 3, 4] == kernel[(1 * 3 + 2) * 4 + 3, 4]


def test_small_classifier_of_any_kind_is_turned():
    keras = import_keras()
    small = keras.Sequential(
        [
            keras.Input((12, 10, 2)),
            keras.layers.Conv2D(3, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dense(6, activation="tanh"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(4, activation="softmax", use_bias=False),
        ]
    )
    pixels = np.random.default_rng(1).normal(size=(2, 12, 10, 2)).astype(np.float32)
    turned = fully_convolutional(small)
    np.testing.assert_allclose(
        turned.predict(pixels, verbose=0)[:, 0, 0], small.predict(pixels, verbose=0), rtol=1e-4
    )
    assert turned.predict(np.zeros((1, 20, 14, 2)), verbose=0).shape == (1, 5, 3, 4)


def test_network_without_such_a_head_is_refused():
    keras = import_keras()
    headless = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(MedrecogError, match="no Flatten and Dense head"):
        fully_convolutional(headless)
