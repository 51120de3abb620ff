import pytest

from medrecog_core.networks import find_network
from medrecog_core.networks.summary import summarise
from medrecog_core.ui.networks.architecture import COLOURS, drawn_rows


def test_every_layer_of_a_short_network_is_drawn():
    network = find_network("vgg19")
    rows = summarise(network, 224)
    assert drawn_rows(network, rows) == list(rows)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "efficientnetv2_s", "convnext_tiny"])
def test_of_a_long_network_what_is_read_is_drawn(name):
    network = find_network(name)
    first, *drawn = drawn_rows(network, summarise(network, 544))
    assert first.kind == "InputLayer"
    assert [row.name for row in drawn] == [layer.name for layer in network.layers]
    assert [row.channels for row in drawn] == [layer.channels for layer in network.layers]
    assert {row.kind for row in drawn} == {"stage"} <= set(COLOURS)
