"""The filters of a network's first convolution, which look at the image itself."""

from dataclasses import dataclass

import numpy as np

from medrecog_core.networks import Network, load_arrays
from medrecog_core.networks.table import CONVOLUTIONS


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
