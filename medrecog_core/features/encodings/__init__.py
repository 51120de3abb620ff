"""Encodings: one vector for an image from its local descriptors and a codebook."""

from medrecog_core.features.encodings.codebook import (
    DEFAULT_N_WORDS,
    Codebook,
    encode_images,
    learn_codebook,
)
from medrecog_core.features.encodings.local_descriptors import (
    LocalDescriptors,
    sample_local_descriptors,
)

__all__ = [
    "DEFAULT_N_WORDS",
    "Codebook",
    "LocalDescriptors",
    "encode_images",
    "learn_codebook",
    "sample_local_descriptors",
]
