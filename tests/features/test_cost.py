"""The estimate, against what processes were measured to take."""

import subprocess
import sys

import pytest

from medrecog_core.features import cost, estimate_memory, peak_memory
from medrecog_core.features.cost import NetworkPass, keep_rates, seconds_an_image
from medrecog_core.images import find_preprocessing
from medrecog_core.locations import CacheFolder
from medrecog_core.networks import NETWORKS, Device, find_network
from medrecog_core.networks.engines import ENGINES
from medrecog_core.networks.summary import summarise

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
BLOCKS = VGG19.default_layers
EVERY = (*BLOCKS, "fc1", "fc2")
RESNET = find_network("resnet50").default_layers


@pytest.fixture(autouse=True)
def on_a_processor(monkeypatch):
    for module in ("cost", "pooled_network", "reading"):
        name = f"medrecog_core.features.{module}.find_device"
        monkeypatch.setattr(name, lambda: Device("cpu", "a processor", 2, False))


@pytest.mark.parametrize(
    ("network", "layers", "precision", "scale", "measured"),
    [
        # GB, TensorFlow 2.21 on Linux, by `benchmarks/scales.py` and its like for other networks.
        ("vgg19", BLOCKS, "float32", 224, 1.13),
        ("vgg19", BLOCKS, "float32", 544, 1.22),
        ("vgg19", BLOCKS, "float32", 864, 1.39),
        ("vgg19", BLOCKS, "float32", 1184, 1.93),
        ("vgg19", BLOCKS, "float32", 2048, 3.26),
        ("vgg19", BLOCKS, "bfloat16", 224, 1.05),
        ("vgg19", BLOCKS, "bfloat16", 544, 1.36),
        ("vgg19", BLOCKS, "bfloat16", 1184, 1.68),
        ("vgg19", EVERY, "float32", 224, 2.08),
        ("vgg19", EVERY, "float32", 1184, 2.29),
        ("vgg19", EVERY, "bfloat16", 1184, 2.04),
        ("resnet50", RESNET, "float32", 224, 0.97),
        ("resnet50", RESNET, "bfloat16", 224, 0.90),
    ],
)
def test_the_estimate_is_not_below_what_was_measured_nor_half_as_much_again(
    network, layers, precision, scale, measured
):
    estimate = estimate_memory(find_network(network), layers, scale, precision).n_bytes / 1e9
    assert measured <= estimate <= 1.5 * measured


@pytest.mark.parametrize("engine", ENGINES)
def test_the_estimate_holds_in_a_process_of_this_machine(engine):
    program = """
import sys
import numpy as np
from medrecog_core.features import PooledNetwork, batch_size, estimate_memory, peak_memory
from medrecog_core.networks import find_network
from medrecog_core.networks.engines import ENGINES
network, layers = find_network("vgg19"), ["block1", "block2"]
engine = ENGINES[sys.argv[1]]
readings = [(layer, "max") for layer in layers]
graph = PooledNetwork(network, readings, "float32", engine=engine.name)
n = batch_size(544, "float32")
for _ in range(2):
    graph.descriptors(np.zeros((n, 544, 544, 3), np.uint8))
estimate = estimate_memory(network, layers, 544, "float32", engine=engine)
print(peak_memory(), estimate.n_bytes)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, engine], capture_output=True, text=True, check=True
    )
    measured, estimate = map(int, done.stdout.split())
    assert measured <= estimate <= 1.5 * measured


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_it_grows_with_the_scale_the_layers_and_the_precision(network):
    layers = network.default_layers
    whole = estimate_memory(network, layers, 1184, "float32")
    assert estimate_memory(network, layers, 2048, "float32").n_bytes > whole.n_bytes
    assert estimate_memory(network, layers[:1], 1184, "float32").weights < whole.weights
    assert estimate_memory(network, layers, 1184, "bfloat16").weights == whole.weights // 2


def test_images_that_keep_their_proportions_take_up_to_twice_the_activations():
    squeezed, kept = (
        estimate_memory(VGG19, BLOCKS, 1184, "float32", find_preprocessing(name))
        for name in ("squeeze", "keep-aspect")
    )
    assert kept.activations == 2 * squeezed.activations
    # Where several squares go through at once, so many fewer long images do.
    squeezed, kept = (
        estimate_memory(VGG19, BLOCKS, 224, "float32", find_preprocessing(name))
        for name in ("squeeze", "keep-aspect")
    )
    assert kept.activations == squeezed.activations


def test_on_a_gpu_weights_and_maps_lie_elsewhere(monkeypatch):
    here = estimate_memory(VGG19, EVERY, 224, "float32")
    monkeypatch.setattr(cost, "find_device", lambda: Device("gpu", "a GPU", 16, True))
    assert estimate_memory(VGG19, EVERY, 224, "float32").n_bytes < here.n_bytes


def test_memory_of_this_process_is_known_and_never_falls():
    before = peak_memory()
    assert before > 10**7
    block = bytearray(10**8)
    assert peak_memory() >= before
    del block
    assert peak_memory() >= before


def test_there_is_no_rate_before_a_measurement() -> None:
    assert seconds_an_image(VGG19, "float32", "block5", 224) is None


def test_a_measured_rate_is_given_back() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) == 0.25
    assert seconds_an_image(VGG19, "bfloat16", "block5", 224) is None
    assert seconds_an_image(find_network("resnet50"), "float32", "conv5", 224) is None


def test_the_newest_measurement_counts() -> None:
    for seconds in (25.0, 50.0):
        keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, seconds)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) == 0.5


def test_another_scale_goes_by_the_multiplications() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])

    def gflop(scale: int) -> float:
        return sum(row.gflop for row in summarise(VGG19, scale) if row.name.startswith("block"))

    expected = 0.25 * gflop(544) / gflop(224)
    assert seconds_an_image(VGG19, "float32", "block5", 544) == pytest.approx(expected)


def test_the_nearest_scale_goes_before_others() -> None:
    passes = [NetworkPass("block5", 224, 100, 25.0), NetworkPass("block5", 864, 100, 900.0)]
    keep_rates(VGG19, "float32", passes)
    a_little_less = seconds_an_image(VGG19, "float32", "block5", 832)
    assert a_little_less is not None and 8 < a_little_less < 9


def test_a_shallower_layer_takes_less() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])
    shallow = seconds_an_image(VGG19, "float32", "block2", 224)
    assert shallow is not None and 0 < shallow < 0.25


def test_a_few_images_are_no_measurement() -> None:
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 3, 25.0)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) is None


@pytest.mark.parametrize("content", ["", "[1]", '[{"device": "x"}]', "{}", "null"])
def test_a_damaged_file_is_measured_again(cache: CacheFolder, content: str) -> None:
    cache.rates.parent.mkdir(parents=True, exist_ok=True)
    cache.rates.write_text(content)
    assert seconds_an_image(VGG19, "float32", "block5", 224) is None
    keep_rates(VGG19, "float32", [NetworkPass("block5", 224, 100, 25.0)])
    assert seconds_an_image(VGG19, "float32", "block5", 224) == 0.25
