"""A network and its poolings as one graph: images in, descriptors out, in one pass."""

from collections.abc import Iterable

import numpy as np

from medrecog_core.features.cell import POOLINGS, check_pooling
from medrecog_core.networks import Network, find_device, installed_weights, opened_weights
from medrecog_core.networks.backend import import_keras
from medrecog_core.networks.feature_maps import feature_maps

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


class PooledNetwork:
    """The network up to the deepest layer asked for, each layer pooled inside the graph.

    Max and average are taken over the map's positions; the average is summed in float32 whatever
    the precision. Not to be used by two threads at once.
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
            Pairs of layer and pooling.
        precision
            `float32` or `bfloat16`.
        weights
            Identity of installed weights; empty: those that are preferred.
        """
        self.readings = tuple(
            sorted(
                {(network.layer(layer).name, check_pooling(p)) for layer, p in readings},
                key=lambda pair: (network.depth(pair[0]), POOLINGS.index(pair[1])),
            )
        )
        keras = import_keras()
        layers = list(dict.fromkeys(layer for layer, _ in self.readings))
        identity = weights or installed_weights(network).identity
        with opened_weights(network, identity) as read:
            maps = feature_maps(network, layers, precision, read)
        map_of = dict(zip(layers, maps.outputs, strict=True))
        pool = {
            "max": keras.layers.GlobalMaxPooling2D(dtype=precision),
            "average": keras.layers.GlobalAveragePooling2D(dtype="float32"),
        }
        descriptors = [
            keras.ops.cast(pool[pooling](map_of[layer]), "float32")
            for layer, pooling in self.readings
        ]
        self._model = keras.Model(maps.inputs, descriptors)
        self._model.compile(jit_compile=False)  # XLA on a processor is several times slower

    def descriptors(self, images: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        """Return the descriptors of a batch of images, from one pass.

        Parameters
        ----------
        images
            uint8, RGB, shape (n, height, width, 3).

        Returns
        -------
        dict
            From (layer, pooling) to float32, shape (n, channels).
        """
        outputs = self._model.predict_on_batch(images)
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return {
            reading: np.asarray(values, dtype=np.float32)
            for reading, values in zip(self.readings, outputs, strict=True)
        }
