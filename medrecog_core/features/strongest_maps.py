"""The feature maps of one layer that an image excites most."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import UsageError

MEAN, MAXIMUM = "mean", "maximum"
ORDERS = (MEAN, MAXIMUM)
"""What makes a map strong: its mean over all positions, or its maximum."""


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
        raise UsageError(f"{n_maps} maps cannot be shown: ask for 1 or more.")
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
        raise UsageError(f"There is no order “{order}”: choose among {', '.join(ORDERS)}.")
    return order
