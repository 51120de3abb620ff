import pytest

from medrecog_core.networks import find_network
from medrecog_core.networks.summary import summarise
from medrecog_core.ui.networks.architecture import COLOURS, drawn_rows
from tests.ui.test_pages import opened, words


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


@pytest.mark.slow
def test_a_layer_of_the_drawing_is_described_without_hovering_over_it():
    test = opened("pages/5_Networks.py", network="vgg19")
    box = next(each for each in test.selectbox if each.label == "Layer in the drawing")
    assert box.value is None
    box.set_value("block2_pool").run()
    assert not test.exception
    assert "block2_pool: output 56 x 56 x 128, receptive field 16 px." in words(test)
