"""Pre-trained networks: their layer tables, graphs, weights, and what they run on."""

from medrecog_core.networks.device import PRECISIONS, Device, find_device, resolve_precision
from medrecog_core.networks.registry import DEFAULT_NETWORK, NETWORKS, find_network
from medrecog_core.networks.table import Layer, Network
from medrecog_core.networks.weight_import import (
    download_weights,
    import_weights,
    remove_weights,
)
from medrecog_core.networks.weights import (
    Weights,
    all_installed_weights,
    check_intact,
    check_readable,
    find_weights,
    installed_weights,
    load_arrays,
    opened_weights,
)

__all__ = [
    "DEFAULT_NETWORK",
    "NETWORKS",
    "PRECISIONS",
    "Device",
    "Layer",
    "Network",
    "Weights",
    "all_installed_weights",
    "check_intact",
    "check_readable",
    "download_weights",
    "find_device",
    "find_network",
    "find_weights",
    "import_weights",
    "installed_weights",
    "load_arrays",
    "opened_weights",
    "remove_weights",
    "resolve_precision",
]
