"""Networks on a processor by Winograd's minimal filtering, computed by MNN."""

import contextlib
import ctypes
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from medrecog_core.errors import MedrecogError
from medrecog_core.networks.device import find_device
from medrecog_core.networks.engines.engine import Memory, Place, ReadArrays, Readings
from medrecog_core.networks.summary import dense_kernel
from medrecog_core.networks.table import AT_TRAINING_ONLY, KerasLayer, Network, prepared_array

# MNN's hint WINOGRAD_MEMORY_LEVEL. At its default, 3, the tiles are so large that maps differ from
# direct convolution by 8e-4 of the largest value; at 1 by 2e-6, and 0 is direct convolution.
_TILE_HINT, _SMALL_TILES = 3, 1
_OUTPUTS_AT_ONCE = 32
_INPUT = "image"
_SMALLEST_SIDE, _SIDE_OF_HEAD = 32, 224


class Mnn:
    """MNN: small, light to start, and the fastest where a processor has AVX2 and nothing wider."""

    name, title = "mnn", "MNN"
    # The transformed kernels of the small tiles take 16 numbers for 9 (`benchmarks/scales.py`).
    memory = Memory(base=250_000_000, copies=2.5, copies_at_loading=3)

    @property
    def version(self) -> str:
        """Of MNN."""
        try:
            return version("MNN")
        except PackageNotFoundError:
            return ""

    def computes(self, network: Network, layers: Sequence[str], precision: str) -> bool:
        """Return whether it has a counterpart of every row; VGG-19 and VGG-16 are whole."""
        rows = network.needed_rows(layers)
        return precision == "float32" and all(_has_counterpart(network, row) for row in rows)

    def graph(
        self, network: Network, readings: Readings, precision: str, read: ReadArrays
    ) -> "MnnGraph":
        """Return a graph that gives maps, of which NumPy makes what is read."""
        return MnnGraph(network, readings, read)


class MnnGraph:
    """A network up to the deepest layer that is read, giving the map of each."""

    def __init__(self, network: Network, readings: Readings, read: ReadArrays) -> None:
        mnn = _import_mnn()
        self._preprocessing, self._readings = network.preprocessing, readings
        self._layers = tuple(dict.fromkeys(layer for layer, _ in readings))
        rows = network.needed_rows(self._layers)
        with tempfile.TemporaryDirectory(prefix="medrecog-") as folder:
            graph, weights = Path(folder, "graph.mnn"), Path(folder, "weights")
            with weights.open("wb") as file:
                description = _description(network, self._layers, rows, read, file)
            _compile(description, graph)
            with _without_messages():
                runtime = mnn.nn.create_runtime_manager(
                    ({"backend": "CPU", "numThread": find_device().n_cores},)
                )
                runtime.set_hint(_TILE_HINT, _SMALL_TILES)
                runtime.set_external(str(weights))
                self._module = mnn.nn.load_module_from_file(
                    str(graph), [_INPUT], list(self._layers), runtime_manager=runtime
                )
            self._runtime = runtime
            # The weights are read with the first image, which may be small where no head is read.
            has_head = any(row.kind == "Dense" for row in rows)
            side = _SIDE_OF_HEAD if has_head else _SMALLEST_SIDE
            self._maps(np.zeros((1, side, side, 3), np.uint8))

    def read(self, images: np.ndarray, places: Sequence[Place]) -> list[np.ndarray]:
        """Return what is read at some places; see `Graph.read`."""
        maps = self._maps(images)
        readings = {place: self._readings[place] for place in places}
        return [
            np.asarray(reading.of_maps(maps[layer]), dtype=reading.kept_as)
            for (layer, _), reading in readings.items()
        ]

    def _maps(self, images: np.ndarray) -> dict[str, np.ndarray]:
        express = _import_mnn().expr
        pixels = np.ascontiguousarray(prepared_array(self._preprocessing, images))
        given = express.const(pixels, list(pixels.shape), express.NHWC)
        outputs = self._module.forward([given])
        return {
            layer: np.array(output.read(), dtype=np.float32)
            for layer, output in zip(self._layers, outputs, strict=True)
        }


@dataclass
class _Operations:
    """MNN's description of a graph: operations, the names of their results, and the weights."""

    weights: BinaryIO
    operations: list[dict[str, Any]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def add(self, name: str, kind: str, of: Sequence[int], parameter: str, **main: Any) -> int:
        """Add an operation, and return the number of its result."""
        self.names.append(name)
        number = len(self.names) - 1
        operation = {"name": name, "type": kind, "main_type": parameter, "main": main}
        layout = {"inputIndexes": list(of), "outputIndexes": [number]}
        self.operations.append(operation | layout | {"defaultDimentionFormat": "NHWC"})
        return number

    def convert(self, name: str, of: int, source: str, layout: str) -> int:
        """Add a change of layout."""
        return self.add(
            name, "ConvertTensor", [of], "TensorConvertInfo", source=source, dest=layout
        )

    def convolve(self, row: KerasLayer, of: int, kernel: np.ndarray, bias: np.ndarray) -> int:
        """Add a convolution with a kernel of shape (height, width, inputs, outputs)."""
        height, width, n_inputs, n_outputs = kernel.shape
        padding = row.config.get("padding") == "same"
        rows, columns = row.pair("strides")
        begin = self.weights.tell()
        sizes = [
            self.weights.write(np.ascontiguousarray(array, dtype="<f4").data)
            for array in (_outputs_first(kernel), bias)
        ]
        common = {
            "kernelX": width,
            "kernelY": height,
            "strideX": columns,
            "strideY": rows,
            "dilateX": 1,
            "dilateY": 1,
            "padX": (width - 1) // 2 if padding else 0,
            "padY": (height - 1) // 2 if padding else 0,
            "padMode": "CAFFE",
            "group": 1,
            "inputCount": n_inputs,
            "outputCount": n_outputs,
            "relu": row.config.get("activation") == "relu",
        }
        return self.add(
            row.name,
            "Convolution",
            [of],
            "Convolution2D",
            common=common,
            external=[begin, *sizes],
        )

    def pool(self, row: KerasLayer, of: int) -> int:
        """Add a max pooling."""
        (height, width), (rows, columns) = row.pair("pool_size", 2), row.pair("strides", 2)
        return self.add(
            row.name,
            "Pooling",
            [of],
            "Pool",
            type="MAXPOOL",
            kernelX=width,
            kernelY=height,
            strideX=columns,
            strideY=rows,
            padX=0,
            padY=0,
            padType="VALID",
            ceilModel=False,
            isGlobal=False,
            dataType="DT_FLOAT",
            countType="DEFAULT",
        )


def _outputs_first(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel of shape (height, width, inputs, outputs) as (outputs, inputs, window)."""
    height, width, n_inputs, n_outputs = kernel.shape
    windows = kernel.reshape(-1, n_inputs, n_outputs)
    turned = np.empty((n_outputs, n_inputs, height * width), dtype="<f4")
    # A position of the window and a few outputs at a time, which stay in the processor's cache.
    for start in range(0, n_outputs, _OUTPUTS_AT_ONCE):
        part = slice(start, start + _OUTPUTS_AT_ONCE)
        for position, matrix in enumerate(windows):
            turned[part, :, position] = matrix[:, part].T
    return turned


def _has_counterpart(network: Network, row: KerasLayer) -> bool:
    config = row.config
    if row.kind == "Conv2D":
        kernel, is_same = row.pair("kernel_size"), config.get("padding") == "same"
        return bool(
            config.get("activation", "linear") in ("relu", "linear")
            and config.get("groups", 1) == 1
            and row.pair("dilation_rate") == (1, 1)
            and config.get("use_bias", True)
            and not (is_same and (row.pair("strides") != (1, 1) or not all(k % 2 for k in kernel)))
        )
    if row.kind == "MaxPooling2D":
        return bool(config.get("padding", "valid") == "valid")
    if row.kind == "Dense":
        return dense_kernel(network, row) > 0 and config.get("activation") in (None, "relu")
    return row.kind in ("InputLayer", "Flatten", *AT_TRAINING_ONLY)


def _description(
    network: Network,
    layers: Sequence[str],
    rows: Sequence[KerasLayer],
    read: ReadArrays,
    weights: BinaryIO,
) -> Mapping[str, Any]:
    graph = _Operations(weights)
    image = graph.add(
        _INPUT, "Input", [], "Input", dims=[1, 224, 224, 3], dtype="DT_FLOAT", dformat="NHWC"
    )
    results: dict[str, int] = {}
    for row in rows:
        if row.kind == "InputLayer":
            results[row.name] = graph.convert(f"{row.name}-packed", image, "NHWC", "NC4HW4")
            continue
        of = results[row.inputs[0]]
        if row.kind == "Conv2D":
            kernel, bias = read(row.name)
            results[row.name] = graph.convolve(row, of, kernel, bias)
        elif row.kind == "Dense":
            kernel, bias = read(row.name)
            side = dense_kernel(network, row)
            windows = kernel.reshape(side, side, -1, kernel.shape[-1])
            results[row.name] = graph.convolve(row, of, windows, bias)
        elif row.kind == "MaxPooling2D":
            results[row.name] = graph.pool(row, of)
        else:
            results[row.name] = of
    for layer in layers:
        of = results[network.layer(layer).keras_layer]
        graph.convert(layer, of, "NC4HW4", "NHWC")
    return {
        "oplists": graph.operations,
        "tensorName": graph.names,
        "sourceType": "CAFFE",
        "usage": "INFERENCE",
        "preferForwardType": "CPU",
    }


def _compile(description: Mapping[str, Any], path: Path) -> None:
    """Write a description as the file that MNN loads."""
    source = path.with_suffix(".json")
    source.write_text(json.dumps(description))
    # In a process of its own, because the converter brings a protobuf that ends the process where
    # TensorFlow's is loaded. And not through `MNN.tools`, which reports to its publisher.
    convert = "import sys, _tools; _tools.mnnconvert(sys.argv)"
    files = ["-f", "JSON", "--modelFile", str(source), "--MNNModel", str(path)]
    options = ["--optimizeLevel", "0", "--bizCode", "medrecog"]
    done = subprocess.run(
        [sys.executable, "-I", "-c", convert, *files, *options], capture_output=True, check=False
    )
    if not path.exists():
        raise MedrecogError(
            f"MNN could not prepare the network (its converter ended with {done.returncode}). "
            f"Choose the engine TensorFlow."
        )


@functools.cache
def _import_mnn() -> Any:
    with _without_messages():
        import MNN
        import MNN.expr
        import MNN.nn
    return MNN


@contextlib.contextmanager
def _without_messages() -> Iterator[None]:
    # MNN's libraries write to file descriptor 1, which may be a document of `--json`, and through
    # the buffer of C, which has to be empty before the descriptor is given back.
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        with contextlib.suppress(OSError, TypeError, AttributeError):
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


ENGINE = Mnn()
