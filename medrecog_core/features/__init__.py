"""Descriptors: the grid's cells, one-pass extraction, encodings, and the store that keeps them."""

from medrecog_core.features.cell import (
    FUSIONS,
    AnyCell,
    Cell,
    Fusion,
    concatenate,
    find_cell,
    fuse_grid,
    grid,
    members,
    parse_fusion,
)
from medrecog_core.features.cost import MemoryEstimate, estimate_memory, peak_memory
from medrecog_core.features.encodings import DEFAULT_N_WORDS, Codebook, learn_codebook
from medrecog_core.features.extraction import Extraction, extract, is_extracting
from medrecog_core.features.inspection import (
    ORDERS,
    FeatureMapNetwork,
    FirstFilters,
    ImageWalk,
    StrongestMaps,
    first_filters,
    strongest,
)
from medrecog_core.features.pooled_network import PooledNetwork, batch_size
from medrecog_core.features.pooling import (
    DEFAULT_POOLINGS,
    ENCODINGS,
    GLOBAL_POOLINGS,
    POOLINGS,
    Encoding,
    Pooling,
    check_pooling,
    in_order,
    titles,
    with_evidence,
)
from medrecog_core.features.reader import DescriptorReader
from medrecog_core.features.reading import Skipped, hash_images
from medrecog_core.features.store import (
    DescriptorKey,
    DescriptorSource,
    DescriptorStore,
    StoredEntry,
)

__all__ = [
    "DEFAULT_N_WORDS",
    "DEFAULT_POOLINGS",
    "ENCODINGS",
    "FUSIONS",
    "GLOBAL_POOLINGS",
    "ORDERS",
    "POOLINGS",
    "AnyCell",
    "Cell",
    "Codebook",
    "DescriptorKey",
    "DescriptorReader",
    "DescriptorSource",
    "DescriptorStore",
    "Encoding",
    "Extraction",
    "FeatureMapNetwork",
    "FirstFilters",
    "Fusion",
    "ImageWalk",
    "MemoryEstimate",
    "PooledNetwork",
    "Pooling",
    "Skipped",
    "StoredEntry",
    "StrongestMaps",
    "batch_size",
    "check_pooling",
    "concatenate",
    "estimate_memory",
    "extract",
    "find_cell",
    "first_filters",
    "fuse_grid",
    "grid",
    "hash_images",
    "in_order",
    "is_extracting",
    "learn_codebook",
    "members",
    "parse_fusion",
    "peak_memory",
    "strongest",
    "titles",
    "with_evidence",
]
