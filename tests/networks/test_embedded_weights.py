import hashlib
import io

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.networks import embedded_weights, find_network
from medrecog_core.networks.table import is_optional, network_parameters


def test_archive_is_the_pinned_one():
    content = embedded_weights.ARCHIVE.read_bytes()
    assert hashlib.sha256(content).hexdigest() == embedded_weights.SHA256


def test_every_convolution_of_vgg19_has_a_kernel_and_a_bias_of_its_shape():
    weights = embedded_weights.load()
    network = find_network(embedded_weights.NETWORK)
    rows = [row for row in network_parameters(network) if not is_optional(network, row)]
    assert len(rows) == 16
    assert sorted(weights) == sorted(row.name for row in rows)
    for row in rows:
        assert [array.shape for array in weights[row.name]] == [shape for _, shape in row.shapes]
        assert {array.dtype for array in weights[row.name]} == {np.dtype(np.float32)}
    # Keras's own count of VGG-19 without its head (`include_top=False`).
    assert sum(k.size + b.size for k, b in weights.values()) == 20_024_384


def test_named_convolutions_are_read_alone():
    weights = embedded_weights.load(["block3_conv2"])
    assert list(weights) == ["block3_conv2"]
    assert weights["block3_conv2"][0].shape == (3, 3, 256, 256)


def test_layers_of_the_head_are_not_there():
    with pytest.raises(MedrecogError, match="have no fc1 and no fc2"):
        embedded_weights.load(["block1_conv1", "fc1", "fc2"])


def test_first_biases_are_those_of_the_published_network():
    _, bias = embedded_weights.load()["block1_conv1"]
    assert bias[:5] == pytest.approx([0.7302, 0.0649, 0.0343, 0.8260, 0.2578], abs=1e-4)


def test_other_content_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / "weights.npz"
    content = bytearray(embedded_weights.ARCHIVE.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    monkeypatch.setattr(embedded_weights, "ARCHIVE", damaged)
    with pytest.raises(StorageError, match="are damaged"):
        embedded_weights.load()


def test_missing_archive_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_weights, "ARCHIVE", tmp_path / "gone.npz")
    with pytest.raises(StorageError, match=r"gone\.npz cannot be read"):
        embedded_weights.load()


def test_archive_holds_no_pickles():
    with np.load(io.BytesIO(embedded_weights.ARCHIVE.read_bytes()), allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} == {"f", "u"}


def test_convolutions_are_read_one_by_one_from_the_open_archive():
    expected = embedded_weights.load(["block1_conv1"])["block1_conv1"]
    with embedded_weights.opened() as (held, read):
        assert len(held) == 16
        for array, other in zip(read("block1_conv1"), expected, strict=True):
            np.testing.assert_array_equal(array, other)
        with pytest.raises(MedrecogError, match="have no fc1"):
            read("fc1")
