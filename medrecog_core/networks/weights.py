"""Which weights a network is read with, and which layers they reach."""

from collections.abc import Iterable
from dataclasses import dataclass

from medrecog_core.errors import MedrecogError
from medrecog_core.networks import embedded_weights
from medrecog_core.networks.layer_table import Layer, Network
from medrecog_core.networks.vgg19 import VGG19


@dataclass(frozen=True)
class Weights:
    """Weights that are installed for a network.

    Attributes
    ----------
    identity
        Part of every descriptor's key; other weights have another one.
    title
        For people.
    layers
        Names of the layers that can be read with them.
    """

    identity: str
    title: str
    layers: tuple[str, ...]

    def can_read(self, layer: Layer) -> bool:
        """Return whether the weights reach the layer."""
        return layer.name in self.layers


EMBEDDED = Weights(
    identity=f"vgg19-imagenet-8bit-{embedded_weights.SHA256[:12]}",
    title="ImageNet, embedded (kernels quantised to 256 values)",
    layers=tuple(layer.name for layer in VGG19.layers if not layer.in_head),
)


def installed_weights(network: Network) -> Weights:
    """Return the weights that the network is read with on this machine."""
    return {VGG19.name: EMBEDDED}[network.name]


def check_readable(network: Network, layers: Iterable[str]) -> None:
    """Check that the installed weights reach every one of the named layers.

    Raises
    ------
    UsageError
        If the network has no such layer.
    MedrecogError
        If a layer needs Keras's official file.
    """
    weights = installed_weights(network)
    missing = [name for name in layers if not weights.can_read(network.layer(name))]
    if missing:
        needs = "needs" if len(missing) == 1 else "need"
        raise MedrecogError(
            f"{' and '.join(missing)} {needs} Keras's official {network.title} file (575 MB), "
            f"which is not installed: choose among {', '.join(weights.layers)}."
        )
