"""The table of a network: layers, parameters, files and preprocessing of its input."""

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.regular_file import open_regular
from medrecog_core.settings import read_settings

NORMALISATIONS = ("BatchNormalization", "LayerNormalization")
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D")
AT_TRAINING_ONLY = ("Dropout", "StochasticDepth")
"""Kinds that pass on what they are given once a network is trained."""
_MD5_DIGITS = 32


@dataclass(frozen=True)
class KerasLayer:
    """One layer of a network.

    Attributes
    ----------
    name
        As `keras.applications` calls it.
    kind
        Its class in Keras.
    channels
        Length of the last axis of its output.
    inputs
        Names of the layers whose outputs it takes; empty for the input alone.
    config
        What Keras's constructor is given besides the name, where it differs from the default.
    arrays
        From the name of each of its arrays to the array's shape, in Keras's order.
    """

    name: str
    kind: str
    channels: int
    inputs: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def sees_one_channel(self) -> bool:
        """Whether each channel of a convolution's output depends on one of its input alone."""
        return self.arrays["kernel"][2] == 1

    def pair(self, option: str, default: int = 1) -> tuple[int, int]:
        """Return an option that has a value for rows and one for columns."""
        value = self.config.get(option) or default
        return (value, value) if isinstance(value, int) else (value[0], value[1])


@dataclass(frozen=True)
class OfficialFile:
    """A file as Keras publishes it.

    Attributes
    ----------
    path
        Below the publisher's address.
    hash
        As `keras.applications` states it, in hexadecimal: MD5 or, where it is longer, SHA-256. It
        tells the file from others and from damage; that only Keras has made a file with it, no MD5
        can promise.
    has_head
        Whether the classifier head is in it.
    """

    path: str
    hash: str
    has_head: bool

    @property
    def algorithm(self) -> str:
        """`md5` or `sha256`, by the hash's length, as `keras.utils.get_file` tells them apart."""
        return "md5" if len(self.hash) == _MD5_DIGITS else "sha256"

    @property
    def title(self) -> str:
        """For people."""
        return "ImageNet, Keras official file" + ("" if self.has_head else " without the head")

    @property
    def name(self) -> str:
        """The file's name, also in Keras's own cache."""
        return self.path.rpartition("/")[2]

    @property
    def address(self) -> str:
        """Where it is downloaded from.

        Raises
        ------
        UsageError
            If the mirror that was set has no web address.
        """
        return f"{read_settings().weights_mirror}/{self.path}"

    @property
    def keras_copy(self) -> Path:
        """Where Keras keeps it once a program has downloaded it with Keras."""
        return read_settings().keras_home.expanduser() / "models" / self.name

    def is_at(self, path: Path) -> bool:
        """Return whether a file is the official one."""
        try:
            return file_hash(path, self.algorithm) == self.hash
        except OSError:
            return False


def file_hash(path: Path, algorithm: str) -> str:
    """Return a file's MD5 or SHA-256 in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open_regular(path) as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest()


@dataclass(frozen=True)
class Layer:
    """One place where a network can be read.

    Attributes
    ----------
    name
        As the network's authors and Keras call that part of it.
    channels
        Of its maps; a pooling says how long a descriptor it makes of them.
    stride
        Pixels of the input from one position to the next.
    keras_layer
        Name of the Keras layer whose output is read.
    in_head
        Whether the layer belongs to the classifier head, which not every file of weights holds.
    """

    name: str
    channels: int
    stride: int
    keras_layer: str
    in_head: bool = False


@dataclass(frozen=True, eq=False)
class Network:
    """A pre-trained stack, read as it is and never trained here.

    Attributes
    ----------
    name
        In keys, on the command line and in addresses; letters, digits and underscores.
    title
        For people.
    layers
        Where it can be read, from first to deepest; each is computed from the one before.
    keras_name
        Name of its constructor in `keras.applications`.
    preprocessing
        What its pixels become, by Keras's name for it: `caffe`, `torch`, `tf`, or `none` where the
        rows begin with it.
    citation
        The paper that introduced it.
    files
        Its official files.
    rows
        Every layer of the dense network with its head, inputs before what takes them.
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    keras_name: str = ""
    preprocessing: str = "none"
    citation: str = ""
    files: tuple[OfficialFile, ...] = ()
    rows: tuple[KerasLayer, ...] = field(default=(), repr=False)

    def layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises
        ------
        UsageError
            If the network has no such readable layer.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise UsageError(f"Unknown layer “{name}” in {self.title}. Available: {known}.")

    def depth(self, name: str) -> int:
        """Return the layer's place in the table, 0 being the first."""
        return self.layers.index(self.layer(name))

    def deepest(self, names: Iterable[str]) -> str:
        """Return the one of the named layers that lies deepest."""
        return max(names, key=self.depth)

    @cached_property
    def default_layers(self) -> tuple[str, ...]:
        """The layers that are read unless others are asked for: all but those of the head."""
        return tuple(layer.name for layer in self.layers if not layer.in_head)

    @cached_property
    def row(self) -> dict[str, KerasLayer]:
        """From a Keras layer's name to its row."""
        return {row.name: row for row in self.rows}

    @cached_property
    def flattened(self) -> frozenset[str]:
        """Names of the dense layers that follow a Flatten, which are read as convolutions."""
        names: set[str] = set()
        for row in self.rows:
            if row.kind == "Flatten" or not names.isdisjoint(row.inputs):
                names.add(row.name)
        return frozenset(name for name in names if self.row[name].kind == "Dense")

    def needed_rows(self, names: Iterable[str]) -> tuple[KerasLayer, ...]:
        """Return the rows that reading the named layers takes, inputs before what takes them."""
        todo = [self.layer(name).keras_layer for name in names]
        needed: set[str] = set()
        while todo:
            name = todo.pop()
            if name not in needed:
                needed.add(name)
                todo.extend(self.row[name].inputs)
        return tuple(row for row in self.rows if row.name in needed)

    def complete_file(self) -> OfficialFile:
        """Return the smallest official file that reaches every layer.

        Raises
        ------
        MedrecogError
            If there is none.
        """
        needs_head = any(layer.in_head for layer in self.layers)
        for file in sorted(self.files, key=lambda file: file.has_head):
            if file.has_head >= needs_head:
                return file
        raise MedrecogError(f"No official file of {self.title} is known. Import one instead.")

    def recognise(self, path: Path) -> OfficialFile | None:
        """Return the official file that a file is, None where it is another.

        Raises
        ------
        OSError
            If it cannot be read.
        """
        hashes = {
            algorithm: file_hash(path, algorithm)
            for algorithm in {file.algorithm for file in self.files}
        }
        return next((f for f in self.files if hashes[f.algorithm] == f.hash), None)


PREPROCESSINGS = ("caffe", "torch", "tf", "none")

CHANNEL_MEANS_RGB = (123.68, 116.779, 103.939)
"""ImageNet means of pixels from 0 to 255 (`keras.applications.imagenet_utils`, mode `caffe`)."""

UNIT_MEANS_RGB = (0.485, 0.456, 0.406)
UNIT_DEVIATIONS_RGB = (0.229, 0.224, 0.225)
"""ImageNet means and standard deviations of pixels from 0 to 1 (the same, mode `torch`)."""


def prepared(keras: ModuleType, preprocessing: str, image: Any) -> Any:
    """Return what a network reads of an image.

    Parameters
    ----------
    keras
        The package.
    preprocessing
        `caffe`: BGR with the means subtracted; `torch`: from 0 to 1, normalised; `tf`: from -1 to
        1; `none`: as it is, for networks that begin with layers for it.
    image
        RGB, values from 0 to 255, shape (n, height, width, 3).

    Returns
    -------
    tensor
        float32, of the same shape.
    """
    ops = keras.ops
    x = ops.cast(image, "float32")
    if preprocessing == "caffe":
        return ops.flip(x - ops.convert_to_tensor(CHANNEL_MEANS_RGB, dtype="float32"), axis=-1)
    if preprocessing == "torch":
        means = ops.convert_to_tensor(UNIT_MEANS_RGB, dtype="float32")
        deviations = ops.convert_to_tensor(UNIT_DEVIATIONS_RGB, dtype="float32")
        return (x / 255.0 - means) / deviations
    if preprocessing == "tf":
        return x / 127.5 - 1.0
    return x


def prepared_array(preprocessing: str, images: np.ndarray) -> np.ndarray:
    """Return what `prepared` does, computed by NumPy for engines other than Keras.

    Parameters
    ----------
    preprocessing
        As in `prepared`.
    images
        RGB, values from 0 to 255, shape (n, height, width, 3).

    Returns
    -------
    numpy.ndarray
        float32, of the same shape.
    """
    x: np.ndarray = images.astype(np.float32)
    if preprocessing == "caffe":
        x -= np.array(CHANNEL_MEANS_RGB, np.float32)
        return x[..., ::-1]
    if preprocessing == "torch":
        x /= 255
        x -= np.array(UNIT_MEANS_RGB, np.float32)
        x /= np.array(UNIT_DEVIATIONS_RGB, np.float32)
    elif preprocessing == "tf":
        x /= 127.5
        x -= 1
    return x


_BYTES_PER_PARAMETER = 4


@dataclass(frozen=True)
class LayerParameters:
    """The arrays of one layer with weights.

    Attributes
    ----------
    name
        The layer's name in Keras.
    shapes
        Name and shape of each array, in Keras's order.
    read_at
        The shallowest readable layer that needs them; None where none does.
    """

    name: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    read_at: str | None

    @property
    def n_parameters(self) -> int:
        """Numbers in all arrays."""
        return sum(math.prod(shape) for _, shape in self.shapes)


@lru_cache(maxsize=32)
def network_parameters(network: Network) -> tuple[LayerParameters, ...]:
    """Return the network's layers with weights, from first to deepest.

    Raises
    ------
    MedrecogError
        If no table says what the network is made of.
    """
    if not network.rows:
        raise MedrecogError(
            f"No weights can be installed for {network.title}, because its table has no "
            "parameters. Choose another network."
        )
    read_at: dict[str, str] = {}
    for layer in network.layers:
        for row in network.needed_rows([layer.name]):
            read_at.setdefault(row.name, layer.name)
    return tuple(
        LayerParameters(row.name, tuple(row.arrays.items()), read_at.get(row.name))
        for row in network.rows
        if row.arrays
    )


def is_optional(network: Network, parameters: LayerParameters) -> bool:
    """Return whether weights without this layer still fit, which only the head may lack."""
    return parameters.read_at is None or network.layer(parameters.read_at).in_head


def reached_layers(network: Network, names: Collection[str]) -> tuple[str, ...]:
    """Return the readable layers for which every parameter is among the named Keras layers."""
    missing = {row.read_at for row in network_parameters(network) if row.name not in names}
    reached = []
    for layer in network.layers:
        if layer.name in missing:
            break  # what lies deeper is computed from it
        reached.append(layer.name)
    return tuple(reached)


def official_bytes(network: Network) -> int:
    """Return about how large the official file that reaches every layer is.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    has_head = network.complete_file().has_head
    return _BYTES_PER_PARAMETER * sum(
        row.n_parameters
        for row in network_parameters(network)
        if has_head or not is_optional(network, row)
    )
