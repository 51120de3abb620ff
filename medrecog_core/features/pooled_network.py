"""A network with its poolings: images in, descriptors out, in one pass."""

from collections.abc import Iterable

import numpy as np

from medrecog_core.errors import UsageError
from medrecog_core.features.pooling import READINGS
from medrecog_core.networks import Network, find_device, installed_weights, opened_weights
from medrecog_core.networks.engines import AUTO, choose_engine

_NAMES = list(READINGS)
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
    """The network up to the deepest layer asked for, each layer pooled, from one pass.

    What each pooling computes is in `GLOBAL_POOLINGS`, and what else can be read in `READINGS`;
    sums are computed in float32 or float64 whatever the precision. Not to be used by two threads at
    once.

    Attributes
    ----------
    readings
        Pairs of layer and name of a reading, from first to deepest layer.
    engine
        What computes it.
    """

    def __init__(
        self,
        network: Network,
        readings: Iterable[tuple[str, str]],
        precision: str,
        weights: str = "",
        engine: str = AUTO,
        n_images: int = 0,
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
        engine
            Name of an engine, or `auto`.
        n_images
            How much work is expected, in images of 224 x 224 pixels; `auto` measures the engines
            for many.

        Raises
        ------
        UsageError
            If a layer, a reading or the engine does not exist.
        MedrecogError
            If the engine is not installed or cannot compute the layers.
        """
        self.readings = tuple(
            sorted(
                {(network.layer(layer).name, _check_reading(p)) for layer, p in readings},
                key=lambda pair: (network.depth(pair[0]), _NAMES.index(pair[1])),
            )
        )
        identity = weights or installed_weights(network).identity
        layers = list(dict.fromkeys(layer for layer, _ in self.readings))
        self.choice = choose_engine(network, layers, precision, identity, engine, n_images)
        with opened_weights(network, identity) as read:
            of = {(layer, name): READINGS[name] for layer, name in self.readings}
            self._graph = self.choice.engine.graph(network, of, precision, read)

    def descriptors(
        self, images: np.ndarray, readings: Iterable[tuple[str, str]] | None = None
    ) -> dict[tuple[str, str], np.ndarray]:
        """Return the descriptors of a batch of images, from one pass.

        Parameters
        ----------
        images
            uint8, RGB, shape (n, height, width, 3).
        readings
            Some of `readings`; None: all. Different choices share the weights.

        Returns
        -------
        dict
            From (layer, pooling) to float32, shape (n, length), and from (layer, `local`) to
            float16, shape (n, rows, columns, channels), each position of length 1 or 0, and from
            (layer, `map`) to float32 of that shape.
        """
        asked = self.readings if readings is None else set(readings)
        chosen = tuple(each for each in self.readings if each in asked)
        return dict(zip(chosen, self._graph.read(images, chosen), strict=True))


def averaged(
    of_views: Iterable[dict[tuple[str, str], np.ndarray]],
) -> dict[tuple[str, str], np.ndarray]:
    """Return the mean of the descriptors of views of the same images.

    Parameters
    ----------
    of_views
        Of each view, as `PooledNetwork.descriptors` gives them; at least one.

    Returns
    -------
    dict
        As given; of a single view unchanged.
    """
    found = iter(of_views)
    first, n = next(found), 1
    sums = {reading: values.astype(np.float64) for reading, values in first.items()}
    for view in found:
        n += 1
        for reading, values in view.items():
            sums[reading] += values
    if n == 1:
        return first
    return {reading: (total / n).astype(first[reading].dtype) for reading, total in sums.items()}


def _check_reading(reading: str) -> str:
    if reading not in READINGS:
        raise UsageError(f"Unknown reading “{reading}” of a layer. Available: {', '.join(_NAMES)}.")
    return reading
