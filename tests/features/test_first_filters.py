import importlib

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.features import FeatureMapNetwork, first_filters
from medrecog_core.features.self_test import picture
from medrecog_core.networks import find_network, import_weights, installed_weights, load_arrays
from tests.tiny_network import tiny, tiny_arrays, write_npz

__all__ = ["tiny"]

VGG19 = find_network("vgg19")
WEIGHTS = installed_weights(VGG19).identity


def test_filters_applied_to_the_image_in_plain_numpy_give_the_first_map():
    """Red, green and blue are in the image's order, or this could not be."""
    found = first_filters(VGG19, WEIGHTS)
    assert (found.layer, found.kernels.shape) == ("block1_conv1", (64, 3, 3, 3))
    image = picture()[:20, :24]
    preprocess = importlib.import_module("keras.applications.vgg19").preprocess_input
    centred = preprocess(image[None].astype(np.float32))[0, ..., ::-1]
    padded = np.pad(centred, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    bias = load_arrays(VGG19, WEIGHTS, ["block1_conv1"])["block1_conv1"][1]
    expected = np.maximum(np.einsum("hwcij,kijc->hwk", windows, found.kernels) + bias, 0)
    computed = FeatureMapNetwork(VGG19, "block1_conv1", "float32").feature_map(image)
    np.testing.assert_allclose(computed, expected, rtol=1e-4, atol=1e-2)


def test_pictures_are_the_weights_to_scale():
    found = first_filters(VGG19, WEIGHTS)
    for kernel, pixels in zip(found.kernels, found.pictures(), strict=True):
        share = kernel / np.abs(kernel).max()
        assert np.abs((pixels.astype(float) - 128) / 127 - share).max() < 0.005
        assert pixels.max() == 255 or pixels.min() == 1


def test_networks_that_read_red_first_are_not_turned_round(tiny, tmp_path):
    arrays = tiny_arrays()
    weights = import_weights(tiny, write_npz(tmp_path / "a.npz", arrays))
    found = first_filters(tiny, weights.identity)
    expected = np.moveaxis(arrays["block1_conv1"][0], -1, 0)
    np.testing.assert_array_equal(found.kernels, expected)


def test_network_without_weights_is_refused():
    with pytest.raises(MedrecogError, match="are not installed"):
        first_filters(find_network("resnet50"), "resnet50-keras-nothing")
