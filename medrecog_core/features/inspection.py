"""Looking into a network: its first filters, a layer's map for an image, and the strongest maps.

What is kept of an image are maps to look at, not descriptors. The oldest are deleted when there are
too many.
"""

import hashlib
import io
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from medrecog_core import atomic_file
from medrecog_core.errors import UsageError
from medrecog_core.features.pooling import MAP, READINGS
from medrecog_core.images import SQUEEZE, check_scale, decode_image, squeeze
from medrecog_core.locations import cache_folder
from medrecog_core.mode import ReadOnlyError
from medrecog_core.networks import (
    Network,
    find_network,
    installed_weights,
    load_arrays,
    opened_weights,
    resolve_precision,
)
from medrecog_core.networks.engines import AUTO, choose_engine
from medrecog_core.networks.map_layers import check_map_layer, find_map_layer, read_at
from medrecog_core.networks.table import CONVOLUTIONS, Layer

MEAN, MAXIMUM = "mean", "maximum"
ORDERS = (MEAN, MAXIMUM)
"""What makes a map strong: its mean over all positions, or its maximum."""
LARGEST_SIDE = 256
"""Positions on a side of a map that is kept; larger maps are averaged down to it."""
MAX_MAPS = 64
MAX_KEPT_BYTES = 256 * 2**20
"""What all that is kept may take."""


@dataclass(frozen=True, eq=False)
class FirstFilters:
    """The kernels of the first convolution.

    Attributes
    ----------
    layer
        Its Keras name.
    kernels
        float32, shape (filters, rows, columns, 3), weights of red, green and blue.
    """

    layer: str
    kernels: np.ndarray

    def pictures(self) -> np.ndarray:
        """Return the filters as colour pictures, each scaled by its own largest weight.

        Returns
        -------
        numpy.ndarray
            uint8, shape (filters, rows, columns, 3): 128 is a weight of zero, 255 the filter's
            largest absolute weight, and 1 the same weight below zero.
        """
        largest = np.abs(self.kernels).max(axis=(1, 2, 3), keepdims=True)
        scaled = self.kernels / np.where(largest > 0, largest, 1)
        return np.asarray(scaled * 127 + 128).round().astype(np.uint8)


def first_filters(network: Network, weights: str) -> FirstFilters:
    """Read the filters of a network's first convolution from installed weights.

    Parameters
    ----------
    network
        The network.
    weights
        Identity of installed weights.

    Raises
    ------
    MedrecogError
        If the weights are not installed.
    StorageError
        If they are damaged.

    Notes
    -----
    Networks that are prepared as Caffe's take blue first; their kernels are turned round.
    """
    row = next(row for row in network.rows if row.kind in CONVOLUTIONS)
    kernel = load_arrays(network, weights, [row.name])[row.name][0]
    if network.preprocessing == "caffe":
        kernel = kernel[:, :, ::-1]
    return FirstFilters(row.name, np.moveaxis(kernel, -1, 0))


class FeatureMapNetwork:
    """The network up to one layer, giving the layer's map. Not to be used by two threads at once.

    Pooled, the maps are the descriptors of `PooledNetwork` in the same precision, up to rounding.
    """

    def __init__(self, network: Network, layer: str, precision: str, weights: str = "") -> None:
        """Build the graph.

        Parameters
        ----------
        network
            The network.
        layer
            Name of a layer with a map: one the network is read by, or Keras's.
        precision
            `float32` or `bfloat16`.
        weights
            Identity of installed weights; empty: those that are preferred.

        Raises
        ------
        UsageError
            If there is no such layer.
        MedrecogError
            If the weights are not installed or do not reach the layer.
        """
        place = find_map_layer(network, layer)
        identity = weights or installed_weights(network).identity
        alone = read_at(network, [place])
        engine = choose_engine(alone, [place.name], precision, identity, AUTO).engine
        self._place = (place.name, MAP)
        with opened_weights(network, identity) as read:
            self._graph = engine.graph(alone, {self._place: READINGS[MAP]}, precision, read)

    def feature_map(self, image: np.ndarray) -> np.ndarray:
        """Return the map of an image.

        Parameters
        ----------
        image
            uint8, RGB, shape (height, width, 3).

        Returns
        -------
        numpy.ndarray
            float32, shape (rows, columns, channels).
        """
        (maps,) = self._graph.read(image[None], [self._place])
        feature_map: np.ndarray = maps[0]
        return feature_map


@dataclass(frozen=True, eq=False)
class StrongestMaps:
    """Some maps of a layer, the strongest first.

    Attributes
    ----------
    channels
        Their places along the layer's last axis, from 0, shape (n,).
    means, maxima
        Of each over all of its positions, float32, shape (n,).
    maps
        float32, shape (n, rows, columns).
    n_channels
        How many maps the layer has.
    """

    channels: np.ndarray
    means: np.ndarray
    maxima: np.ndarray
    maps: np.ndarray
    n_channels: int

    def pictures(self) -> np.ndarray:
        """Return the maps as grey pictures, each scaled by its own maximum.

        Returns
        -------
        numpy.ndarray
            uint8, shape (n, rows, columns): 255 is the map's maximum, and 0 is zero or less.
        """
        scale = np.where(self.maxima > 0, self.maxima, np.inf)[:, None, None]
        shares = np.nan_to_num(self.maps / scale)  # weights of one's own may overflow
        return np.asarray(np.clip(shares, 0, 1) * 255).round().astype(np.uint8)


def strongest(feature_map: np.ndarray, order: str, n_maps: int) -> StrongestMaps:
    """Return the strongest channels of a layer's map.

    Parameters
    ----------
    feature_map
        Shape (rows, columns, channels).
    order
        One of `ORDERS`; of equal channels the first comes first.
    n_maps
        How many at most.

    Raises
    ------
    UsageError
        If there is no such order, or fewer than one map is asked for.
    """
    check_order(order)
    if n_maps < 1:
        raise UsageError(f"{n_maps} maps cannot be shown. Choose 1 or more.")
    means = feature_map.mean(axis=(0, 1), dtype=np.float64)
    maxima = feature_map.max(axis=(0, 1))
    channels = np.argsort(-(means if order == MEAN else maxima), kind="stable")[:n_maps]
    return StrongestMaps(
        channels,
        means[channels].astype(np.float32),
        maxima[channels].astype(np.float32),
        np.moveaxis(feature_map[..., channels], -1, 0).astype(np.float32),
        feature_map.shape[-1],
    )


def check_order(order: str) -> str:
    """Return the order if there is such a one.

    Raises
    ------
    UsageError
        If there is none.
    """
    if order not in ORDERS:
        raise UsageError(f"Unknown order “{order}”. Available: {', '.join(ORDERS)}.")
    return order


@dataclass(frozen=True)
class ImageWalk:
    """What is to be shown of an image, whichever image it is; checked when it is made.

    Attributes
    ----------
    network_name
        Name of the network, which is read with the weights in use.
    layer_name
        Name of a layer with a map: one the network is read by, or Keras's.
    scale
        Side in pixels of the square that the image is squeezed to.
    order
        One of `ORDERS`.
    n_maps
        How many maps at most.
    precision
        `auto`, `float32` or `bfloat16`.

    Raises
    ------
    UsageError
        If there is no such network, layer, scale, order or precision.
    MedrecogError
        If the network has no weights, or they do not reach the layer.
    """

    network_name: str
    layer_name: str
    scale: int = 224
    order: str = MEAN
    n_maps: int = 12
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_scale(self.scale)
        check_order(self.order)
        if not 1 <= self.n_maps <= MAX_MAPS:
            raise UsageError(f"{self.n_maps} maps cannot be shown. Choose 1 to {MAX_MAPS}.")
        object.__setattr__(self, "precision", resolve_precision(self.precision))
        _ = self.layer

    @cached_property
    def network(self) -> Network:
        """The network."""
        return find_network(self.network_name)

    @cached_property
    def weights(self) -> str:
        """Identity of the weights in use."""
        return installed_weights(self.network).identity

    @cached_property
    def layer(self) -> Layer:
        """The layer."""
        return check_map_layer(self.network, self.layer_name, installed_weights(self.network))

    def kept(self, content: bytes) -> StrongestMaps | None:
        """Return what an earlier walk of the same image kept; None where there is nothing.

        Parameters
        ----------
        content
            The image file's bytes.
        """
        path = self._path(content)
        try:
            # A damaged header could ask for more memory than there is.
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
                found = StrongestMaps(
                    arrays["channels"],
                    arrays["means"],
                    arrays["maxima"],
                    arrays["maps"],
                    self.layer.channels,
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError):
            return None
        if not _is_sound(found):
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def walk(self, content: bytes) -> StrongestMaps:
        """Return the strongest maps of an image: what is kept, or else from the network.

        Maps of more than `LARGEST_SIDE` positions a side are averaged down; means and maxima are
        those of the whole map.

        Parameters
        ----------
        content
            The image file's bytes.

        Raises
        ------
        UnreadableImageError
            If the bytes are no usable image.
        StorageError
            If the maps cannot be written.
        """
        found = self.kept(content)
        if found is None:
            pixels = squeeze(decode_image(content), self.scale)
            network = FeatureMapNetwork(self.network, self.layer.name, self.precision, self.weights)
            found = _shrunk(strongest(network.feature_map(pixels), self.order, self.n_maps))
            self._keep(content, found)
        return found

    def _path(self, content: bytes) -> Path:
        image = hashlib.sha256(content).hexdigest()
        parts = (
            *(image, SQUEEZE, self.scale, self.weights, self.precision, self.layer.keras_layer),
            *(self.order, self.n_maps),
        )
        key = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
        return cache_folder().feature_maps / f"{key}.npz"

    def _keep(self, content: bytes, found: StrongestMaps) -> None:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            channels=found.channels,
            means=found.means,
            maxima=found.maxima,
            maps=found.maps,
        )
        path = self._path(content)
        # A read-only view looks at maps without keeping them.
        with suppress(ReadOnlyError):
            atomic_file.write_bytes(path, buffer.getvalue())
            _remove_oldest(path)


def _is_sound(found: StrongestMaps) -> bool:
    n = len(found.channels) if found.channels.ndim == 1 else -1
    return (
        found.maps.ndim == 3
        and found.maps.dtype == np.float32
        and found.maps.size > 0
        and found.means.shape == found.maxima.shape == (n,)
        and len(found.maps) == n
    )


def _shrunk(found: StrongestMaps) -> StrongestMaps:
    factor = -(-max(found.maps.shape[1:]) // LARGEST_SIDE)
    if factor == 1:
        return found
    smaller = [np.asarray(Image.fromarray(each).reduce(factor)) for each in found.maps]
    return replace(found, maps=np.stack(smaller))


def _remove_oldest(newest: Path) -> None:
    states = []
    for path in newest.parent.glob("*.npz"):
        with suppress(FileNotFoundError):  # another process may have removed it
            state = path.stat()
            states.append((path == newest, state.st_mtime_ns, state.st_size, path))
    total = sum(size for _, _, size, _ in states)
    for is_newest, _, size, path in sorted(states):
        if total <= MAX_KEPT_BYTES or is_newest:
            return
        path.unlink(missing_ok=True)
        total -= size
