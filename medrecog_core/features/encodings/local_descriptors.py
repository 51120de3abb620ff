"""Local descriptors: the positions of a layer's map, read image by image, never all at once."""

import math
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from medrecog_core.errors import MedrecogError
from medrecog_core.features.cell import Cell
from medrecog_core.features.pooling import LOCAL
from medrecog_core.jobs.progress import Meter, Progress, Stage, ignore, never, stop_if
from medrecog_core.networks import Network
from medrecog_core.settings import read_settings, variable_of

_BYTES_OF_FLOAT32, _BYTES_OF_FLOAT16 = 4, 2
_SAMPLING = Stage("sample-local-descriptors", "Sampling local descriptors", "images")


class LocalDescriptors(Protocol):
    """Local descriptors of some images, each image's of shape (n_positions, channels)."""

    def __len__(self) -> int:
        """Return the number of images."""

    def __getitem__(self, i: int, /) -> np.ndarray:
        """Return an image's local descriptors."""


def sample_local_descriptors(
    images: LocalDescriptors,
    n: int,
    seed: int,
    report: Callable[[Progress], None] = ignore,
    should_stop: Callable[[], bool] = never,
) -> np.ndarray:
    """Draw local descriptors at random, as many from each image.

    Parameters
    ----------
    images
        Read one at a time; only what is drawn is held.
    n
        Most descriptors to draw. Of more images than that, n are drawn, with one descriptor each.
    seed
        Of the draw.
    report, should_stop
        Called with the progress, and asked before each image.

    Returns
    -------
    numpy.ndarray
        Shape (n or fewer, channels).

    Raises
    ------
    StoppedError
        If `should_stop` says so.
    """
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(images))[:n])
    share = n // len(chosen)
    meter = Meter(_SAMPLING, len(chosen), report)
    drawn = []
    for i in chosen.tolist():
        stop_if(should_stop())
        positions = images[i]
        drawn.append(positions[rng.permutation(len(positions))[:share]])
        meter.add(1)
    return np.concatenate(drawn)


def check_room(
    network: Network, cells: Iterable[Cell], n_images: int, proportion: float = 1.0
) -> None:
    """Check that the local descriptors of images fit into what they may take on disk.

    Parameters
    ----------
    network
        The network.
    cells
        Those of other readings than `local` count nothing.
    n_images
        Number of distinct images.
    proportion
        Longer side of an image over its shorter one, at most.

    Raises
    ------
    MedrecogError
        If they do not fit; the sentence says how large they are and what to do.
    UsageError
        If the setting is no number of gigabytes.
    """
    local = {cell for cell in cells if cell.pooling == LOCAL}
    gigabytes = n_images * sum(bytes_an_image(network, cell, proportion) for cell in local) / 1e9
    allowed = read_settings().local_descriptors_gb
    if gigabytes > allowed:
        largest = max(local, key=lambda cell: bytes_an_image(network, cell))
        at_most = "up to " if proportion > 1 else ""
        raise MedrecogError(
            f"Encodings would need {at_most}{gigabytes:.1f} GB "
            f"in the feature cache, most of it for {largest.layer} at {largest.scale} px, but only "
            f"{allowed:g} GB are allowed. Choose deeper layers or smaller input sizes, or raise "
            f"{variable_of('local_descriptors_gb')}."
        )


def bytes_an_image(network: Network, cell: Cell, proportion: float = 1.0) -> int:
    """Return the bytes of what the store keeps of an image for a cell, or for `local`.

    Parameters
    ----------
    network
        The network.
    cell
        Its scale is the shorter side of the image.
    proportion
        Longer side of the image over the shorter one.
    """
    layer = network.layer(cell.layer)
    if cell.pooling != LOCAL:
        return cell.stored_length(network) * _BYTES_OF_FLOAT32
    rows = math.ceil(cell.scale / layer.stride)
    columns = math.ceil(cell.scale * proportion / layer.stride)
    return rows * columns * layer.channels * _BYTES_OF_FLOAT16
