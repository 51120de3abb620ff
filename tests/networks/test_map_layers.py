import importlib

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks import NETWORKS, find_network, import_weights, installed_weights
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.feature_maps import feature_maps
from medrecog_core.networks.map_layers import (
    check_map_layer,
    find_map_layer,
    map_layers,
    reached_map_layers,
    read_at,
)
from tests.networks.test_feature_maps import MODULES, answer, assert_close, seed
from tests.tiny_network import TINY, tiny_arrays, write_npz

VGG19 = find_network("vgg19")
CONVOLUTIONS = [row.name for row in VGG19.rows if row.kind == "Conv2D"]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_readable_layer_is_among_them_in_its_order(name):
    network = NETWORKS[name]
    layers = map_layers(network)
    assert tuple(layer for layer in layers if layer in network.layers) == network.layers
    assert len({layer.name for layer in layers}) == len(layers)
    for layer in layers:
        assert layer.channels == network.row[layer.keras_layer].channels


@pytest.mark.parametrize("name", NETWORKS)
def test_strides_of_inner_layers_are_those_of_the_table_where_it_has_them(name):
    network = NETWORKS[name]
    blocks = [layer for layer in network.layers if not layer.in_head]
    unnamed = {layer.keras_layer: layer.stride for layer in map_layers(read_at(network, []))}
    assert {layer.keras_layer: layer.stride for layer in blocks}.items() <= unnamed.items()


def test_all_convolutions_of_vgg19_are_reached_by_the_embedded_weights():
    reached = [layer.name for layer in reached_map_layers(VGG19, installed_weights(VGG19))]
    assert [name for name in reached if "conv" in name] == CONVOLUTIONS
    assert [name for name in reached if "conv" not in name] == list(VGG19.default_layers)


def test_layers_without_positions_are_left_out():
    kinds = {
        network.row[layer.keras_layer].kind
        for network in NETWORKS.values()
        for layer in map_layers(network)
    }
    assert kinds.isdisjoint({"GlobalAveragePooling2D", "InputLayer", "Flatten", "Reshape"})
    names = {layer.name for layer in map_layers(find_network("efficientnetv2_s"))}
    assert not any("_se_" in name and not name.endswith("excite") for name in names)


def test_a_layer_is_found_by_both_of_its_names():
    assert find_map_layer(VGG19, "block3") is find_map_layer(VGG19, "block3_pool")
    assert find_map_layer(VGG19, "block3_conv1").channels == 256


def test_unknown_layer_is_refused():
    with pytest.raises(UsageError, match="no layer “flatten” with feature maps in VGG-19"):
        find_map_layer(VGG19, "flatten")


@pytest.mark.parametrize("name", ["fc1", "predictions"])
def test_layer_beyond_the_weights_is_refused(name):
    with pytest.raises(MedrecogError, match=f"do not reach {name}"):
        check_map_layer(VGG19, name, installed_weights(VGG19))


def test_head_is_reached_with_weights_that_have_it(tiny, tmp_path):
    weights = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    assert check_map_layer(tiny, "fc2", weights) is TINY.layer("fc2")


@pytest.mark.parametrize("name", ["resnet50", "efficientnetv2_s", "convnext_tiny"])
def test_maps_between_the_readable_layers_equal_those_of_keras(name):
    network = NETWORKS[name]
    keras = import_keras()
    model = getattr(keras.applications, network.keras_name)(
        include_top=False, weights=None, input_shape=(None, None, 3)
    )
    module = importlib.import_module(f"keras.applications.{MODULES[name]}")
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    prepared = module.preprocess_input(images.astype(np.float32))
    arrays = seed(model, prepared)
    outputs = {operation.name: operation.output for operation in model.operations}
    inner = [layer for layer in map_layers(network) if layer.name in outputs]
    first, chosen = inner[:4], inner[4::11]
    layers = [*first, *chosen]
    expected = answer(
        keras.Model(model.inputs[0], [outputs[layer.name] for layer in layers]), prepared
    )
    names = [layer.name for layer in layers]
    graph = feature_maps(read_at(network, layers), names, "float32", arrays.__getitem__)
    for layer, found, values in zip(layers, answer(graph, images), expected, strict=True):
        assert found.shape[-1] == layer.channels
        assert_close(found, values)
