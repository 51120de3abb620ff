import numpy as np
import pytest

from medrecog_core.features import self_test
from medrecog_core.features.self_test import picture, run_self_test
from medrecog_core.networks import find_network, import_weights, installed_weights
from tests.tiny_network import publish, tiny, tiny_arrays, write_npz, write_published

pytestmark = pytest.mark.slow

__all__ = ["tiny"]

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


def test_it_says_with_what_a_network_was_compared(tiny, tmp_path, monkeypatch):
    assert "from the embedded weights" in run_self_test(VGG19, IDENTITY, "float32").compared
    custom = import_weights(tiny, write_npz(tmp_path / "a.npz", tiny_arrays()))
    found = run_self_test(tiny, custom.identity, "float32")
    assert (found.cosines, found.passed) == ({}, True)
    assert found.compared == "nothing is known of custom weights"
    file = write_published(tmp_path / "a.h5", tiny_arrays())
    publish(monkeypatch, file)
    found = run_self_test(tiny, import_weights(tiny, file).identity, "float32")
    assert (found.cosines, found.passed) == ({}, True)
    assert found.compared == "no reference descriptors are kept for this network"


def test_descriptors_that_are_all_the_same_number_fail(tiny, tmp_path):
    arrays = {
        name: (np.zeros_like(kernel), np.ones_like(bias))
        for name, (kernel, bias) in tiny_arrays().items()
    }
    custom = import_weights(tiny, write_npz(tmp_path / "a.npz", arrays))
    assert not run_self_test(tiny, custom.identity, "float32").passed
