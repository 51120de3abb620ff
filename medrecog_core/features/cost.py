"""What extraction takes on this machine: memory, and time from the passes it has made."""

import contextlib
import math
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter

from medrecog_core.atomic_file import read_json, write_json
from medrecog_core.bounds import KNOWN_ONLY, Count, Seconds
from medrecog_core.errors import StorageError
from medrecog_core.features.pooled_network import batch_size
from medrecog_core.features.reading import reading_ahead
from medrecog_core.images import PREPROCESSINGS, Preprocessing
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_device
from medrecog_core.networks.engines import ENGINES, Engine
from medrecog_core.networks.summary import summarise
from medrecog_core.networks.table import CONVOLUTIONS

_BYTES_OF = {"float32": 4, "bfloat16": 2}
# A convolution's input and output, and one that the allocator has not given back.
_MAPS_AT_ONCE = 3
_SQUEEZE = next(iter(PREPROCESSINGS.values()))
_FEWEST_IMAGES = 32
"""Of fewer, building the graph takes most of the time."""


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
    engine: Engine = ENGINES["tensorflow"],
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
    engine
        What computes the network.

    Notes
    -----
    An image whose file has many more pixels than the scale takes three bytes for each of them
    besides, while it is decoded.
    """
    n_bytes, memory = _BYTES_OF[precision], engine.memory
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
    read = preprocessing.read_side(scale)
    pixels = (reading_ahead(squares).n_images + squares) * 3 * read**2 * proportion
    return MemoryEstimate(
        images_at_once=squares,
        base=memory.base,
        weights=int(sum(arrays) * n_bytes * memory.copies),
        loading=largest * (4 * memory.copies_at_loading - n_bytes),
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


@dataclass(frozen=True)
class NetworkPass:
    """Images that went through a network together.

    Attributes
    ----------
    layer
        The deepest that was read.
    scale
        In pixels.
    n_images
        Number of images.
    seconds
        From files to stored descriptors.
    """

    layer: str
    scale: int
    n_images: int
    seconds: float


def keep_rates(network: Network, precision: str, passes: Iterable[NetworkPass]) -> None:
    """Keep the rates of passes on disk, each in the place of an earlier one of its kind.

    Of two processes that write at once, one loses its measurement and nothing else; a disk that
    takes none costs an estimate.

    Parameters
    ----------
    network, precision
        What the images went through: `float32` or `bfloat16`.
    passes
        Those of few images are left out.
    """
    kept = {_kind(row): row for row in _rows()}
    machine = _machine()
    for each in passes:
        if each.n_images >= _FEWEST_IMAGES:
            row = {
                **machine,
                "network": network.name,
                "precision": precision,
                "layer": each.layer,
                "scale": each.scale,
                "seconds_an_image": each.seconds / each.n_images,
            }
            kept[_kind(row)] = row
    with suppress(StorageError):
        write_json(cache_folder().rates, list(kept.values()))


def seconds_an_image(network: Network, precision: str, layer: str, scale: int) -> float | None:
    """Return what an image will take, from file to stored descriptors, None before any measurement.

    Where this layer at this scale was not measured, the nearest scale's measurement of the network
    is scaled in proportion to the multiplications and additions.

    Parameters
    ----------
    network, precision
        What it goes through: `float32` or `bfloat16`.
    layer
        The deepest to be read.
    scale
        In pixels.
    """
    asked = {**_machine(), "network": network.name, "precision": precision}
    measured = [row for row in _rows() if all(row[key] == asked[key] for key in asked)]
    if not measured:
        return None
    nearest = min(measured, key=lambda row: (abs(row["scale"] - scale), row["layer"] != layer))
    there = gflop_an_image(network, nearest["layer"], nearest["scale"])
    return float(nearest["seconds_an_image"] * gflop_an_image(network, layer, scale) / there)


def gflop_an_image(network: Network, layer: str, scale: int) -> float:
    """Return the thousand million multiplications and additions of an image up to a layer."""
    needed = {row.name for row in network.needed_rows([layer])}
    return sum(each.gflop for each in summarise(network, scale) if each.name in needed)


def _rows() -> list[dict[str, Any]]:
    """Return what is kept; what is damaged is measured again."""
    try:
        rows = _RATES.validate_python(read_json(cache_folder().rates))
    except (FileNotFoundError, StorageError, ValueError):
        return []
    return [row.model_dump() for row in rows]


class _Rate(BaseModel):
    model_config = KNOWN_ONLY

    device: str
    n_cores: Count
    network: str
    precision: str
    layer: str
    scale: Annotated[Count, Field(gt=0)]
    seconds_an_image: Annotated[Seconds, Field(gt=0)]


_RATES = TypeAdapter(list[_Rate])


def _kind(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("device", "n_cores", "network", "precision", "layer", "scale")
    return tuple(row[name] for name in names)


def _machine() -> dict[str, Any]:
    device = find_device()
    return {"device": device.name, "n_cores": device.n_cores}
