"""A network and its poolings as one graph: images in, descriptors out, in one pass."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from medrecog_core.errors import UsageError
from medrecog_core.features.pooling import GLOBAL_POOLINGS, LOCAL, MAP
from medrecog_core.networks import Network, find_device, installed_weights, opened_weights
from medrecog_core.networks.backend import gains_from_xla, import_keras
from medrecog_core.networks.feature_maps import feature_maps

READINGS = (*GLOBAL_POOLINGS, LOCAL, MAP)
"""What a layer's map becomes inside the graph."""

_CPU_MEMORY = 512 * 2**20
_GPU_MEMORY = 8 * 2**30
_CPU_MAX_BATCH = 8
_GPU_MAX_BATCH = 64
# The widest place: block1_conv1's 64 float32 maps, and twice 64 maps around block1_conv2.
_BYTES_PER_PIXEL = {"float32": 64 * (4 + 4 + 4), "bfloat16": 64 * (4 + 2 + 2)}


def batch_size(scale: int, precision: str) -> int:
    """Return how many images go through the network at once, so that activations stay bounded.

    The bound is 512 MB on a processor and 8 GB on a GPU; one image goes through in any case.
    On a processor more than 8 images at once bring nothing.
    """
    on_gpu = find_device().kind == "gpu"
    memory = _GPU_MEMORY if on_gpu else _CPU_MEMORY
    largest = _GPU_MAX_BATCH if on_gpu else _CPU_MAX_BATCH
    return max(1, min(largest, memory // (_BYTES_PER_PIXEL[precision] * scale**2)))


# A number between -1 and 1 keeps three decimal digits in float16, in half the room.
_TYPE_OF = {reading: "float16" if reading == LOCAL else "float32" for reading in READINGS}


class PooledNetwork:
    """The network up to the deepest layer asked for, each layer pooled inside the graph.

    What each pooling computes is in `GLOBAL_POOLINGS`; sums are computed in float32 whatever the
    precision. Local descriptors are the positions themselves, each divided by its Euclidean
    length in float32, as in NetVLAD (Arandjelović, Gronat, Torii, Pajdla and Sivic, 2016,
    "NetVLAD: CNN architecture for weakly supervised place recognition"). A map is given as it is,
    for evidence. Not to be used by two threads at once.
    """

    def __init__(
        self,
        network: Network,
        readings: Iterable[tuple[str, str]],
        precision: str,
        weights: str = "",
    ) -> None:
        """Build the graph.

        Parameters
        ----------
        network
            The network.
        readings
            Pairs of layer and one of `READINGS`.
        precision
            `float32` or `bfloat16`.
        weights
            Identity of installed weights; empty: those that are preferred.

        Raises
        ------
        UsageError
            If a layer or a reading does not exist.
        """
        self.readings = tuple(
            sorted(
                {(network.layer(layer).name, _check_reading(p)) for layer, p in readings},
                key=lambda pair: (network.depth(pair[0]), READINGS.index(pair[1])),
            )
        )
        keras = import_keras()
        layers = list(dict.fromkeys(layer for layer, _ in self.readings))
        identity = weights or installed_weights(network).identity
        with opened_weights(network, identity) as read:
            maps = feature_maps(network, layers, precision, read)
        map_of = dict(zip(layers, maps.outputs, strict=True))
        pool = {
            **{
                pooling.name: pooling.in_keras(keras, pooling.dtype or precision)
                for pooling in GLOBAL_POOLINGS.values()
            },
            LOCAL: keras.layers.UnitNormalization(axis=-1, dtype="float32"),
            MAP: keras.layers.Identity(dtype="float32"),
        }
        self._inputs = maps.inputs
        self._output_of = {
            (layer, pooling): keras.ops.cast(pool[pooling](map_of[layer]), _TYPE_OF[pooling])
            for layer, pooling in self.readings
        }
        self._uses_xla = gains_from_xla()
        self._most_at_once: dict[tuple[int, ...], int] = {}
        self._models = {self.readings: self._model(self.readings)}

    def _model(self, readings: tuple[tuple[str, str], ...]) -> Any:
        model = import_keras().Model(self._inputs, [self._output_of[each] for each in readings])
        model.compile(jit_compile=self._uses_xla)
        return model

    def _predict(self, model: Any, images: np.ndarray) -> list[np.ndarray]:
        """Return the outputs, of a full batch where another shape would be compiled anew."""
        n = len(images)
        if self._uses_xla:
            shape = images.shape[1:]
            full = self._most_at_once[shape] = max(n, self._most_at_once.get(shape, 0))
            images = np.concatenate([images, np.zeros((full - n, *shape), images.dtype)])
        outputs = model.predict_on_batch(images)
        return [values[:n] for values in (outputs if isinstance(outputs, list) else [outputs])]

    def descriptors(
        self, images: np.ndarray, readings: Iterable[tuple[str, str]] | None = None
    ) -> dict[tuple[str, str], np.ndarray]:
        """Return the descriptors of a batch of images, from one pass.

        Parameters
        ----------
        images
            uint8, RGB, shape (n, height, width, 3).
        readings
            Some of `readings`; None: all. Different choices share the weights, and the first batch
            of each takes a second longer.

        Returns
        -------
        dict
            From (layer, pooling) to float32, shape (n, length), and from (layer, `local`) to
            float16, shape (n, rows, columns, channels), each position of length 1 or 0, and from
            (layer, `map`) to float32 of that shape.
        """
        asked = self.readings if readings is None else set(readings)
        chosen = tuple(each for each in self.readings if each in asked)
        if chosen not in self._models:
            self._models[chosen] = self._model(chosen)
        outputs = self._predict(self._models[chosen], images)
        return {
            reading: np.asarray(values, dtype=_TYPE_OF[reading[1]])
            for reading, values in zip(chosen, outputs, strict=True)
        }


def _check_reading(reading: str) -> str:
    if reading not in READINGS:
        raise UsageError(
            f"Unknown reading “{reading}” of a layer. Available: {', '.join(READINGS)}."
        )
    return reading
