"""A dense layer slid over a map, against Keras's dense layer and convolution."""

import numpy as np
import pytest

from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.sliding_dense import sliding_dense
from tests.networks.fully_convolutional import convolution_kernel

RNG = np.random.default_rng(0)
CHANNELS, UNITS = 6, 5


def slid(window, maps, kernel, bias, dtype="float32"):
    keras = import_keras()
    layer = sliding_dense(keras)(
        window=window, units=UNITS, activation="relu", name="fc", dtype=dtype
    )
    image = keras.Input((None, None, CHANNELS))
    model = keras.Model(image, layer(image))
    layer.set_weights([kernel, bias])
    return keras.ops.convert_to_numpy(keras.ops.cast(model(maps), "float32"))


@pytest.fixture(params=[(1, 1, 4, 4), (2, 3, 5, 3), (1, 7, 7, 7), (3, 7, 9, 8)])
def case(request):
    n, window, height, width = request.param
    maps = RNG.normal(size=(n, max(height, window), max(width, window), CHANNELS))
    kernel = RNG.normal(size=(window**2 * CHANNELS, UNITS))
    return window, maps.astype(np.float32), kernel.astype(np.float32), RNG.normal(size=UNITS)


def test_each_position_equals_the_dense_network_on_the_window_below_it(case):
    window, maps, kernel, bias = case
    found = slid(*case)
    n, rows, columns, _ = found.shape
    assert (n, rows + window - 1, columns + window - 1) == maps.shape[:3]
    for i in range(rows):
        for j in range(columns):
            flat = maps[:, i : i + window, j : j + window].reshape(n, -1)
            expected = np.maximum(flat @ kernel + bias, 0)
            np.testing.assert_allclose(found[:, i, j], expected, rtol=1e-4, atol=1e-4)


def test_it_equals_the_convolution_with_the_dense_kernel(case):
    window, maps, kernel, bias = case
    keras = import_keras()
    convolution = keras.layers.Conv2D(UNITS, window, activation="relu")
    convolution.build(maps.shape)
    convolution.set_weights([convolution_kernel(kernel, window, window), bias])
    expected = keras.ops.convert_to_numpy(convolution(maps))
    np.testing.assert_allclose(slid(*case), expected, rtol=1e-4, atol=1e-4)


def test_bfloat16_is_nearly_the_same(case):
    exact, rounded = slid(*case), slid(*case, dtype="bfloat16")
    np.testing.assert_allclose(rounded, exact, atol=0.02 * np.abs(exact).max())


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((None, None, None, 6), (None, None, None, 5)), ((2, 9, 8, 6), (2, 3, 2, 5))],
)
def test_shape_is_known_before_any_map_is(shape, expected):
    layer = sliding_dense(import_keras())(window=7, units=UNITS, name="fc", dtype="float32")
    assert layer.compute_output_shape(shape) == expected
