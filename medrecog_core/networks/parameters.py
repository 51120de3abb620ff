"""The arrays that networks are made of: which layers hold them, and in what shapes."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from medrecog_core.errors import MedrecogError
from medrecog_core.networks.table import Network

_BYTES_PER_PARAMETER = 4


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


@lru_cache(maxsize=32)
def network_parameters(network: Network) -> tuple[LayerParameters, ...]:
    """Return the network's layers with weights, from first to deepest.

    Raises
    ------
    MedrecogError
        If no table says what the network is made of.
    """
    if not network.rows:
        raise MedrecogError(
            f"No weights can be installed for {network.title}: its parameters are in no table."
        )
    read_at: dict[str, str] = {}
    for layer in network.layers:
        for row in network.needed_rows([layer.name]):
            read_at.setdefault(row.name, layer.name)
    return tuple(
        LayerParameters(row.name, tuple(row.arrays.items()), read_at.get(row.name))
        for row in network.rows
        if row.arrays
    )


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


def official_bytes(network: Network) -> int:
    """Return about how large the official file that reaches every layer is.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    has_head = network.complete_file().has_head
    return _BYTES_PER_PARAMETER * sum(
        row.n_parameters
        for row in network_parameters(network)
        if has_head or not is_optional(network, row)
    )
