"""Pre-trained networks: their layer tables, graphs, weights, and what they run on."""

from medrecog_core.networks.device import PRECISIONS, Device, find_device, resolve_precision
from medrecog_core.networks.layer_table import Layer, Network
from medrecog_core.networks.registry import NETWORKS, find_network
from medrecog_core.networks.weights import Weights, check_readable, installed_weights

__all__ = [
    "NETWORKS",
    "PRECISIONS",
    "Device",
    "Layer",
    "Network",
    "Weights",
    "check_readable",
    "find_device",
    "find_network",
    "installed_weights",
    "resolve_precision",
]
