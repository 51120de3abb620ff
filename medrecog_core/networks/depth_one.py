"""Convolutions of images as convolutions of volumes one image deep.

The sums are the same. TensorFlow gives oneDNN the kernels of two-dimensional float32 convolutions
in another layout when a batch holds one image, and oneDNN is a quarter slower with it; at large
scales that is every batch. For three-dimensional ones it lets oneDNN choose (`MklConvFwdPrimitive`
in TensorFlow's `mkl_conv_ops.cc`; `benchmarks/TRIES.md` has the figures).
"""

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import numpy as np

from medrecog_core.networks.device import has_onednn

_OF_SIDES = ("kernel_size", "strides", "dilation_rate")


def gains_from_depth(keras: ModuleType) -> bool:
    """Return whether float32 convolutions are faster as ones of depth one here."""
    return keras.backend.backend() == "tensorflow" and has_onednn()


def with_depth(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a `Conv3D` of depth one that equals a `Conv2D`."""
    changed = dict(config)
    for option in _OF_SIDES:
        if option in changed:
            sides = changed[option]
            changed[option] = (1, *((sides, sides) if isinstance(sides, int) else sides))
    return changed


def kernel_with_depth(kernel: np.ndarray) -> np.ndarray:
    """Return a kernel of shape (height, width, inputs, outputs) as one of depth one."""
    return kernel[None]
