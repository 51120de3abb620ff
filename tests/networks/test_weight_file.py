"""Files made with Keras, h5py and NumPy, whole and damaged."""

import zipfile

import h5py
import numpy as np
import pytest

from medrecog_core.errors import MedrecogError, StorageError
from medrecog_core.networks import NETWORKS
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.table import KerasLayer, Layer, Network, is_optional, network_parameters
from medrecog_core.networks.weight_file import KINDS, open_weight_file
from tests.tiny_network import (
    CONVOLUTIONS,
    EVERY,
    TINY,
    keras_model,
    tiny_arrays,
    write_npz,
    write_published,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("tiny")]


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def read(scratch):
    def read_all(path, network=TINY):
        with open_weight_file(path, network, scratch) as layers:
            return {name: tuple(a.read() for a in arrays) for name, arrays in layers.items()}

    return read_all


@pytest.fixture
def refused(read):
    def sentence(path, network=TINY):
        with pytest.raises(MedrecogError) as raised:
            read(path, network)
        text = str(raised.value)
        assert str(path) in text
        assert "\n" not in text and text.endswith(".")
        return text

    return sentence


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, arrays in expected.items():
        for a, b in zip(found[name], arrays, strict=True):
            np.testing.assert_array_equal(a, b)


def write_legacy(path, model):
    """Write as Keras 2 did with `save_weights`, by what Keras 3 has kept of it."""
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return path


def write_weights(path, model):
    path = path.with_suffix(".weights.h5")
    model.save_weights(path)
    return path


def write_keras(path, model):
    path = path.with_suffix(".keras")
    model.save(path)
    return path


def write_whole_legacy(path, model):
    model.save(path)
    return path


BY_KERAS = [write_legacy, write_whole_legacy, write_weights, write_keras]


@pytest.mark.parametrize("names", [EVERY, CONVOLUTIONS, EVERY[:3]], ids=["all", "notop", "fc1"])
@pytest.mark.parametrize("generic_names", [False, True], ids=["named", "unnamed"])
@pytest.mark.parametrize("write", BY_KERAS)
def test_files_that_keras_writes(read, tmp_path, write, generic_names, names):
    arrays = tiny_arrays(names=names)
    file = write(tmp_path / "weights.h5", keras_model(arrays, generic_names=generic_names))
    assert_same(read(file), arrays)


@pytest.mark.parametrize("names", [EVERY, CONVOLUTIONS])
def test_files_as_keras_published_them(read, tmp_path, names):
    arrays = tiny_arrays(names=names)
    assert_same(read(write_published(tmp_path / "weights.h5", arrays)), arrays)


@pytest.mark.parametrize("names", [EVERY, CONVOLUTIONS])
def test_npz_archives(read, tmp_path, names):
    arrays = tiny_arrays(names=names)
    assert_same(read(write_npz(tmp_path / "weights.npz", arrays)), arrays)


def test_layers_stand_in_the_network_s_order(read, tmp_path):
    arrays = tiny_arrays()
    file = write_npz(tmp_path / "weights.npz", dict(reversed(arrays.items())))
    assert list(read(file)) == list(EVERY)


def test_what_a_file_is_shows_from_its_content(read, tmp_path):
    arrays = tiny_arrays()
    file = write_npz(tmp_path / "weights.npz", arrays).rename(tmp_path / "weights.h5")
    assert_same(read(file), arrays)


@pytest.mark.parametrize("write", BY_KERAS)
def test_a_trained_model_s_optimiser_is_left_out(read, tmp_path, write):
    arrays = tiny_arrays()
    model = keras_model(arrays)
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    assert_same(read(write(tmp_path / "weights.h5", model)), arrays)


@pytest.mark.parametrize("write", BY_KERAS)
def test_a_network_within_a_model(read, tmp_path, write):
    layers = import_keras().layers
    arrays = tiny_arrays(names=CONVOLUTIONS)
    image = layers.Input((8, 8, 3))
    x = keras_model(tiny_arrays(names=CONVOLUTIONS))(image)
    model = import_keras().Model(image, layers.Dense(7)(layers.Flatten()(x)))
    assert_same(read(write(tmp_path / "weights.h5", model)), arrays)


@pytest.mark.parametrize("write", BY_KERAS)
@pytest.mark.parametrize("generic_names", [False, True], ids=["named", "unnamed"])
def test_a_head_of_the_file_s_own_is_left_out(read, tmp_path, write, generic_names):
    layers = import_keras().layers
    arrays = tiny_arrays(names=CONVOLUTIONS)
    base = keras_model(arrays, generic_names=generic_names)
    model = import_keras().Model(base.inputs, layers.Dense(7)(base.outputs[0]))
    assert_same(read(write(tmp_path / "weights.h5", model)), arrays)


def test_more_than_nine_layers_without_names_keep_their_order(tmp_path, read):
    layers = import_keras().layers
    arrays = {"kernel": (1, 1, 2, 2), "bias": (2,)}
    above = [(), *((f"c{i}",) for i in range(11))]
    rows = [KerasLayer(f"c{i}", "Conv2D", 2, above[i], {}, arrays) for i in range(12)]
    network = Network("deep", "Deep", (Layer("last", 2, 1, "c11"),), rows=tuple(rows))
    model = import_keras().Sequential([layers.Input((4, 4, 2))])
    for i in range(12):
        model.add(layers.Conv2D(2, 1))
        model.layers[-1].set_weights([np.full((1, 1, 2, 2), i), np.full(2, i)])
    found = read(write_weights(tmp_path / "weights", model), network)
    assert [arrays[1][0] for arrays in found.values()] == list(range(12))


@pytest.mark.parametrize(
    ("layer", "shape"), [("block1_conv1", (3, 3, 1, 4)), ("fc1", (24, 6)), ("fc2", (25,))]
)
@pytest.mark.parametrize("write", [write_npz, write_published])
def test_wrong_shapes_are_refused(refused, tmp_path, write, layer, shape):
    arrays = dict(tiny_arrays())
    arrays[layer] = (np.zeros(shape, np.float32), arrays[layer][1])
    sentence = refused(write(tmp_path / "weights.bin", arrays))
    assert f"does not fit Tiny: {layer}'s kernel has the shape {shape} instead of" in sentence


def test_wrong_shapes_without_names_are_refused(refused, tmp_path):
    layers = import_keras().layers
    model = import_keras().Sequential([layers.Input((8, 8, 3)), layers.Conv2D(5, 3)])
    assert "block1_conv1's kernel" in refused(write_weights(tmp_path / "weights", model))


@pytest.mark.parametrize("write", [write_npz, write_published])
@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (EVERY[1:], "block1_conv1"),
        ((EVERY[0], *EVERY[2:]), "block2_conv1"),
        ((*EVERY[:2], "fc2"), "fc1"),
        ((*EVERY[:3], "predictions"), "fc2"),
    ],
)
def test_missing_layers_are_named(refused, tmp_path, write, names, missing):
    sentence = refused(write(tmp_path / "weights.bin", tiny_arrays(names=names)))
    assert f"it has no layer {missing}" in sentence


def test_a_layer_without_its_bias_is_refused(refused, tmp_path):
    arrays = dict(tiny_arrays())
    arrays["fc1"] = arrays["fc1"][:1]
    entries = {f"{n}/{k}": a for n, v in arrays.items() for k, a in zip(("kernel", "bias"), v)}  # noqa: B905
    np.savez(tmp_path / "weights.npz", **entries)
    sentence = refused(tmp_path / "weights.npz")
    assert "fc1 has 1 array instead of kernel and bias" in sentence


def test_a_network_with_more_layers_is_refused(refused, tmp_path):
    layers = import_keras().layers
    model = import_keras().Sequential([layers.Input((8, 8, 3))])
    for channels in (4, 6, 6):
        model.add(layers.Conv2D(channels, 3))
    assert "it has more layers, such as" in refused(write_weights(tmp_path / "weights", model))


def test_whole_numbers_are_refused(refused, tmp_path):
    arrays = dict(tiny_arrays())
    arrays["fc1"] = tuple(array.astype(int) for array in arrays["fc1"])
    sentence = refused(write_npz(tmp_path / "weights.npz", arrays))
    assert "fc1's kernel is of type int64, not of floating-point numbers" in sentence


def test_objects_are_never_unpickled(refused, tmp_path):
    arrays = dict(tiny_arrays())
    arrays["fc1"] = (np.array([{}], dtype=object), arrays["fc1"][1])
    assert "damaged" in refused(write_npz(tmp_path / "weights.npz", arrays))


@pytest.mark.parametrize("write", [*BY_KERAS, write_published, write_npz])
def test_files_that_are_cut_short_are_refused(refused, tmp_path, write):
    arrays = tiny_arrays()
    file = write(tmp_path / "weights.h5", keras_model(arrays) if write in BY_KERAS else arrays)
    content = file.read_bytes()
    for n_bytes in (10, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:n_bytes])
        assert "is damaged or cut short" in refused(file)


def test_a_changed_byte_in_a_keras_archive_is_noticed(refused, tmp_path):
    file = write_keras(tmp_path / "weights", keras_model(tiny_arrays()))
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        content[archive.getinfo("model.weights.h5").header_offset + 3000] ^= 1
    file.write_bytes(content)
    assert "is damaged or cut short" in refused(file)


@pytest.mark.parametrize(
    "content", [b"", b"\x89HDF", b"<!DOCTYPE html>", b"version https://git-lfs.github.com/spec/v1"]
)
def test_what_is_no_file_of_weights_is_refused(refused, tmp_path, content):
    (tmp_path / "weights.h5").write_bytes(content)
    assert refused(tmp_path / "weights.h5").endswith(f"is not a weight file. Use {KINDS}.")


def test_other_hdf5_and_zip_files_are_refused(refused, tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["measurements"] = np.zeros(3)
    assert "is not a weight file" in refused(tmp_path / "other.h5")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("letter.txt", "Dear")
    assert "is not a weight file" in refused(tmp_path / "other.zip")
    np.savez(tmp_path / "other.npz", measurements=np.zeros(3))
    assert "it has no layer block1_conv1" in refused(tmp_path / "other.npz")


@pytest.mark.parametrize("kind", ["external link", "soft link", "external storage", "virtual"])
def test_nothing_outside_the_file_is_read(refused, tmp_path, kind):
    shape = (3, 3, 3, 4)
    secret = np.ones(shape, np.float32)
    (tmp_path / "secret.raw").write_bytes(secret.tobytes())
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["secret"] = secret
    path = write_published(tmp_path / "weights.h5", tiny_arrays())
    name = "block1_conv1/block1_conv1_W_1:0"
    with h5py.File(path, "a") as file:
        del file[name]
        if kind == "external link":
            file[name] = h5py.ExternalLink(tmp_path / "secret.h5", "/secret")
        elif kind == "soft link":
            file[name] = h5py.SoftLink("/block2_conv1")
        elif kind == "external storage":
            external = [(str(tmp_path / "secret.raw"), 0, secret.nbytes)]
            file.create_dataset(name, shape, "f4", external=external)
        else:
            layout = h5py.VirtualLayout(shape, "f4")
            layout[:] = h5py.VirtualSource(tmp_path / "secret.h5", "secret", shape)
            file.create_virtual_dataset(name, layout)
    assert "block1_conv1 has 1 array instead of kernel and bias" in refused(path)


def test_groups_in_a_circle_end(refused, tmp_path):
    with h5py.File(tmp_path / "circle.h5", "w") as file:
        group = file.create_group("a")
        group["b"] = group
        file.attrs["layer_names"] = [b"a", b"a/b"]
    assert "is not a weight file" in refused(tmp_path / "circle.h5")


def test_an_archive_that_unpacks_to_far_too_much_is_refused(refused, tmp_path):
    with zipfile.ZipFile(tmp_path / "weights.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(2**26 + 2**17))
    assert "is far too large for weights of Tiny" in refused(tmp_path / "weights.keras")


def test_a_full_disk_is_told(tmp_path, scratch, monkeypatch):
    file = write_keras(tmp_path / "weights", keras_model(tiny_arrays()))

    def fail(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fdopen", fail)
    full = pytest.raises(StorageError, match="No space left on device")
    with full, open_weight_file(file, TINY, scratch):
        pass


def test_a_file_that_may_not_be_read_is_named(refused, tmp_path):
    assert "cannot be read: Is a directory" in refused(tmp_path)


def test_values_in_sixteen_and_sixty_four_bits_are_accepted(read, tmp_path):
    arrays = dict(tiny_arrays())
    arrays["fc1"] = tuple(array.astype(np.float16) for array in arrays["fc1"])
    arrays["fc2"] = tuple(array.astype(np.float64) for array in arrays["fc2"])
    assert_same(read(write_npz(tmp_path / "weights.npz", arrays)), arrays)


@pytest.fixture(scope="module", params=NETWORKS)
def backbone(request):
    """A network of Keras without its head, and its arrays by layer."""
    network = NETWORKS[request.param]
    constructor = getattr(import_keras().applications, network.keras_name)
    model = constructor(include_top=False, weights=None, input_shape=(None, None, 3))
    arrays, todo = {}, list(model.layers)
    while todo:
        layer = todo.pop(0)
        if hasattr(layer, "layers"):
            todo = [*layer.layers, *todo]
        elif layer.weights:
            arrays[layer.name] = layer.get_weights()
    rows = [row for row in network_parameters(network) if not is_optional(network, row)]
    return network, model, {row.name: arrays[row.name] for row in rows}


@pytest.mark.parametrize("write", [write_legacy, write_weights])
def test_files_that_keras_writes_of_every_network(read, tmp_path, backbone, write):
    network, model, arrays = backbone
    assert_same(read(write(tmp_path / "weights.h5", model), network), arrays)


def test_published_names_of_layers_may_be_others_than_today_s(tmp_path, read):
    rng, arrays = np.random.default_rng(0), {}
    network = NETWORKS["densenet121"]
    for row in network_parameters(network):
        if not is_optional(network, row):
            arrays[row.name] = [rng.random(shape, np.float32) for _, shape in row.shapes]
    path = tmp_path / "densenet.h5"
    with h5py.File(path, "w") as file:
        # As in Keras's official file, whose first layers are conv1/conv and conv1/bn.
        renamed = {name: name.replace("conv1_", "conv1/", 1) for name in ("conv1_conv", "conv1_bn")}
        names = [renamed.get(name, name) for name in arrays]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for name, values in zip(names, arrays.values(), strict=True):
            group = file.create_group(name)
            ends = [f"{name}/{i}:0" for i in range(len(values))]
            group.attrs["weight_names"] = [end.encode() for end in ends]
            for end, value in zip(ends, values, strict=True):
                group[end] = value
    assert_same(read(path, network), arrays)
