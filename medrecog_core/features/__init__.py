"""Descriptors: the grid's cells, one-pass extraction, and the store that keeps them."""

from medrecog_core.features.cell import POOLINGS, Cell, check_pooling, grid
from medrecog_core.features.extraction import Extraction, extract, read_descriptors
from medrecog_core.features.hashed_image import HashedImage, Skipped, hash_images
from medrecog_core.features.memory import MemoryEstimate, estimate_memory, peak_memory
from medrecog_core.features.pooled_network import PooledNetwork, batch_size
from medrecog_core.features.progress import Progress, ignore, never, stop_if
from medrecog_core.features.store import DescriptorKey, DescriptorSource, DescriptorStore

__all__ = [
    "POOLINGS",
    "Cell",
    "DescriptorKey",
    "DescriptorSource",
    "DescriptorStore",
    "Extraction",
    "HashedImage",
    "MemoryEstimate",
    "PooledNetwork",
    "Progress",
    "Skipped",
    "batch_size",
    "check_pooling",
    "estimate_memory",
    "extract",
    "grid",
    "hash_images",
    "ignore",
    "never",
    "peak_memory",
    "read_descriptors",
    "stop_if",
]
