"""Maps of one layer, and the evidence they hold, from the network itself."""

import importlib
import io
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from medrecog_core.classification import explain, l2_score, plain_score
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features import (
    GLOBAL_POOLINGS,
    FeatureMapNetwork,
    PooledNetwork,
    first_filters,
    inspection,
    with_evidence,
)
from medrecog_core.features.inspection import ORDERS, ImageWalk, strongest
from medrecog_core.features.self_test import picture, picture_file
from medrecog_core.images import UnreadableImageError
from medrecog_core.networks import find_network, import_weights, installed_weights, load_arrays
from medrecog_core.networks.backend import import_keras
from tests.svms import train_svm
from tests.tiny_network import tiny, tiny_arrays, write_npz

pytestmark = pytest.mark.slow

__all__ = ["tiny"]

VGG19 = find_network("vgg19")
WEIGHTS = installed_weights(VGG19).identity
FEATURE_MAPS = arrays(
    np.float32,
    array_shapes(min_dims=3, max_dims=3, max_side=6),
    elements=st.floats(-8, 8, width=16),
)


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


def pictures(side, n):
    """Pictures with structure: the self-test's, shifted, mirrored and dimmed."""
    repeated = np.tile(picture(), (3, 3, 1))
    return np.stack(
        [
            (repeated[31 * i : 31 * i + side, :: (-1) ** i][:, :side] // (1 + i % 3))
            for i in range(n)
        ]
    ).astype(np.uint8)


@pytest.fixture(scope="module")
def networks():
    readings = [("block5", pooling) for pooling in with_evidence()]
    return PooledNetwork(VGG19, readings, "float32"), FeatureMapNetwork(VGG19, "block5", "float32")


@pytest.mark.parametrize(("side", "n"), [(224, 3), (544, 1)])
def test_evidence_sums_to_the_score_of_the_pooled_network(networks, side, n):
    pooled_network, network = networks
    images = pictures(side, n)
    rng = np.random.default_rng(0)
    maps = [network.feature_map(image) for image in images]
    for (_, name), descriptors in pooled_network.descriptors(images).items():
        pooling = GLOBAL_POOLINGS[name]
        others = np.abs(rng.normal(size=(20, 512))) * descriptors.mean()
        svm = train_svm(others, ["a", "b", "c", "d"] * 5)
        for feature_map, descriptor in zip(maps, descriptors, strict=True):
            found = explain(feature_map, pooling, l2_score(svm, pooling.pool(feature_map)))
            np.testing.assert_allclose(found.scores, svm.scores(descriptor[None])[0], rtol=1e-4)
            plain = explain(feature_map, pooling, plain_score(svm, 512))
            expected = svm.weights @ descriptor.astype(np.float64) + svm.biases
            np.testing.assert_allclose(plain.scores, expected, rtol=1e-4)


def test_pooled_bfloat16_maps_are_the_pooled_network_s_descriptors():
    image = pictures(224, 1)
    readings = [("block4", pooling) for pooling in GLOBAL_POOLINGS]
    expected = PooledNetwork(VGG19, readings, "bfloat16").descriptors(image)
    feature_map = FeatureMapNetwork(VGG19, "block4", "bfloat16", WEIGHTS).feature_map(image[0])
    assert feature_map.dtype == np.float32
    assert feature_map.shape == (14, 14, 512)
    for reading, descriptors in expected.items():
        pooled = GLOBAL_POOLINGS[reading[1]].pool(feature_map)
        np.testing.assert_allclose(pooled, descriptors[0], rtol=1e-3)


def test_unknown_layer_is_refused():
    with pytest.raises(UsageError):
        FeatureMapNetwork(VGG19, "block7", "float32")


@given(FEATURE_MAPS, st.sampled_from(ORDERS), st.integers(1, 8))
def test_no_map_that_is_left_out_is_stronger(feature_map, order, n_maps):
    found = strongest(feature_map, order, n_maps)
    n_channels = feature_map.shape[-1]
    strength = [
        {"mean": np.mean, "maximum": np.max}[order](feature_map[:, :, i].astype(np.float64))
        for i in range(n_channels)
    ]
    expected = sorted(range(n_channels), key=lambda i: (-strength[i], i))[:n_maps]
    assert found.channels.tolist() == expected
    assert found.n_channels == n_channels
    for channel, mean, maximum, values in zip(
        found.channels, found.means, found.maxima, found.maps, strict=True
    ):
        np.testing.assert_array_equal(values, feature_map[:, :, channel])
        assert maximum == values.max()
        assert mean == pytest.approx(values.astype(np.float64).mean(), abs=1e-6)


@given(FEATURE_MAPS)
def test_pictures_are_white_at_the_maximum_and_black_at_zero_and_less(feature_map):
    found = strongest(feature_map, "maximum", 6)
    for values, pixels in zip(found.maps, found.pictures(), strict=True):
        assert (pixels[values <= 0] == 0).all()
        if values.max() > 0:
            assert (pixels[values == values.max()] == 255).all()


def test_orders_differ():
    feature_map = np.zeros((2, 2, 2), np.float32)
    feature_map[..., 0] = 2
    feature_map[0, 0, 1] = 5
    assert strongest(feature_map, "mean", 1).channels.tolist() == [0]
    assert strongest(feature_map, "maximum", 1).channels.tolist() == [1]


def test_unknown_order_and_no_maps_are_refused():
    with pytest.raises(UsageError, match=r"Unknown order “size”\. Available: mean, maximum"):
        strongest(np.zeros((1, 1, 1)), "size", 1)
    with pytest.raises(UsageError, match="0 maps"):
        strongest(np.zeros((1, 1, 1)), "mean", 0)


@pytest.fixture
def weighted(tiny, tmp_path):
    """Give the tiny network weights and return their identity."""
    return import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays())).identity


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def no_network(*_):
    raise AssertionError("the network was built")


def kept_files(cache):
    return sorted(cache.feature_maps.glob("*.npz"))


LAYERS = {"block2_conv1": "block2_conv1", "block3": "block3_pool"}


@pytest.fixture(scope="module")
def naive():
    """Return what Keras's own VGG-19 gives for the built-in picture at some of its layers."""
    keras = import_keras()
    model = keras.applications.VGG19(include_top=False, weights=None, input_shape=(224, 224, 3))
    names = [each.name for each in model.layers if each.weights]
    for name, values in load_arrays(VGG19, installed_weights(VGG19).identity, names).items():
        model.get_layer(name).set_weights(values)
    prepared = keras.applications.vgg19.preprocess_input(picture()[None].astype(np.float32))
    outputs = [model.get_layer(name).output for name in LAYERS.values()]
    maps = keras.Model(model.inputs[0], outputs)(prepared)
    return {
        name: keras.ops.convert_to_numpy(values)[0]
        for name, values in zip(LAYERS, maps, strict=True)
    }


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("order", ["mean", "maximum"])
def test_maps_are_the_strongest_of_keras_s_own_network(naive, layer, order):
    expected = strongest(naive[layer], order, 5)
    found = ImageWalk("vgg19", layer, order=order, n_maps=5).walk(picture_file())
    assert found.channels.tolist() == expected.channels.tolist()
    assert found.n_channels == expected.n_channels
    np.testing.assert_allclose(found.means, expected.means, rtol=1e-4)
    np.testing.assert_allclose(found.maxima, expected.maxima, rtol=1e-4)
    np.testing.assert_allclose(found.maps, expected.maps, rtol=1e-4, atol=0.5)


def test_second_look_needs_no_network(weighted, monkeypatch):
    walk = ImageWalk("tiny", "block1_conv1", n_maps=3)
    assert walk.kept(picture_file()) is None
    first = walk.walk(picture_file())
    monkeypatch.setattr(inspection, "FeatureMapNetwork", no_network)
    second = walk.walk(picture_file())
    for name in ("channels", "means", "maxima", "maps"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert second.n_channels == 4


def test_whatever_changes_the_maps_is_looked_at_anew(weighted, tiny, tmp_path):
    ImageWalk("tiny", "block1").walk(picture_file())
    others = [
        ImageWalk("tiny", "block1_conv1"),
        ImageWalk("tiny", "block1", scale=256),
        ImageWalk("tiny", "block1", order="maximum"),
        ImageWalk("tiny", "block1", n_maps=2),
        ImageWalk("tiny", "block1", precision="bfloat16"),
    ]
    assert [walk.kept(picture_file()) for walk in others] == [None] * len(others)
    assert ImageWalk("tiny", "block1").kept(png(picture()[::-1])) is None
    assert ImageWalk("tiny", "block1_pool").kept(picture_file()) is not None
    import_weights(tiny, write_npz(tmp_path / "b.npz", tiny_arrays(1)))
    assert ImageWalk("tiny", "block1").kept(picture_file()) is None


@pytest.mark.parametrize("damage", ["empty", "cut", "other", "shape"])
def test_damage_is_a_miss_and_mended(weighted, cache, damage):
    walk = ImageWalk("tiny", "block2")
    expected = walk.walk(picture_file())
    (file,) = kept_files(cache)
    content = file.read_bytes()
    if damage == "shape":
        with file.open("wb") as opened:
            ones = np.ones(3, np.float32)
            np.savez(opened, channels=np.arange(3), means=ones, maxima=ones, maps=ones)
    else:
        file.write_bytes({"empty": b"", "cut": content[:-40], "other": b"abc"}[damage])
    assert walk.kept(picture_file()) is None
    np.testing.assert_array_equal(walk.walk(picture_file()).maps, expected.maps)
    assert walk.kept(picture_file()) is not None


def test_the_oldest_go_when_there_are_too_many(weighted, cache, monkeypatch):
    walk = ImageWalk("tiny", "block2")
    pictures = [png(np.roll(picture(), i, axis=0)) for i in range(4)]
    for i, content in enumerate(pictures[:3]):
        walk.walk(content)
        (new,) = (path for path in kept_files(cache) if path.stat().st_mtime > 10)
        os.utime(new, (i, i))
    assert walk.kept(pictures[0]) is not None  # now the one last looked at
    sizes = [path.stat().st_size for path in kept_files(cache)]
    monkeypatch.setattr(inspection, "MAX_KEPT_BYTES", int(2.5 * max(sizes)))
    walk.walk(pictures[3])
    kept = [walk.kept(content) is not None for content in pictures]
    assert kept == [True, False, False, True]
    monkeypatch.setattr(inspection, "MAX_KEPT_BYTES", 1)
    walk.walk(pictures[1])
    assert [walk.kept(content) is not None for content in pictures] == [False, True, False, False]


def test_large_maps_are_averaged_and_keep_their_own_figures(weighted):
    found = ImageWalk("tiny", "block1_conv1", scale=544).walk(picture_file())
    assert found.maps.shape == (4, 182, 182)
    np.testing.assert_allclose(found.maps.mean(axis=(1, 2)), found.means, atol=2.0)
    assert (found.maps.max(axis=(1, 2)) <= found.maxima).all()


def test_what_cannot_be_is_refused(weighted):
    with pytest.raises(UsageError, match="input size 100 is not valid"):
        ImageWalk("vgg19", "block1", scale=100)
    with pytest.raises(UsageError, match="Unknown order"):
        ImageWalk("vgg19", "block1", order="size")
    with pytest.raises(UsageError, match="65 maps"):
        ImageWalk("vgg19", "block1", n_maps=65)
    with pytest.raises(UsageError, match="Unknown layer"):
        ImageWalk("vgg19", "nothing")
    with pytest.raises(MedrecogError, match="No weights of ResNet-50 are installed"):
        ImageWalk("resnet50", "conv2")
    with pytest.raises(UnreadableImageError):
        ImageWalk("tiny", "block1").walk(b"no picture")
