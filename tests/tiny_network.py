"""A network of a few hundred numbers, for tests of what is done with weights of any network."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medrecog_core.networks import NETWORKS, Layer, Network
from medrecog_core.networks.table import KerasLayer, OfficialFile, file_hash, network_parameters

Arrays = Mapping[str, tuple[np.ndarray, ...]]


def convolution(name: str, above: str, inputs: int, channels: int) -> KerasLayer:
    """Return the row of a 3 x 3 convolution."""
    config = {"filters": channels, "kernel_size": [3, 3], "padding": "same"}
    arrays = {"kernel": (3, 3, inputs, channels), "bias": (channels,)}
    return KerasLayer(name, "Conv2D", channels, (above,), config, arrays)


def dense(name: str, above: str, inputs: int, units: int) -> KerasLayer:
    """Return the row of a dense layer."""
    arrays = {"kernel": (inputs, units), "bias": (units,)}
    return KerasLayer(name, "Dense", units, (above,), {"units": units}, arrays)


TINY = Network(
    name="tiny",
    title="Tiny",
    layers=(
        Layer("block1", 4, 2, "block1_pool"),
        Layer("block2", 6, 4, "block2_pool"),
        Layer("fc1", 5, 4, "fc1", in_head=True),
        Layer("fc2", 5, 4, "fc2", in_head=True),
    ),
    rows=(
        KerasLayer("input", "InputLayer", 3),
        convolution("block1_conv1", "input", 3, 4),
        KerasLayer("block1_pool", "MaxPooling2D", 4, ("block1_conv1",)),
        convolution("block2_conv1", "block1_pool", 4, 6),
        KerasLayer("block2_pool", "MaxPooling2D", 6, ("block2_conv1",)),
        KerasLayer("flatten", "Flatten", 24, ("block2_pool",)),
        dense("fc1", "flatten", 24, 5),
        dense("fc2", "fc1", 5, 5),
        dense("predictions", "fc2", 5, 3),
    ),
)
CONVOLUTIONS = ("block1_conv1", "block2_conv1")
EVERY = tuple(row.name for row in network_parameters(TINY))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Enter the tiny network among the others."""
    monkeypatch.setitem(NETWORKS, TINY.name, TINY)
    yield TINY


def tiny_arrays(seed: int = 0, names: tuple[str, ...] = EVERY) -> Arrays:
    """Return seeded arrays for some of the layers."""
    rng = np.random.default_rng(seed)
    arrays = {
        row.name: tuple(rng.normal(size=shape).astype(np.float32) for _, shape in row.shapes)
        for row in network_parameters(TINY)
    }
    return {name: arrays[name] for name in names}


def write_npz(path: Path, arrays: Arrays) -> Path:
    """Write arrays under their names."""
    entries: dict[str, Any] = {}
    for name, (kernel, bias) in arrays.items():
        entries |= {f"{name}/kernel": kernel, f"{name}/bias": bias}
    with path.open("wb") as file:  # given a name, NumPy would add an ending
        np.savez(file, **entries)
    return path


def write_published(path: Path, arrays: Arrays) -> Path:
    """Write arrays as Keras's official VGG files hold them."""
    import h5py

    with h5py.File(path, "w") as file:
        names = ["input_1", *arrays, "flatten"]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            group = file.create_group(name)
            endings = ("W_1:0", "b_1:0") if name in arrays else ()
            group.attrs["weight_names"] = [f"{name}_{ending}".encode() for ending in endings]
            for ending, array in zip(endings, arrays.get(name, ()), strict=True):
                group[f"{name}_{ending}"] = array
    return path


def publish(monkeypatch: pytest.MonkeyPatch, path: Path) -> OfficialFile:
    """Make a file the official one of the tiny network."""
    official = OfficialFile(f"tiny/{path.name}", file_hash(path, "md5"), has_head=True)
    # Tests hold the network itself, and a frozen one is not to be replaced for them all.
    monkeypatch.setitem(vars(TINY), "files", (official,))
    return official


def keras_model(arrays: Arrays, *, generic_names: bool = False) -> Any:
    """Return the network as Keras writes such a one, on 8 x 8 images, with the arrays in it."""
    from medrecog_core.networks.backend import import_keras

    layers = import_keras().layers
    units = {"fc1": 5, "fc2": 5, "predictions": 3}

    def named(name: str) -> dict[str, str]:
        return {} if generic_names else {"name": name}

    x = image = layers.Input((8, 8, 3))
    made = {}
    for name, channels in zip(CONVOLUTIONS, (4, 6), strict=True):
        made[name] = layers.Conv2D(channels, 3, padding="same", **named(name))
        x = layers.MaxPooling2D()(made[name](x))
    x = layers.Flatten()(x)
    for name in EVERY[len(CONVOLUTIONS) :]:
        if name in arrays:
            made[name] = layers.Dense(units[name], **named(name))
            x = made[name](x)
    model = import_keras().Model(image, x)
    for name, values in arrays.items():
        made[name].set_weights(values)
    return model
