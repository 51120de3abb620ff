"""The arrays that networks are made of: which layers hold them, and in what shapes."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from medrecog_core.errors import MedrecogError
from medrecog_core.networks.layer_table import Network
from medrecog_core.networks.vgg19 import BLOCKS, VGG19

_FLATTENED = 7 * 7 * BLOCKS[-1][2]
_CLASSES = 1000


@dataclass(frozen=True)
class LayerParameters:
    """The arrays of one layer with weights.

    Attributes
    ----------
    name
        The layer's name in Keras.
    shapes
        Name and shape of each array, in Keras's order.
    read_at
        The shallowest readable layer that needs them; None where none does.
    """

    name: str
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    read_at: str | None

    @property
    def n_parameters(self) -> int:
        """Numbers in all arrays."""
        return sum(math.prod(shape) for _, shape in self.shapes)


def kernel_and_bias(name: str, kernel: tuple[int, ...], read_at: str | None) -> LayerParameters:
    """Return the parameters of a convolution or dense layer, given the shape of its kernel."""
    return LayerParameters(name, (("kernel", kernel), ("bias", kernel[-1:])), read_at)


def _vgg19() -> tuple[LayerParameters, ...]:
    rows, inputs = [], 3
    for block, n_convolutions, channels in BLOCKS:
        for i in range(1, n_convolutions + 1):
            rows.append(kernel_and_bias(f"{block}_conv{i}", (3, 3, inputs, channels), block))
            inputs = channels
    units = VGG19.layer("fc1").channels
    return (
        *rows,
        kernel_and_bias("fc1", (_FLATTENED, units), "fc1"),
        kernel_and_bias("fc2", (units, units), "fc2"),
        kernel_and_bias("predictions", (units, _CLASSES), None),
    )


PARAMETERS: dict[str, tuple[LayerParameters, ...]] = {VGG19.name: _vgg19()}
"""A network's name to its layers with weights, from first to deepest."""


def network_parameters(network: Network) -> tuple[LayerParameters, ...]:
    """Return the network's layers with weights, from first to deepest.

    Raises
    ------
    MedrecogError
        If no table says what the network is made of.
    """
    try:
        return PARAMETERS[network.name]
    except KeyError:
        raise MedrecogError(
            f"No weights can be installed for {network.title}: its parameters are in no table."
        ) from None


def is_optional(network: Network, parameters: LayerParameters) -> bool:
    """Return whether weights without this layer still fit, which only the head may lack."""
    return parameters.read_at is None or network.layer(parameters.read_at).in_head


def reached_layers(network: Network, names: Collection[str]) -> tuple[str, ...]:
    """Return the readable layers for which every parameter is among the named Keras layers."""
    missing = {row.read_at for row in network_parameters(network) if row.name not in names}
    reached = []
    for layer in network.layers:
        if layer.name in missing:
            break  # what lies deeper is computed from it
        reached.append(layer.name)
    return tuple(reached)
