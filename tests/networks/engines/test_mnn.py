"""MNN against the Keras graph of the same table and weights."""

import subprocess
import sys

import numpy as np
import pytest

from medrecog_core.features.pooling import LOCAL, MAP, READINGS
from medrecog_core.networks import find_network, installed_weights, opened_weights
from medrecog_core.networks.engines import mnn, tensorflow
from tests.tiny_network import TINY, tiny_arrays

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
BLOCKS = ("block1", "block2", "block3", "block4", "block5")
MOST = 1e-5
"""Of the largest value: what lets engines share the entries of the feature cache."""
HEAD = ("block1", "block2", "fc1", "fc2")


def graphs(network, layers, read):
    readings = {(layer, name): READINGS[name] for layer in layers for name in READINGS}
    return [
        engine.graph(network, readings, "float32", read)
        for engine in (mnn.ENGINE, tensorflow.ENGINE)
    ], list(readings)


@pytest.fixture(scope="module")
def vgg19():
    with opened_weights(VGG19, installed_weights(VGG19).identity) as read:
        yield graphs(VGG19, BLOCKS, read)


def compare(both, images):
    (found, oracle), places = both
    for place, ours, theirs in zip(
        places, found.read(images, places), oracle.read(images, places), strict=True
    ):
        assert ours.dtype == theirs.dtype, place
        assert ours.shape == theirs.shape, place
        # Local descriptors are kept in float16, whose last digit may be rounded the other way.
        most = 1e-3 if place[1] == LOCAL else MOST
        difference = np.abs(ours.astype(np.float64) - theirs).max()
        assert difference <= most * np.abs(theirs).max(), place


def pictures(*shape):
    return np.random.default_rng(sum(shape)).integers(0, 256, (*shape, 3), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(2, 224, 224), (1, 333, 257)])
def test_every_layer_and_reading_of_vgg19_agrees_with_the_keras_graph(vgg19, shape):
    compare(vgg19, pictures(*shape))


def test_a_head_is_read_at_every_position():
    arrays = tiny_arrays()
    both = graphs(TINY, HEAD, lambda name: arrays[name])
    for shape in ((1, 8, 8), (2, 21, 14)):
        compare(both, pictures(*shape))


def test_some_places_are_read_alone_and_in_the_order_asked(vgg19):
    (found, _), _ = vgg19
    images = pictures(1, 64, 64)
    maps, means = found.read(images, [("block5", MAP), ("block1", "average")])
    assert maps.shape == (1, 2, 2, 512)
    assert means.shape == (1, 64)


@pytest.mark.parametrize("name", ["vgg19", "vgg16"])
def test_vgg_is_computed_whole_in_float32_alone(name):
    network = find_network(name)
    layers = [layer.name for layer in network.layers]
    assert mnn.ENGINE.computes(network, layers, "float32")
    assert not mnn.ENGINE.computes(network, layers, "bfloat16")


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "convnext_tiny", "efficientnetv2_s"])
def test_what_has_no_counterpart_is_not_computed(name):
    network = find_network(name)
    assert not mnn.ENGINE.computes(network, [network.layers[-1].name], "float32")


SCRIPT = """
import sys
import numpy as np
from medrecog_core.features import PooledNetwork
from medrecog_core.networks import find_network
network = PooledNetwork(find_network("vgg19"), [("block1", "max")], "float32", engine="mnn")
network.descriptors(np.zeros((1, 64, 64, 3), np.uint8))
print(sorted({"tensorflow", "keras"} & set(sys.modules)))
"""


def test_it_needs_no_tensorflow_and_prints_nothing():
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert (answer.stdout, answer.stderr) == ("[]\n", "")


AFTER_TENSORFLOW = """
from medrecog_core.networks.backend import import_keras
import_keras()
import numpy as np
from medrecog_core.features import PooledNetwork
from medrecog_core.networks import find_network
for engine in ("tensorflow", "mnn", "tensorflow"):
    network = PooledNetwork(find_network("vgg19"), [("block1", "max")], "float32", engine=engine)
    (found,) = network.descriptors(np.full((1, 64, 64, 3), 99, np.uint8)).values()
    print(found.shape)
"""


def test_both_engines_serve_in_one_process():
    answer = subprocess.run(
        [sys.executable, "-c", AFTER_TENSORFLOW], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout) == (0, "(1, 64)\n" * 3), answer.stderr[-500:]
