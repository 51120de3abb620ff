import pytest

from medrecog_core.errors import UsageError
from medrecog_core.networks import NETWORKS, find_network
from medrecog_core.networks.vgg19 import BLOCKS, VGG19


def test_layers_stand_in_the_order_of_their_depth():
    assert [VGG19.depth(layer.name) for layer in VGG19.layers] == list(range(len(VGG19.layers)))
    assert VGG19.deepest(["block4", "block1", "block3"]) == "block4"


def test_blocks_halve_the_image_one_after_another():
    assert [VGG19.layer(name).stride for name, _, _ in BLOCKS] == [2, 4, 8, 16, 32]


def test_unknown_layer_is_refused_with_the_layers_there_are():
    with pytest.raises(UsageError, match=r"“block6” in VGG-19: choose among block1, .*fc2\.$"):
        VGG19.layer("block6")


def test_unknown_network_is_refused_with_the_networks_there_are():
    assert find_network("vgg19") is NETWORKS["vgg19"]
    with pytest.raises(UsageError, match="“alexnet”: choose among vgg19"):
        find_network("alexnet")
