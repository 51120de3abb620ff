"""Descriptors: the grid's cells, one-pass extraction, and the store that keeps them."""

from medrecog_core.features.cell import POOLINGS, Cell, check_pooling, grid
from medrecog_core.features.extraction import Extraction, extract, read_descriptors
from medrecog_core.features.fusion import (
    FUSIONS,
    AnyCell,
    Fusion,
    concatenate,
    find_cell,
    fuse_grid,
    members,
    parse_fusion,
)
from medrecog_core.features.hashed_image import HashedImage, Skipped, hash_images
from medrecog_core.features.pooled_network import PooledNetwork, batch_size
from medrecog_core.features.progress import Progress, ignore, never, stop_if
from medrecog_core.features.store import DescriptorKey, DescriptorSource, DescriptorStore

__all__ = [
    "FUSIONS",
    "POOLINGS",
    "AnyCell",
    "Cell",
    "DescriptorKey",
    "DescriptorSource",
    "DescriptorStore",
    "Extraction",
    "Fusion",
    "HashedImage",
    "PooledNetwork",
    "Progress",
    "Skipped",
    "batch_size",
    "check_pooling",
    "concatenate",
    "extract",
    "find_cell",
    "fuse_grid",
    "grid",
    "hash_images",
    "ignore",
    "members",
    "never",
    "parse_fusion",
    "read_descriptors",
    "stop_if",
]
