"""The networks that can be read, by name."""

from medrecog_core.errors import UsageError
from medrecog_core.networks.layer_table import Network
from medrecog_core.networks.vgg19 import VGG19

NETWORKS = {network.name: network for network in (VGG19,)}


def find_network(name: str) -> Network:
    """Return the network of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    try:
        return NETWORKS[name]
    except KeyError:
        raise UsageError(
            f"There is no network “{name}”: choose among {', '.join(NETWORKS)}."
        ) from None
