"""One pass with pooling in the graph, against naive Keras sub-models and NumPy."""

import numpy as np
import pytest
from sklearn.preprocessing import normalize

from medrecog_core.errors import UsageError
from medrecog_core.features import GLOBAL_POOLINGS, PooledNetwork, batch_size
from medrecog_core.features.cell import LOCAL
from medrecog_core.networks import device, embedded_weights, find_network
from medrecog_core.networks.backend import import_keras

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
BLOCKS = ("block1", "block2", "block3", "block4", "block5")
READINGS = [(layer, pooling) for layer in BLOCKS for pooling in GLOBAL_POOLINGS]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def descriptors(images):
    return PooledNetwork(VGG19, READINGS, "float32").descriptors(images)


@pytest.fixture(scope="module")
def naive_maps(images):
    """A sub-model a layer, as everyone writes it."""
    keras = import_keras()
    network = keras.applications.VGG19(include_top=False, weights=None)
    for name, arrays in embedded_weights.load().items():
        network.get_layer(name).set_weights(arrays)
    prepared = keras.applications.vgg19.preprocess_input(images.astype(np.float32))
    return {
        layer: keras.Model(network.input, network.get_layer(f"{layer}_pool").output).predict(
            prepared, verbose=0
        )
        for layer in BLOCKS
    }


@pytest.mark.parametrize("pooling", GLOBAL_POOLINGS)
@pytest.mark.parametrize("layer", BLOCKS)
def test_pooling_in_the_graph_equals_naive_maps_in_numpy(descriptors, naive_maps, layer, pooling):
    expected = np.array([GLOBAL_POOLINGS[pooling].pool(each) for each in naive_maps[layer]])
    np.testing.assert_allclose(
        descriptors[layer, pooling], expected, rtol=1e-4, atol=1e-4 * expected.max()
    )


@pytest.mark.parametrize("layer", ["block1", "block4", "block5"])
def test_local_descriptors_are_the_naive_map_s_positions_at_length_one(images, naive_maps, layer):
    found = PooledNetwork(VGG19, [(layer, LOCAL)], "float32").descriptors(images)[layer, LOCAL]
    expected = normalize(naive_maps[layer].reshape(-1, VGG19.layer(layer).channels))
    assert found.dtype == np.float16
    assert found.shape == naive_maps[layer].shape
    np.testing.assert_allclose(found, expected.reshape(found.shape), atol=1e-3)


def test_local_descriptors_come_out_of_the_same_pass_as_pooled_ones(images, descriptors):
    readings = [("block2", LOCAL), ("block2", "average"), ("block1", LOCAL)]
    network = PooledNetwork(VGG19, readings, "float32")
    found = network.descriptors(images)
    assert set(found) == set(network.readings) == set(readings)
    np.testing.assert_allclose(
        found["block2", "average"], descriptors["block2", "average"], rtol=1e-5
    )


def test_descriptors_are_float32_of_the_layer_s_channels(descriptors):
    for (layer, _), values in descriptors.items():
        assert values.dtype == np.float32
        assert values.shape == (3, VGG19.layer(layer).channels)


def test_one_reading_alone_gives_what_it_gives_among_all(images, descriptors):
    alone = PooledNetwork(VGG19, [("block2", "max")], "float32").descriptors(images)
    assert list(alone) == [("block2", "max")]
    np.testing.assert_allclose(alone["block2", "max"], descriptors["block2", "max"], rtol=1e-5)


def test_an_image_s_descriptor_does_not_depend_on_its_batch(images, descriptors):
    network = PooledNetwork(VGG19, [("block3", "average")], "float32")
    one_by_one = np.concatenate(
        [network.descriptors(images[i : i + 1])["block3", "average"] for i in range(3)]
    )
    np.testing.assert_allclose(one_by_one, descriptors["block3", "average"], rtol=1e-4)


def test_bfloat16_descriptors_point_where_float32_ones_do(images, descriptors):
    rounded = PooledNetwork(VGG19, READINGS, "bfloat16").descriptors(images)
    for reading, exact in descriptors.items():
        lengths = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded[reading], axis=1)
        cosines = (exact * rounded[reading]).sum(axis=1) / lengths
        assert cosines.min() > 0.999, reading


def test_other_scales_and_rectangles_go_through_the_same_graph():
    network = PooledNetwork(VGG19, [("block1", "max")], "float32")
    for shape in ((1, 224, 224, 3), (2, 256, 300, 3)):
        values = network.descriptors(np.zeros(shape, np.uint8))["block1", "max"]
        assert values.shape == (shape[0], 64)


def test_unknown_reading_is_refused():
    with pytest.raises(UsageError):
        PooledNetwork(VGG19, [("block7", "max")], "float32")
    with pytest.raises(UsageError):
        PooledNetwork(VGG19, [("block1", "median")], "float32")
    with pytest.raises(UsageError, match="Unknown reading “vlad”"):
        PooledNetwork(VGG19, [("block1", "vlad")], "float32")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_batches_shrink_as_the_scale_grows_and_never_vanish(precision):
    sizes = [batch_size(scale, precision) for scale in (224, 544, 864, 1184, 2048)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert sizes[0] > 1


def test_a_gpu_takes_larger_batches(monkeypatch):
    on_cpu = batch_size(224, "bfloat16")
    gpu = device.Device("gpu", "a GPU", 2, True)
    monkeypatch.setattr("medrecog_core.features.pooled_network.find_device", lambda: gpu)
    assert batch_size(224, "bfloat16") > on_cpu


def test_a_map_comes_beside_its_pooled_descriptors_in_one_pass(images, naive_maps):
    asked = [("block4", "map"), ("block4", "average"), ("block3", "max")]
    network = PooledNetwork(VGG19, asked, "float32")
    found = network.descriptors(images)
    expected = naive_maps["block4"]
    np.testing.assert_allclose(
        found["block4", "map"], expected, rtol=1e-4, atol=1e-4 * expected.max()
    )
    pooled = found["block4", "map"].mean(axis=(1, 2), dtype=np.float64)
    np.testing.assert_allclose(found["block4", "average"], pooled, rtol=1e-5, atol=1e-5)
    some = network.descriptors(images, [("block4", "average")])
    assert list(some) == [("block4", "average")]
    np.testing.assert_allclose(some["block4", "average"], found["block4", "average"], rtol=1e-5)


def test_float32_is_not_rounded_to_tf32():
    import_keras()
    import tensorflow

    assert not tensorflow.config.experimental.tensor_float_32_execution_enabled()
