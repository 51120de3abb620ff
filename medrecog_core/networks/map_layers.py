"""The layers of a network that have a map, and which of them some weights reach."""

from collections.abc import Iterable
from dataclasses import replace

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks.summary import summarise
from medrecog_core.networks.table import AT_TRAINING_ONLY, Layer, Network
from medrecog_core.networks.weights import Weights, check_readable, how_to_install

_SIDE = 224
# What only hands on or reshapes has no map of its own.
_NO_MAP = {*AT_TRAINING_ONLY, "InputLayer", "Flatten", "Reshape", "ZeroPadding2D"}


def map_layers(network: Network) -> tuple[Layer, ...]:
    """Return every layer of a network that gives a map, inputs before what takes them.

    Readable layers have the name they are read by, the others Keras's own. Layers that see the
    whole image at once, such as those of squeeze and excitation, have no positions and are left
    out, but for dense layers that are read as convolutions.
    """
    readable = {layer.keras_layer: layer for layer in network.layers}
    layers = []
    for row in summarise(network, _SIDE):
        if row.name in readable:
            layers.append(readable[row.name])
        elif row.kind not in _NO_MAP and (row.side > 1 or row.name in network.flattened):
            in_head = row.name in network.flattened
            stride = round(_SIDE / row.side)
            layers.append(Layer(row.name, row.channels, stride, row.name, in_head))
    return tuple(layers)


def find_map_layer(network: Network, name: str) -> Layer:
    """Return the layer of that name: one the network is read by, or Keras's.

    Raises
    ------
    UsageError
        If no layer with a map has that name.
    """
    for layer in map_layers(network):
        if name in (layer.name, layer.keras_layer):
            return layer
    known = ", ".join(layer.name for layer in network.layers)
    raise UsageError(
        f"Unknown layer “{name}” in {network.title}, or one without feature maps. Available: "
        f"{known}, and the Keras layers between them."
    )


def reached_map_layers(network: Network, weights: Weights) -> tuple[Layer, ...]:
    """Return the layers with a map that can be computed with some weights."""
    needed = {row.name for row in network.needed_rows(weights.layers)}
    return tuple(layer for layer in map_layers(network) if layer.keras_layer in needed)


def check_map_layer(network: Network, name: str, weights: Weights) -> Layer:
    """Return the layer of that name where some weights reach it.

    Raises
    ------
    UsageError
        If no layer with a map has that name.
    MedrecogError
        If it needs other weights.
    """
    layer = find_map_layer(network, name)
    if layer in reached_map_layers(network, weights):
        return layer
    if layer in network.layers:
        check_readable(network, [layer.name], weights.identity)
    raise MedrecogError(
        f"The weights {weights.identity} do not reach {layer.name}. Choose an earlier layer, or "
        f"{how_to_install(network)}."
    )


def read_at(network: Network, layers: Iterable[Layer]) -> Network:
    """Return the network with other layers to be read at, such as some of `map_layers`."""
    return replace(network, layers=tuple(layers))
