"""The table of a network's readable layers, from which choices, keys and graphs follow."""

from collections.abc import Iterable
from dataclasses import dataclass

from medrecog_core.errors import UsageError


@dataclass(frozen=True)
class Layer:
    """One place where a network can be read.

    Attributes
    ----------
    name
        As in Keras, without the ending `_pool` of a block's pooled output.
    channels
        Length of the descriptor that max or average pooling gives.
    stride
        Pixels of the input from one position to the next.
    in_head
        Whether the layer belongs to the classifier head, which only the official file holds.
    """

    name: str
    channels: int
    stride: int
    in_head: bool = False


@dataclass(frozen=True)
class Network:
    """A pre-trained stack, read as it is and never trained here; layers from first to deepest."""

    name: str
    title: str
    layers: tuple[Layer, ...]

    def layer(self, name: str) -> Layer:
        """Return the layer of that name.

        Raises
        ------
        UsageError
            If the network has no such readable layer.
        """
        for layer in self.layers:
            if layer.name == name:
                return layer
        known = ", ".join(layer.name for layer in self.layers)
        raise UsageError(f"There is no layer “{name}” in {self.title}: choose among {known}.")

    def depth(self, name: str) -> int:
        """Return the layer's place in the table, 0 being the first."""
        return self.layers.index(self.layer(name))

    def deepest(self, names: Iterable[str]) -> str:
        """Return the one of the named layers that lies deepest."""
        return max(names, key=self.depth)
