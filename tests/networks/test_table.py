from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks import NETWORKS, Network, find_network
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.summary import summarise
from medrecog_core.networks.table import (
    PREPROCESSINGS,
    KerasLayer,
    OfficialFile,
    file_hash,
    is_optional,
    network_parameters,
    official_bytes,
    prepared,
    reached_layers,
)
from medrecog_core.settings import variable_of
from tests.tiny_network import TINY, publish

pytestmark = pytest.mark.slow

VGG19 = find_network("vgg19")
MIRROR = variable_of("weights_mirror")
BLOCKS = ("block1", "block2", "block3", "block4", "block5")


@pytest.mark.parametrize(
    ("config", "pair"),
    [
        ({}, (1, 1)),
        ({"strides": 2}, (2, 2)),
        ({"strides": [2, 3]}, (2, 3)),
        ({"strides": None}, (1, 1)),
    ],
)
def test_an_option_for_rows_and_columns_is_a_pair(config, pair):
    assert KerasLayer("a", "Conv2D", 4, config=config).pair("strides") == pair


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


def test_layers_stand_in_the_order_of_their_depth():
    assert [VGG19.depth(layer.name) for layer in VGG19.layers] == list(range(len(VGG19.layers)))
    assert VGG19.deepest(["block4", "block1", "block3"]) == "block4"


def test_vgg19_is_read_at_the_report_s_layers():
    assert [layer.name for layer in VGG19.layers] == [*BLOCKS, "fc1", "fc2"]
    assert VGG19.default_layers == BLOCKS
    assert [VGG19.layer(name).stride for name in BLOCKS] == [2, 4, 8, 16, 32]
    assert [layer.channels for layer in VGG19.layers] == [64, 128, 256, 512, 512, 4096, 4096]


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_and_strides_follow_from_the_rows(name):
    network = NETWORKS[name]
    scale = 1184  # large enough for a head and divisible by every stride
    rows = {row.name: row for row in summarise(network, scale)}
    for layer in network.layers:
        row = rows[layer.keras_layer]
        assert row.channels == layer.channels
        if not layer.in_head:
            assert row.side * layer.stride == scale


def test_rows_that_are_needed_end_at_the_layer_that_is_read():
    names = [row.name for row in VGG19.needed_rows(["block2"])]
    assert names == ["input", *(f"block1_{x}" for x in ("conv1", "conv2", "pool"))] + [
        f"block2_{x}" for x in ("conv1", "conv2", "pool")
    ]
    assert VGG19.needed_rows(["block1", "block2"]) == VGG19.needed_rows(["block2"])


def test_paths_beside_one_another_are_all_needed():
    resnet = find_network("resnet50")
    names = {row.name for row in resnet.needed_rows(["conv2"])}
    assert {"conv2_block1_0_conv", "conv2_block1_3_conv", "conv1_conv"} <= names
    assert not any(name.startswith("conv3") for name in names)


def test_dense_layers_after_a_flatten_are_known():
    assert VGG19.flattened == {"fc1", "fc2", "predictions"}
    assert TINY.flattened == {"fc1", "fc2", "predictions"}
    for name in ("resnet50", "convnext_tiny"):
        assert find_network(name).flattened == frozenset()


def test_unknown_layer_is_refused_with_the_layers_there_are():
    with pytest.raises(UsageError, match=r"“block6” in VGG-19. Available: block1, .*fc2\.$"):
        VGG19.layer("block6")


def test_the_official_file_is_the_smallest_that_reaches_every_layer():
    assert VGG19.complete_file().has_head
    assert not find_network("resnet50").complete_file().has_head


def test_a_network_without_an_official_file_is_named():
    with pytest.raises(MedrecogError, match="No official file of Other is known"):
        Network("other", "Other", ()).complete_file()


def test_a_file_is_recognised_by_its_content(tmp_path, monkeypatch):
    file = tmp_path / "any name"
    file.write_bytes(b"weights")
    assert VGG19.recognise(file) is None
    assert TINY.recognise(file) is None
    official = publish(monkeypatch, file)
    assert TINY.recognise(file) is official
    other = type(official)("tiny/x.h5", file_hash(file, "sha256"), has_head=False)
    monkeypatch.setitem(vars(TINY), "files", (VGG19.complete_file(), other))
    assert TINY.recognise(file) is other


@pytest.mark.parametrize("mode", [mode for mode in PREPROCESSINGS if mode != "none"])
def test_pixels_become_what_keras_makes_of_them(mode):
    keras = import_keras()
    pixels = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    expected = keras.applications.imagenet_utils.preprocess_input(
        pixels.astype(np.float32), mode=mode
    )
    found = keras.ops.convert_to_numpy(prepared(keras, mode, pixels))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_pixels_are_left_to_the_network_where_it_prepares_them_itself():
    keras = import_keras()
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(prepared(keras, "none", pixels), pixels.astype(np.float32))


def test_vgg19_has_as_many_parameters_as_keras_s_own():
    rows = network_parameters(VGG19)
    assert sum(row.n_parameters for row in rows) == 143_667_240
    needed = [row for row in rows if not is_optional(VGG19, row)]
    assert (len(needed), sum(row.n_parameters for row in needed)) == (16, 20_024_384)


def test_shapes_and_names_are_those_of_keras():
    from medrecog_core.networks.backend import import_keras

    network = import_keras().applications.VGG19(include_top=False, weights=None)
    expected = {x.name: [tuple(w.shape) for w in x.weights] for x in network.layers if x.weights}
    table = {row.name: [shape for _, shape in row.shapes] for row in network_parameters(VGG19)}
    assert list(table)[:16] == list(expected)
    assert {name: table[name] for name in expected} == expected
    assert table["fc1"] == [(25088, 4096), (4096,)]
    assert table["fc2"] == [(4096, 4096), (4096,)]
    assert table["predictions"] == [(4096, 1000), (1000,)]


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_its_table_and_every_layer_of_it_is_read_somewhere(name):
    network = NETWORKS[name]
    read_at = {row.read_at for row in network_parameters(network)} - {None}
    assert read_at == {layer.name for layer in network.layers}


def test_layers_are_reached_as_far_as_nothing_is_missing(tiny):
    every = [row.name for row in network_parameters(tiny)]
    assert reached_layers(tiny, every) == ("block1", "block2", "fc1", "fc2")
    assert reached_layers(tiny, every[:4]) == ("block1", "block2", "fc1", "fc2")
    assert reached_layers(tiny, every[:2]) == ("block1", "block2")
    assert reached_layers(tiny, [every[0], *every[2:]]) == ("block1",)
    assert reached_layers(tiny, []) == ()


def test_a_network_without_a_table_is_named():
    with pytest.raises(MedrecogError, match="No weights can be installed for Unknown"):
        network_parameters(Network("unknown", "Unknown", ()))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_their_head_networks_have_as_many_parameters_as_keras_s_own(name):
    from scripts.network_table import keras_network

    network = NETWORKS[name]
    headless = keras_network(network.keras_name, include_top=False)
    needed = [row for row in network_parameters(network) if not is_optional(network, row)]
    of_keras = headless.count_params()
    if name == "convnext_tiny":
        of_keras -= 2 * 768  # Keras normalises the last map once more where there is no head
    assert sum(row.n_parameters for row in needed) == of_keras


def test_sizes_of_official_files_are_about_right():
    assert official_bytes(VGG19) == 4 * 143_667_240
    assert official_bytes(find_network("resnet50")) == 4 * 23_587_712
