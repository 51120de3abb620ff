"""The map of one layer for one image, with its positions, before pooling."""

import numpy as np

from medrecog_core.networks import Network, installed_weights, opened_weights
from medrecog_core.networks.feature_maps import feature_maps, find_map_layer, read_at


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
        with opened_weights(network, identity) as read:
            self._model = feature_maps(read_at(network, [place]), [place.name], precision, read)
        self._model.compile(jit_compile=False)  # XLA on a processor is several times slower

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
        outputs = self._model.predict_on_batch(image[None])
        maps = outputs[0] if isinstance(outputs, list) else outputs
        feature_map: np.ndarray = np.asarray(maps, dtype=np.float32)[0]
        return feature_map
