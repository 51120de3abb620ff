"""Keras, imported late, quietly and with a GPU's memory taken as it is needed."""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

import numpy as np

from medrecog_core.networks.device import find_device, has_onednn
from medrecog_core.settings import read_settings, set_in_environment

_OF_SIDES = ("kernel_size", "strides", "dilation_rate")


@functools.cache
def import_keras() -> ModuleType:
    """Import Keras with TensorFlow behind it, unless `KERAS_BACKEND` names another backend.

    The first call takes seconds and some 400 MB, so nothing imports Keras at module level.
    """
    set_in_environment(keras_backend=read_settings().keras_backend)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _without_start_messages():
        import keras

        _multiply_float32_exactly(keras.backend.backend())
        if keras.backend.backend() == "tensorflow":
            import tensorflow

            for gpu in tensorflow.config.list_physical_devices("GPU"):
                # Too late where the caller's own code has used the GPU already.
                with contextlib.suppress(RuntimeError):
                    tensorflow.config.experimental.set_memory_growth(gpu, True)
    return sys.modules["keras"]


def _multiply_float32_exactly(backend: str) -> None:
    """Keep GPUs from rounding the factors of float32 products to TF32.

    Every backend allows it by default. Descriptors then differ from those of a processor by 1e-3 of
    the largest value (measured on an H100, `benchmarks/gpu.py`), but would have the same key.
    """
    if backend == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    elif backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest")
    elif backend == "torch":
        import torch

        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def gains_from_xla(precision: str) -> bool:
    """Return whether XLA computes networks faster here than their operations one by one.

    That was measured for JAX on a GPU (`benchmarks/gpu.py`): in bfloat16 four times as fast at 224
    pixels and as fast at larger scales, in float32 half as fast at 544. On a processor it is
    several times slower.
    """
    is_jax = import_keras().backend.backend() == "jax"
    return is_jax and find_device().kind == "gpu" and precision == "bfloat16"


def backend_versions() -> dict[str, str]:
    """Return the versions of Keras and of what runs it, for the record of a run."""
    keras = import_keras()
    name = keras.backend.backend()
    return {"keras": keras.__version__, name: sys.modules[name].__version__}


@contextlib.contextmanager
def _without_start_messages() -> Iterator[None]:
    # TensorFlow's libraries greet on file descriptor 2 before any of their log levels apply, and
    # the command line promises one line a mistake. Python's own errors are raised, not printed.
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


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
