from pathlib import Path

import pytest

from medrecog_core.errors import UsageError
from medrecog_core.networks import NETWORKS, find_network
from medrecog_core.networks.official_file import (
    OfficialFile,
    file_hash,
)
from medrecog_core.settings import variable_of

VGG19 = find_network("vgg19")
MIRROR = variable_of("weights_mirror")


@pytest.mark.parametrize("has_head", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_addresses_and_hashes_are_those_in_keras(name, has_head, monkeypatch):
    """Keras is let go as far as the download, which shows what it would download."""
    from scripts.network_table import keras_network

    class AskedFor(Exception):
        pass

    def get_file(name, origin, file_hash, **_):
        raise AskedFor(name, origin, file_hash)

    monkeypatch.delenv(MIRROR, raising=False)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", get_file)
    network = NETWORKS[name]
    (file,) = (file for file in network.files if file.has_head == has_head)
    with pytest.raises(AskedFor) as asked:
        keras_network(network.keras_name, include_top=has_head, weights="imagenet")
    assert asked.value.args == (file.name, file.address, file.hash)


def test_keras_keeps_its_copy_where_it_is_looked_for(monkeypatch, tmp_path):
    from medrecog_core.networks.backend import import_keras

    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    official = VGG19.complete_file()
    assert official.keras_copy == tmp_path / ".keras" / "models" / official.name
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "elsewhere"))
    assert official.keras_copy == tmp_path / "elsewhere" / "models" / official.name
    (tmp_path / "elsewhere").mkdir()
    source = tmp_path / "published.h5"
    source.write_bytes(b"weights")
    kept = import_keras().utils.get_file(
        official.name,
        source.as_uri(),
        cache_dir=str(tmp_path / "elsewhere"),
        cache_subdir="models",
    )
    assert Path(kept) == official.keras_copy


def test_a_mirror_replaces_the_beginning_of_the_address(monkeypatch):
    monkeypatch.setenv(MIRROR, "http://mirror.example/keras/")
    assert VGG19.complete_file().address == (
        "http://mirror.example/keras/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5"
    )


@pytest.mark.parametrize("mirror", ["mirror.example", "file:///etc", "ftp://mirror.example"])
def test_a_mirror_that_is_no_web_address_is_refused(monkeypatch, mirror):
    monkeypatch.setenv(MIRROR, mirror)
    with pytest.raises(UsageError, match=f"{MIRROR} is “{mirror}”"):
        _ = VGG19.complete_file().address


def test_a_file_is_known_by_its_content(tmp_path):
    file = tmp_path / "any name"
    file.write_bytes(b"abc")
    official = VGG19.complete_file()
    assert not official.is_at(file)
    assert not official.is_at(tmp_path / "nowhere")
    for algorithm in ("md5", "sha256"):
        other = OfficialFile("vgg19/x.h5", file_hash(file, algorithm), has_head=True)
        assert other.algorithm == algorithm
        assert other.is_at(file)


def test_hashes_are_what_they_are_called(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a", "md5") == "900150983cd24fb0d6963f7d28e17f72"
    assert file_hash(tmp_path / "a", "sha256").startswith("ba7816bf8f01cfea414140de5dae2223")
