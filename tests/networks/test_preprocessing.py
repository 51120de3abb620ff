"""Against the preprocessing of Keras."""

import numpy as np
import pytest

from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.preprocessing import PREPROCESSINGS, prepared


@pytest.mark.parametrize("mode", [mode for mode in PREPROCESSINGS if mode != "none"])
def test_pixels_become_what_keras_makes_of_them(mode):
    keras = import_keras()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    expected = keras.applications.imagenet_utils.preprocess_input(
        pixels.astype(np.float32), mode=mode
    )
    found = keras.ops.convert_to_numpy(prepared(keras, mode, pixels))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_pixels_are_left_to_the_network_where_it_prepares_them_itself():
    keras = import_keras()
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(prepared(keras, "none", pixels), pixels.astype(np.float32))
