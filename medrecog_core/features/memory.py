"""How much memory a network takes, stated before it is used."""

import contextlib
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.features.pooled_network import batch_size
from medrecog_core.features.reading_ahead import reading_ahead
from medrecog_core.images import PREPROCESSINGS, Preprocessing
from medrecog_core.networks import Network, find_device
from medrecog_core.networks.summary import summarise
from medrecog_core.networks.table import CONVOLUTIONS

# Python with TensorFlow, Keras and what a run needs besides, once a graph is built: 0.75 GB were
# measured (TensorFlow 2.21 on Linux), and a tenth is added for other systems and versions.
_BASE = 850_000_000
_BYTES_OF = {"float32": 4, "bfloat16": 2}
# Of the largest array, while it becomes a variable: as it was read, as a tensor, and the variable.
_COPIES_AT_LOADING = 3
# A convolution's input and output, and one that the allocator has not given back.
_MAPS_AT_ONCE = 3
_SQUEEZE = next(iter(PREPROCESSINGS.values()))


@dataclass(frozen=True)
class MemoryEstimate:
    """Greatest resident memory that extraction at a scale is expected to take, in bytes.

    Attributes
    ----------
    images_at_once
        Images in a batch.
    base
        What the libraries take.
    weights
        The network's arrays.
    loading
        What reading the largest of them takes besides, before any image.
    activations
        The maps of a batch that are in memory at the same time.
    pixels
        Images that are read ahead.
    on_gpu
        Whether weights and activations lie in the memory of a GPU instead.
    """

    images_at_once: int
    base: int
    weights: int
    loading: int
    activations: int
    pixels: int
    on_gpu: bool

    @property
    def n_bytes(self) -> int:
        """Greatest resident memory of the process."""
        if self.on_gpu:
            return self.base + self.loading + self.pixels
        return self.base + self.weights + max(self.loading, self.activations + self.pixels)


def estimate_memory(
    network: Network,
    layers: Sequence[str],
    scale: int,
    precision: str,
    preprocessing: Preprocessing = _SQUEEZE,
) -> MemoryEstimate:
    """Return what extraction will take.

    Parameters
    ----------
    network, layers
        The network and the names of the layers that are read.
    scale
        Shorter side of the images in pixels.
    precision
        `float32` or `bfloat16`.
    preprocessing
        Of which the longest image counts.

    Notes
    -----
    An image whose file has many more pixels than the scale takes three bytes for each of them
    besides, while it is decoded.
    """
    n_bytes = _BYTES_OF[precision]
    rows = network.needed_rows(layers)
    numbers = {s.name: s.side**2 * s.channels for s in summarise(network, scale)}
    maps = _MAPS_AT_ONCE * max(numbers.get(row.name, 0) for row in rows) * n_bytes
    if precision != "float32":
        # The first convolution gives float32, which is then rounded.
        maps += 4 * next((numbers[row.name] for row in rows if row.kind in CONVOLUTIONS), 0)
    squares = batch_size(scale, precision)
    proportion = preprocessing.largest_proportion
    arrays = [math.prod(shape) for row in rows for shape in row.arrays.values()]
    largest = max(arrays, default=0)
    pixels = (reading_ahead(squares).n_images + squares) * 3 * scale**2 * proportion
    return MemoryEstimate(
        images_at_once=squares,
        base=_BASE,
        weights=sum(arrays) * n_bytes,
        loading=largest * (4 * _COPIES_AT_LOADING - n_bytes),
        # A batch of several has no more pixels than one of squares.
        activations=max(squares, proportion) * maps,
        pixels=pixels,
        on_gpu=find_device().kind == "gpu",
    )


def peak_memory() -> int:
    """Return the greatest resident memory of this process so far, in bytes; 0 where unknown."""
    # What Linux's getrusage says begins with the peak of the process that started this one.
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
