"""An image walked through a network as far as one layer, and what is kept of it for a second look.

What is kept are pictures to look at, not descriptors: the oldest go when there are too many.
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
from medrecog_core.features.feature_map import FeatureMapNetwork
from medrecog_core.features.strongest_maps import MEAN, StrongestMaps, check_order, strongest
from medrecog_core.images import SQUEEZE, check_scale, decode_image, squeeze
from medrecog_core.locations import cache_folder
from medrecog_core.mode import ReadOnlyError
from medrecog_core.networks import Network, find_network, installed_weights, resolve_precision
from medrecog_core.networks.feature_maps import check_map_layer
from medrecog_core.networks.table import Layer

LARGEST_SIDE = 256
"""Positions on a side of a map that is kept; larger maps are averaged down to it."""
MAX_MAPS = 64
MAX_KEPT_BYTES = 256 * 2**20
"""What all that is kept may take."""


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
            raise UsageError(f"{self.n_maps} maps cannot be shown: ask for 1 to {MAX_MAPS}.")
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
