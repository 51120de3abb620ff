import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.networks import NETWORKS, Network, find_network
from medrecog_core.networks.parameters import (
    is_optional,
    network_parameters,
    official_bytes,
    reached_layers,
)

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")


def test_vgg19_has_as_many_parameters_as_keras_s_own():
    rows = network_parameters(VGG19)
    assert sum(row.n_parameters for row in rows) == 143_667_240
    needed = [row for row in rows if not is_optional(VGG19, row)]
    assert (len(needed), sum(row.n_parameters for row in needed)) == (16, 20_024_384)


def test_shapes_and_names_are_those_of_keras():
    from medrecog_core.networks.backend import import_keras

    network = import_keras().applications.VGG19(include_top=False, weights=None)
    expected = {x.name: [tuple(w.shape) for w in x.weights] for x in network.layers if x.weights}
    table = {row.name: [shape for _, shape in row.shapes] for row in network_parameters(VGG19)}
    assert list(table)[:16] == list(expected)
    assert {name: table[name] for name in expected} == expected
    assert table["fc1"] == [(25088, 4096), (4096,)]
    assert table["fc2"] == [(4096, 4096), (4096,)]
    assert table["predictions"] == [(4096, 1000), (1000,)]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_its_table_and_every_layer_of_it_is_read_somewhere(name):
    network = NETWORKS[name]
    read_at = {row.read_at for row in network_parameters(network)} - {None}
    assert read_at == {layer.name for layer in network.layers}


def test_layers_are_reached_as_far_as_nothing_is_missing(tiny):
    every = [row.name for row in network_parameters(tiny)]
    assert reached_layers(tiny, every) == ("block1", "block2", "fc1", "fc2")
    assert reached_layers(tiny, every[:4]) == ("block1", "block2", "fc1", "fc2")
    assert reached_layers(tiny, every[:2]) == ("block1", "block2")
    assert reached_layers(tiny, [every[0], *every[2:]]) == ("block1",)
    assert reached_layers(tiny, []) == ()


def test_a_network_without_a_table_is_named():
    with pytest.raises(MedrecogError, match="No weights can be installed for Unknown"):
        network_parameters(Network("unknown", "Unknown", ()))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_their_head_networks_have_as_many_parameters_as_keras_s_own(name):
    from scripts.network_table import keras_network

    network = NETWORKS[name]
    headless = keras_network(network.keras_name, include_top=False)
    needed = [row for row in network_parameters(network) if not is_optional(network, row)]
    of_keras = headless.count_params()
    if name == "convnext_tiny":
        of_keras -= 2 * 768  # Keras normalises the last map once more where there is no head
    assert sum(row.n_parameters for row in needed) == of_keras


def test_sizes_of_official_files_are_about_right():
    assert official_bytes(VGG19) == 4 * 143_667_240
    assert official_bytes(find_network("resnet50")) == 4 * 23_587_712
