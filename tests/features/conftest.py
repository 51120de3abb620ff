import hashlib

import numpy as np
import pytest
from PIL import Image as Picture

from medrecog_core.features import DescriptorReader, DescriptorSource, DescriptorStore
from medrecog_core.images import SQUEEZE, Image
from medrecog_core.networks import find_network, installed_weights

NETWORK = find_network("vgg19")


@pytest.fixture
def store(tmp_path):
    with DescriptorStore(tmp_path / "features") as opened:
        yield opened
        assert opened.check() == []


@pytest.fixture
def source():
    return DescriptorSource(installed_weights(NETWORK).identity, SQUEEZE, "float32")


@pytest.fixture
def reader(source, store):
    return DescriptorReader(NETWORK, source, store)


@pytest.fixture
def write_image(tmp_path):
    """Write a picture of seeded noise and return it with its hash."""

    def write(name, seed, size=(60, 40)):
        pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
        path = tmp_path / name
        Picture.fromarray(pixels).save(path)
        return Image(str(path), hashlib.sha256(path.read_bytes()).hexdigest())

    return write
