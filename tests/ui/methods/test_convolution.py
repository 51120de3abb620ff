"""The lesson on convolution and max pooling, against SciPy and the network itself."""

import re

import numpy as np
import pytest
from scipy.signal import correlate2d
from skimage.measure import block_reduce

from medrecog_core.features import FeatureMapNetwork
from medrecog_core.features.self_test import picture
from medrecog_core.networks import find_network
from medrecog_core.ui.methods.convolution import (
    SIDE,
    UPLOAD,
    filter_names,
    find_filter,
    max_pool,
)
from tests.ui.test_pages import opened, words

PAGE = "pages/7_Methods.py"
BY_HAND = [name for name in filter_names() if "VGG" not in name]


@pytest.mark.parametrize("name", BY_HAND)
def test_the_map_is_scipys_correlation(name):
    chosen = find_filter(name)
    values = chosen.values(picture()[:40, :30])
    expected = correlate2d(values[..., 0], chosen.weights[..., 0], mode="same")
    found = chosen.convolve(values)
    np.testing.assert_allclose(found, np.maximum(expected, 0), atol=1e-3)
    np.testing.assert_allclose(
        np.maximum((chosen.patch(values, 0, 7) * chosen.weights).sum(), 0), found[0, 7], atol=1e-3
    )


@pytest.mark.slow
def test_a_filter_of_the_network_gives_the_networks_own_map():
    pixels = picture()[:SIDE, :SIDE]
    network = FeatureMapNetwork(find_network("vgg19"), "block1_conv1", "float32")
    maps = network.feature_map(pixels)
    assert len(filter_names()) - len(BY_HAND) == maps.shape[-1]
    for i in (0, 5, 63):
        chosen = find_filter(f"VGG-19 filter {i}")
        found = chosen.convolve(chosen.values(pixels))
        np.testing.assert_allclose(found, maps[..., i], rtol=1e-3, atol=1e-2)


def test_max_pooling_keeps_the_largest_of_each_block():
    feature_map = np.random.default_rng(0).standard_normal((6, 8))
    np.testing.assert_array_equal(max_pool(feature_map), block_reduce(feature_map, 2, np.max))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["blur", "VGG-19 filter 5"])
def test_the_step_of_the_address_is_shown_in_numbers(name):
    step = {"filter": name, "conv-row": "20", "conv-column": "11"}
    test = opened(PAGE, lesson="Convolution", **step)
    assert not test.exception
    found = re.search(r"\*\*(-?[\d.]+)\*\*; the map has \*\*([\d.]+)\*\* there", words(test))
    total, shown = map(float, found.groups())
    assert shown == pytest.approx(max(total, 0))


@pytest.mark.slow
def test_ones_own_image_is_asked_for_and_a_wrong_file_is_said():
    test = opened(PAGE, lesson="Convolution", **{"conv-image": UPLOAD})
    assert not test.exception
    test.file_uploader[0].set_value(("notes.png", b"no image", "image/png")).run()
    assert not test.exception
    assert "The image cannot be used" in test.error[0].value
