"""Graphs of networks and dense layers slid over a map, against Keras's own layers."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.features.pooling import READINGS
from medrecog_core.networks import (
    NETWORKS,
    Network,
    embedded_weights,
    find_network,
    import_weights,
    installed_weights,
)
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.engines import tensorflow
from medrecog_core.networks.engines.tensorflow import feature_maps, sliding_dense
from medrecog_core.networks.map_layers import (
    check_map_layer,
    find_map_layer,
    map_layers,
    reached_map_layers,
    read_at,
)
from medrecog_core.networks.registry import read_table
from tests.networks.fully_convolutional import convolution_kernel
from tests.tiny_network import TINY, keras_model, tiny_arrays, write_npz

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)
CHANNELS, UNITS = 6, 5
SIDE = 96
VGG19 = find_network("vgg19")
"""Modules of `keras.applications` that hold a network's `preprocess_input`."""
MODULES = {
    "vgg19": "vgg19",
    "vgg16": "vgg16",
    "resnet50": "resnet",
    "densenet121": "densenet",
    "efficientnetv2_s": "efficientnet_v2",
    "convnext_tiny": "convnext",
}


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


@dataclass
class Oracle:
    """A network of Keras with seeded weights, and what it makes of images at each layer."""

    network: Network
    arrays: dict[str, list[np.ndarray]]
    maps: list[np.ndarray]


def layers_of(model: Any) -> Any:
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        else:
            yield layer


def seed(model: Any, prepared: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Give every array random values, and batch normalisations the statistics of the images."""
    rng = np.random.default_rng(1)
    for layer in layers_of(model):
        values = layer.get_weights()
        for i, variable in enumerate(layer.weights):
            if variable.name == "gamma" or type(layer).__name__ == "LayerScale":
                values[i] = rng.uniform(0.3, 0.7, values[i].shape)
            elif values[i].ndim == 1 and not variable.name.startswith("moving"):
                values[i] = rng.normal(0, 0.1, values[i].shape)
        if values:
            layer.set_weights(values)
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
    model(prepared, training=True)
    for layer in layers_of(model):
        if type(layer).__name__ == "BatchNormalization":
            # A channel that hardly varies would otherwise magnify the last digits.
            variance = layer.moving_variance
            variance.assign(variance + import_keras().ops.mean(variance))
    return {layer.name: layer.get_weights() for layer in layers_of(model) if layer.weights}


def answer(model: Any, images: np.ndarray) -> list[np.ndarray]:
    """Return what a model gives, without the seconds that compiling it for once would take."""
    ops = import_keras().ops
    values = model(images, training=False)
    return [ops.convert_to_numpy(v) for v in (values if isinstance(values, list) else [values])]


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)


def read_by_keras(network, module, images):
    keras = import_keras()
    keras.utils.set_random_seed(0)
    constructor = getattr(keras.applications, network.keras_name)
    model = constructor(include_top=False, weights=None, input_shape=(None, None, 3))
    preprocess = importlib.import_module(f"keras.applications.{module}").preprocess_input
    prepared = preprocess(images.astype(np.float32))
    arrays = seed(model, prepared)
    by_name = {operation.name: operation for operation in model.operations}
    additions = [name for name in by_name if name.split("_")[0] == "add"]  # counted by the process
    outputs = []
    for name in network.default_layers:
        read_at = network.layer(name).keras_layer
        if read_at not in by_name:
            read_at = additions[int(read_at.removeprefix("add_"))]
        outputs.append(by_name[read_at].output)
    return Oracle(network, arrays, answer(keras.Model(model.inputs[0], outputs), prepared))


@pytest.fixture(scope="module", params=NETWORKS)
def oracle(request, images):
    return read_by_keras(NETWORKS[request.param], MODULES[request.param], images)


def assert_close(found, expected):
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_maps_equal_those_of_keras_for_every_layer(images, oracle):
    network = oracle.network
    model = feature_maps(network, network.default_layers, "float32", oracle.arrays.__getitem__)
    found = answer(model, images)
    for name, values, expected in zip(network.default_layers, found, oracle.maps, strict=True):
        assert values.shape[-1] == network.layer(name).channels
        assert_close(values, expected)


def test_first_layer_alone_reads_no_more_than_it_needs(images, oracle):
    network, names = oracle.network, []

    def read(name):
        names.append(name)
        return oracle.arrays[name]

    first = network.default_layers[0]
    model = feature_maps(network, [first], "float32", read)
    assert_close(answer(model, images)[0], oracle.maps[0])
    needed = [row.name for row in network.needed_rows([first]) if row.arrays]
    assert sorted(names) == sorted(needed)
    assert len(names) < len(oracle.arrays) / 2


def test_bfloat16_reads_nearly_the_same(images, oracle):
    network = oracle.network
    first = network.default_layers[0]
    model = feature_maps(network, [first], "bfloat16", oracle.arrays.__getitem__)
    found = answer(model, images)[0].astype(np.float32).mean(axis=(1, 2))
    expected = oracle.maps[0].mean(axis=(1, 2))
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((found * expected).sum(axis=1) / lengths).min() > 0.999


def test_a_network_is_added_by_a_table_alone(tmp_path, images):
    from scripts.network_table import keras_network, keras_rows, write_table

    head = {
        "title": "MobileNetV2",
        "keras_name": "MobileNetV2",
        "preprocessing": "tf",
        "layers": [
            {"name": "block2", "channels": 24, "stride": 4, "keras_layer": "block_2_add"},
            {"name": "block5", "channels": 32, "stride": 8, "keras_layer": "block_5_add"},
            {"name": "out", "channels": 1280, "stride": 32, "keras_layer": "out_relu"},
        ],
    }
    table = tmp_path / "mobilenet_v2.json"
    write_table(table, {**head, "rows": keras_rows(keras_network("MobileNetV2"))})
    network = read_table(table)
    oracle = read_by_keras(network, "mobilenet_v2", images)
    model = feature_maps(network, network.default_layers, "float32", oracle.arrays.__getitem__)
    for found, expected in zip(answer(model, images), oracle.maps, strict=True):
        assert_close(found, expected)


def test_network_stops_at_the_deepest_layer_asked_for():
    with embedded_weights.opened() as (_, read):
        model = feature_maps(VGG19, ["block1", "block3"], "float32", read)
    names = {layer.name for layer in model.layers}
    assert "block3_pool" in names
    assert not any(name.startswith(("block4", "block5")) for name in names)


def test_all_but_the_first_convolution_are_bfloat16():
    with embedded_weights.opened() as (_, read):
        model = feature_maps(VGG19, ["block2"], "bfloat16", read)
    dtypes = {x.name: x.compute_dtype for x in model.layers if "conv" in x.name}
    assert dtypes.pop("block1_conv1") == "float32"
    assert set(dtypes.values()) == {"bfloat16"}
    assert {x.variable_dtype for x in model.layers if x.name in dtypes} == {"bfloat16"}


def test_statistics_of_normalisations_stay_float32_beside_bfloat16():
    network = find_network("densenet121")
    rng = np.random.default_rng(0)
    arrays = {
        row.name: [rng.uniform(0.1, 1, shape).astype(np.float32) for shape in row.arrays.values()]
        for row in network.needed_rows(["block1"])
    }
    model = feature_maps(network, ["block1"], "bfloat16", arrays.__getitem__)
    kept = [x for x in model.layers if type(x).__name__ == "BatchNormalization"]
    assert len(kept) == 6  # those that follow no convolution: one before each layer of the block
    assert {x.variable_dtype for x in kept} == {"float32"}


@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
def test_head_is_read_as_convolutions_of_the_dense_weights(name):
    keras, network = import_keras(), find_network(name)
    keras.utils.set_random_seed(1)
    dense = getattr(keras.applications, network.keras_name)(weights=None)
    pixels = np.random.default_rng(2).integers(0, 256, (1, 224, 224, 3), dtype=np.uint8)
    model = feature_maps(
        network, ["fc1", "fc2"], "float32", lambda name: dense.get_layer(name).get_weights()
    )
    found = answer(model, pixels)
    prepared = keras.applications.vgg16.preprocess_input(pixels.astype(np.float32))
    naive = keras.Model(dense.input, [dense.get_layer(name).output for name in ("fc1", "fc2")])
    for values, expected in zip(found, answer(naive, prepared), strict=True):
        assert values.shape == (1, 1, 1, 4096)
        assert_close(values[:, 0, 0], expected)


def test_a_head_of_any_size_follows_from_the_table():
    arrays = tiny_arrays()
    pixels = np.random.default_rng(2).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    model = feature_maps(TINY, ["block2", "fc2"], "float32", arrays.__getitem__)
    blocks, fc2 = answer(model, pixels)
    assert blocks.shape == (3, 2, 2, 6)
    dense = keras_model(arrays)
    naive = import_keras().Model(dense.input, [dense.get_layer("fc2").output])
    assert_close(fc2[:, 0, 0], answer(naive, pixels.astype(np.float32))[0])
    wider = answer(model, np.zeros((1, 16, 12, 3), np.uint8))[1]
    assert wider.shape == (1, 3, 2, 5)


def test_arrays_of_another_shape_are_never_read_in():
    arrays = {**tiny_arrays(), "block2_conv1": (np.zeros((3, 3, 4, 5)), np.zeros(5))}
    with pytest.raises(
        ValueError, match=r"shape \((1, )?3, 3, 4, 5\) instead of \((1, )?3, 3, 4, 6\)"
    ):
        feature_maps(TINY, ["block2"], "float32", arrays.__getitem__)


def test_arrays_are_let_go_of_one_layer_after_another():
    held = []

    def read(name):
        # A reference of ours, of the list's and of getrefcount's argument: no layer has one.
        assert all(sys.getrefcount(array) <= 3 for array in held), name
        values = tuple(array.copy() for array in tiny_arrays()[name])
        held.append(values[0])
        return values

    feature_maps(TINY, ["fc2"], "bfloat16", read)
    assert len(held) == 4


def test_networks_are_written_with_keras_alone():
    for name in ("engines.tensorflow", "table"):
        module = importlib.import_module(f"medrecog_core.networks.{name}")
        source = Path(module.__file__).read_text(encoding="utf-8")
        assert "import tensorflow" not in source
        assert "import torch" not in source


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
    with pytest.raises(
        UsageError, match="Unknown layer “flatten” in VGG-19, or one without feature maps"
    ):
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


def test_a_small_batch_is_filled_up_where_another_shape_would_be_compiled(monkeypatch):
    places = [("block1", "max"), ("block2", "average")]
    readings = {place: READINGS[place[1]] for place in places}
    images = RNG.integers(0, 256, (3, 20, 16, 3), dtype=np.uint8)
    arguments = (TINY, readings, "float32", tiny_arrays().__getitem__)
    expected = tensorflow.ENGINE.graph(*arguments).read(images[:1], places)
    monkeypatch.setattr(tensorflow, "gains_from_xla", lambda precision: True)
    graph = tensorflow.ENGINE.graph(*arguments)
    graph.read(images, places)
    (model,) = graph._models.values()
    compute, shapes = model.predict_on_batch, []
    monkeypatch.setattr(
        model, "predict_on_batch", lambda batch: shapes.append(batch.shape) or compute(batch)
    )
    found = graph.read(images[:1], places)
    assert shapes == [(3, 20, 16, 3)]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * theirs.max())
