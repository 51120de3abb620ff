import importlib
import re
from pathlib import Path

import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks import Network, find_network
from medrecog_core.networks.official_file import (
    MIRROR_VARIABLE,
    OFFICIAL_FILES,
    complete_file,
    file_md5,
    recognise,
)

VGG19 = find_network("vgg19")


@pytest.mark.parametrize("network", OFFICIAL_FILES)
def test_addresses_and_hashes_are_those_in_keras(network, monkeypatch):
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    module = importlib.import_module(f"keras.src.applications.{network}")
    source = Path(module.__file__).read_text()
    for file in OFFICIAL_FILES[network]:
        published = module.WEIGHTS_PATH if file.has_head else module.WEIGHTS_PATH_NO_TOP
        assert file.address == published
        assert re.search(rf'file_hash="{file.md5}"', source)


def test_keras_keeps_its_copy_where_it_is_looked_for(monkeypatch, tmp_path):
    from medrecog_core.networks.backend import import_keras

    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    official = complete_file(VGG19)
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
    monkeypatch.setenv(MIRROR_VARIABLE, "http://mirror.example/keras/")
    assert complete_file(VGG19).address == (
        "http://mirror.example/keras/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5"
    )


@pytest.mark.parametrize("mirror", ["mirror.example", "file:///etc", "ftp://mirror.example"])
def test_a_mirror_that_is_no_web_address_is_refused(monkeypatch, mirror):
    monkeypatch.setenv(MIRROR_VARIABLE, mirror)
    with pytest.raises(UsageError, match=f"{MIRROR_VARIABLE} is “{mirror}”: give an address"):
        _ = complete_file(VGG19).address


def test_a_file_is_recognised_by_its_content(tmp_path, monkeypatch):
    file = tmp_path / "any name"
    file.write_bytes(b"weights")
    assert recognise(VGG19, file) is None
    official = complete_file(VGG19)
    assert not official.is_at(file)
    assert not official.is_at(tmp_path / "nowhere")
    other = type(official)("vgg19/x.h5", file_md5(file), "X", True)
    monkeypatch.setitem(OFFICIAL_FILES, "vgg19", (official, other))
    assert recognise(VGG19, file) is other


def test_md5_is_md5(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_md5(tmp_path / "a") == "900150983cd24fb0d6963f7d28e17f72"


def test_a_network_without_an_official_file_is_named():
    with pytest.raises(MedrecogError, match="No official file of Other is known"):
        complete_file(Network("other", "Other", ()))
