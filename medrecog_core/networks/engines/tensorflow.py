"""Networks as Keras graphs, built from their tables: on a GPU, or in bfloat16, or of any kind."""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from medrecog_core.networks import backend
from medrecog_core.networks.backend import (
    gains_from_depth,
    gains_from_xla,
    kernel_with_depth,
    with_depth,
)
from medrecog_core.networks.engines.engine import Memory, Place, ReadArrays, Readings
from medrecog_core.networks.summary import dense_kernel
from medrecog_core.networks.table import (
    AT_TRAINING_ONLY,
    CONVOLUTIONS,
    NORMALISATIONS,
    KerasLayer,
    Network,
    prepared,
)

if TYPE_CHECKING:
    import keras


class TensorFlow:
    """Keras with TensorFlow behind it, or with the backend that `KERAS_BACKEND` names."""

    name, title = "tensorflow", "TensorFlow"
    # 0.75 GB were measured in a run (TensorFlow 2.21), and a tenth is added for other systems. An
    # array that becomes a variable is held as it was read, as a tensor and as the variable.
    memory = Memory(base=850_000_000, copies=1, copies_at_loading=3)

    @property
    def version(self) -> str:
        """Of Keras."""
        try:
            return version("keras")
        except PackageNotFoundError:
            return ""

    def computes(self, network: Network, layers: Sequence[str], precision: str) -> bool:
        """Return True: every network is a table of Keras layers."""
        return True

    def graph(
        self, network: Network, readings: Readings, precision: str, read: ReadArrays
    ) -> "KerasGraph":
        """Return a graph in which the poolings are computed too; see `Engine.graph`."""
        return KerasGraph(network, readings, precision, read)


class KerasGraph:
    """A network with its poolings as one graph, so that only descriptors leave the device."""

    def __init__(
        self, network: Network, readings: Readings, precision: str, read: ReadArrays
    ) -> None:
        keras = backend.import_keras()
        layers = list(dict.fromkeys(layer for layer, _ in readings))
        maps = feature_maps(network, layers, precision, read)
        map_of = dict(zip(layers, maps.outputs, strict=True))
        of = {reading: reading.in_graph(keras, precision) for reading in readings.values()}
        (self._input,) = maps.inputs
        self._output_of = {
            (layer, name): keras.ops.cast(of[reading](map_of[layer]), reading.kept_as)
            for (layer, name), reading in readings.items()
        }
        self._types = {place: reading.kept_as for place, reading in readings.items()}
        self._uses_xla = gains_from_xla(precision)
        self._most_at_once: dict[tuple[int, ...], int] = {}
        self._models: dict[tuple[Place, ...], Any] = {}

    def read(self, images: np.ndarray, places: Sequence[Place]) -> list[np.ndarray]:
        """Return what is read at some places; the first batch of each choice takes a second longer.

        See `Graph.read`.
        """
        chosen = tuple(places)
        if chosen not in self._models:
            outputs = [self._output_of[place] for place in chosen]
            model = backend.import_keras().Model(self._input, outputs)
            model.compile(jit_compile=self._uses_xla)
            self._models[chosen] = model
        found = self._predict(self._models[chosen], images)
        return [
            np.asarray(values, dtype=self._types[place])
            for place, values in zip(chosen, found, strict=True)
        ]

    def _predict(self, model: Any, images: np.ndarray) -> list[np.ndarray]:
        """Return the outputs, of a full batch where another shape would be compiled anew."""
        n = len(images)
        if self._uses_xla:
            shape = images.shape[1:]
            full = self._most_at_once[shape] = max(n, self._most_at_once.get(shape, 0))
            images = np.concatenate([images, np.zeros((full - n, *shape), images.dtype)])
        outputs = model.predict_on_batch(images)
        return [values[:n] for values in (outputs if isinstance(outputs, list) else [outputs])]


@functools.cache
def sliding_dense(keras: ModuleType) -> Any:
    """Return the layer's class, which can only be made once Keras is imported.

    Its constructor takes `window`, the side of the map that the dense layer flattened, and what
    `keras.layers.Dense` takes. It maps (n, height, width, channels) to
    (n, height - window + 1, width - window + 1, units).
    """

    class SlidingDense(keras.layers.Layer):  # type: ignore[misc,name-defined]  # no types
        def __init__(self, window: int, name: str, dtype: str, **config: Any) -> None:
            super().__init__(name=name, dtype=dtype)
            self.window = window
            self.dense = keras.layers.Dense(**config, name=name, dtype=dtype)

        def build(self, input_shape: tuple[int | None, ...]) -> None:
            self.dense.build((None, self.window**2 * int(input_shape[-1] or 0)))

        def call(self, maps: Any) -> Any:
            n, height, width, channels = keras.ops.shape(maps)
            rows, columns = height - self.window + 1, width - self.window + 1
            windows = maps
            if self.window > 1:
                # Row by row, as Flatten lays them out.
                offsets = [(i, j) for i in range(self.window) for j in range(self.window)]
                windows = keras.ops.concatenate(
                    [maps[:, i : i + rows, j : j + columns] for i, j in offsets], axis=-1
                )
            windows = keras.ops.reshape(windows, (n * rows * columns, self.window**2 * channels))
            return keras.ops.reshape(self.dense(windows), (n, rows, columns, self.dense.units))

        def compute_output_shape(
            self, input_shape: tuple[int | None, ...]
        ) -> tuple[int | None, ...]:
            n, *sides, _ = input_shape
            slid = (None if side is None else side - self.window + 1 for side in sides)
            return (n, *slid, self.dense.units)

    return SlidingDense


def feature_maps(
    network: Network, layers: Sequence[str], precision: str, read: ReadArrays
) -> "keras.Model":
    """Return a network up to the deepest of some layers, giving the map of each.

    A head of dense layers after a Flatten is in its fully convolutional form, so that images of any
    size from 224 pixels on can be read. A batch normalisation that follows a convolution is part of
    the convolution's kernel and bias, which changes no more than the last digits.

    Parameters
    ----------
    network
        The network.
    layers
        Names of layers, each once.
    precision
        `float32`, or `bfloat16` for all but the first convolution, whose input has the three
        channels of an image and gains nothing from it, and but for the sums and statistics of
        normalisations and means over all positions.
    read
        Asked once for each layer with arrays that the graph needs, one after the other; nothing
        else of the weights is held in memory.

    Returns
    -------
    keras.Model
        From uint8 RGB images, shape (n, height, width, 3), to one map a layer, in the given
        order, shape (n, rows, columns, channels).
    """
    keras = backend.import_keras()
    graph = _Graph(keras, network, layers, precision, read)
    image = keras.Input((None, None, 3), dtype="uint8")
    maps = graph.apply(image)
    outputs = [maps[network.layer(layer).keras_layer] for layer in layers]
    return keras.Model(image, outputs, name=network.name)


class _Graph:
    """The rows that are needed, and what becomes of each."""

    def __init__(
        self,
        keras: ModuleType,
        network: Network,
        layers: Sequence[str],
        precision: str,
        read: ReadArrays,
    ) -> None:
        self._keras, self._network, self._precision, self._read = keras, network, precision, read
        self._rows = network.needed_rows(layers)
        self._first = next((row.name for row in self._rows if row.kind in CONVOLUTIONS), "")
        self._gains_from_depth = gains_from_depth(keras)
        self._is_raw = True  # as long as the first convolution has not been built
        self._absorbed = _absorbed(
            self._rows, {network.layer(layer).keras_layer for layer in layers}
        )

    def apply(self, image: Any) -> dict[str, Any]:
        maps: dict[str, Any] = {}
        for row in self._rows:
            if row.kind == "InputLayer":
                maps[row.name] = prepared(self._keras, self._network.preprocessing, image)
                continue
            inputs = [maps[name] for name in row.inputs]
            maps[row.name] = self._one(row, inputs[0] if len(inputs) == 1 else inputs)
            if row.name == self._first:
                self._is_raw = False
        return maps

    def _one(self, row: KerasLayer, x: Any) -> Any:
        kernel = dense_kernel(self._network, row)
        if row.kind in AT_TRAINING_ONLY or row.kind == "Flatten":
            return x
        if row.name in self._absorbed.values():
            return x
        if row.kind in CONVOLUTIONS:
            return self._convolve(row, x)
        if kernel:
            return self._slide_dense(row, kernel, x)
        arrays = self._arrays(row) if row.arrays else {}
        if row.kind == "LayerScale":
            return x * self._keras.ops.convert_to_tensor(arrays["gamma"], dtype=x.dtype)
        return self._layer(row, self._dtype(row), dict(row.config), arrays)(x)

    def _dtype(self, row: KerasLayer) -> str:
        if self._is_raw or row.kind.startswith("GlobalAverage"):
            return "float32"
        if row.kind in NORMALISATIONS and self._precision != "float32":
            # Keras computes them in float32, and keeps their arrays so under this policy.
            return f"mixed_{self._precision}"
        return self._precision

    def _arrays(self, row: KerasLayer) -> dict[str, np.ndarray]:
        return dict(zip(row.arrays, self._read(row.name), strict=True))

    def _convolve(self, row: KerasLayer, x: Any) -> Any:
        arrays, config = self._arrays(row), dict(row.config)
        kind = row.kind
        if kind == "Conv2D" and config.get("groups") == row.channels and row.sees_one_channel:
            # TensorFlow has kernels for convolutions of each channel alone, and for other groups
            # only what its just-in-time compiler makes.
            kind, groups = "DepthwiseConv2D", config.pop("groups")
            del config["filters"]
            arrays["kernel"] = arrays["kernel"].reshape(*arrays["kernel"].shape[:2], groups, 1)
        if row.name in self._absorbed:
            normalisation = self._network.row[self._absorbed[row.name]]
            _absorb(arrays, normalisation, self._arrays(normalisation), kind)
            config["use_bias"] = True
        dtype = self._dtype(row)
        is_deep = self._gains_from_depth and dtype == "float32" and config.get("groups", 1) == 1
        if kind == "Conv2D" and is_deep:
            arrays["kernel"] = kernel_with_depth(arrays["kernel"])
            convolution = self._layer(row, dtype, with_depth(config), arrays, "Conv3D")
            deep = convolution(self._keras.ops.expand_dims(x, axis=1))
            return self._keras.ops.squeeze(deep, axis=1)
        return self._layer(row, dtype, config, arrays, kind)(x)

    def _slide_dense(self, row: KerasLayer, window: int, x: Any) -> Any:
        layer = sliding_dense(self._keras)
        given = _given(self._keras, self._arrays(row))
        dtype = self._dtype(row)
        return layer(window=window, **row.config, **given, name=row.name, dtype=dtype)(x)

    def _layer(
        self,
        row: KerasLayer,
        dtype: str,
        config: Mapping[str, Any],
        arrays: dict[str, np.ndarray],
        kind: str = "",
    ) -> Any:
        kind = kind or row.kind
        if kind == "DepthwiseConv2D":
            arrays["depthwise"] = arrays.pop("kernel")
        given = _given(self._keras, arrays)
        return getattr(self._keras.layers, kind)(**config, **given, name=row.name, dtype=dtype)


class _Given:
    """An initialiser that gives an array once and lets go of it.

    Filling a variable of a large kernel with random numbers first, and holding the array as long
    as the layer, would take its memory three times over.
    """

    def __init__(self, keras: ModuleType, array: np.ndarray) -> None:
        self._keras, self._arrays = keras, [array]

    def __call__(self, shape: Sequence[int], dtype: Any = None, **_: Any) -> Any:
        array = self._arrays.pop()
        if array.shape != tuple(shape):
            raise ValueError(f"the array has the shape {array.shape} instead of {tuple(shape)}")
        return self._keras.ops.convert_to_tensor(array, dtype=dtype)


def _given(keras: ModuleType, arrays: dict[str, np.ndarray]) -> dict[str, _Given]:
    """Return initialisers that give arrays, which are taken out of the dictionary."""
    return {f"{name}_initializer": _Given(keras, arrays.pop(name)) for name in list(arrays)}


def _absorbed(rows: Sequence[KerasLayer], read: set[str]) -> dict[str, str]:
    """Return each convolution whose output a batch normalisation alone takes, to that one."""
    n_takers = Counter(name for row in rows for name in row.inputs)
    by_name = {row.name: row for row in rows}
    absorbed = {}
    for row in rows:
        if row.kind != "BatchNormalization":
            continue
        source = by_name[row.inputs[0]]
        if (
            source.kind in CONVOLUTIONS
            and n_takers[source.name] == 1
            and source.name not in read
            and "activation" not in source.config
        ):
            absorbed[source.name] = row.name
    return absorbed


def _absorb(
    arrays: dict[str, np.ndarray],
    normalisation: KerasLayer,
    statistics: Mapping[str, np.ndarray],
    kind: str,
) -> None:
    """Change a convolution's arrays so that its output is normalised.

    Notes
    -----
    gamma (x - mean) / sqrt(variance + epsilon) + beta, of Ioffe and Szegedy (2015, section 3.1),
    with x = kernel * image + bias.
    """
    variance = statistics["moving_variance"].astype(np.float64)
    epsilon = normalisation.config.get("epsilon", 1e-3)
    factor = statistics.get("gamma", np.float64(1.0)) / np.sqrt(variance + epsilon)
    shift = arrays.get("bias", np.float64(0.0)) - statistics["moving_mean"].astype(np.float64)
    bias = shift * factor + statistics.get("beta", np.float64(0.0))
    by_channel = factor[:, None] if kind == "DepthwiseConv2D" else factor
    arrays["kernel"] = (arrays["kernel"] * by_channel).astype(np.float32)
    arrays["bias"] = bias.astype(np.float32)


ENGINE = TensorFlow()
