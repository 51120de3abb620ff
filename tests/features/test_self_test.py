import numpy as np
import pytest

from medrecog_core.features import self_test
from medrecog_core.features.self_test import picture, run_self_test
from medrecog_core.networks import find_network, installed_weights

VGG19 = find_network("vgg19")
IDENTITY = installed_weights(VGG19).identity


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_embedded_network_passes(precision):
    found = run_self_test(VGG19, IDENTITY, precision)
    assert found.passed
    assert list(found.cosines) == ["block1", "block2", "block3", "block4", "block5"]
    assert min(found.cosines.values()) >= self_test.SMALLEST_COSINE[precision]


def test_a_disturbed_network_fails(monkeypatch):
    original = self_test.PooledNetwork.descriptors

    def disturbed(self, images):
        found = original(self, images)
        found["block3", "average"] = found["block3", "average"][:, ::-1]
        return found

    monkeypatch.setattr(self_test.PooledNetwork, "descriptors", disturbed)
    assert not run_self_test(VGG19, IDENTITY, "float32").passed


def test_a_network_that_gives_nothing_fails(monkeypatch):
    original = self_test.PooledNetwork.descriptors
    monkeypatch.setattr(
        self_test.PooledNetwork,
        "descriptors",
        lambda self, images: {k: v * np.nan for k, v in original(self, images).items()},
    )
    assert not run_self_test(VGG19, IDENTITY, "float32").passed


def test_picture_is_made_of_integers_and_uses_the_whole_range():
    pixels = picture()
    assert pixels.shape == (224, 224, 3)
    assert pixels.dtype == np.uint8
    assert pixels.min() == 0
    assert pixels.max() >= 250
