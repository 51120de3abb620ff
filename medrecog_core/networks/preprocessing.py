"""What a network's pixels become before its first layer, by Keras's names for it."""

from types import ModuleType
from typing import Any

import numpy as np

PREPROCESSINGS = ("caffe", "torch", "tf", "none")

CHANNEL_MEANS_RGB = (123.68, 116.779, 103.939)
"""ImageNet means of pixels from 0 to 255 (`keras.applications.imagenet_utils`, mode `caffe`)."""

UNIT_MEANS_RGB = (0.485, 0.456, 0.406)
UNIT_DEVIATIONS_RGB = (0.229, 0.224, 0.225)
"""ImageNet means and standard deviations of pixels from 0 to 1 (the same, mode `torch`)."""


def prepared(keras: ModuleType, preprocessing: str, image: Any) -> Any:
    """Return what a network reads of an image.

    Parameters
    ----------
    keras
        The package.
    preprocessing
        `caffe`: BGR with the means subtracted; `torch`: from 0 to 1, normalised; `tf`: from -1 to
        1; `none`: as it is, for networks that begin with layers for it.
    image
        RGB, values from 0 to 255, shape (n, height, width, 3).

    Returns
    -------
    tensor
        float32, of the same shape.
    """
    ops = keras.ops
    x = ops.cast(image, "float32")
    if preprocessing == "caffe":
        return ops.flip(x - ops.convert_to_tensor(CHANNEL_MEANS_RGB, dtype="float32"), axis=-1)
    if preprocessing == "torch":
        means = ops.convert_to_tensor(UNIT_MEANS_RGB, dtype="float32")
        deviations = ops.convert_to_tensor(UNIT_DEVIATIONS_RGB, dtype="float32")
        return (x / 255.0 - means) / deviations
    if preprocessing == "tf":
        return x / 127.5 - 1.0
    return x


def prepared_array(preprocessing: str, images: np.ndarray) -> np.ndarray:
    """Return what `prepared` does, computed by NumPy for engines other than Keras.

    Parameters
    ----------
    preprocessing
        As in `prepared`.
    images
        RGB, values from 0 to 255, shape (n, height, width, 3).

    Returns
    -------
    numpy.ndarray
        float32, of the same shape.
    """
    x: np.ndarray = images.astype(np.float32)
    if preprocessing == "caffe":
        x -= np.array(CHANNEL_MEANS_RGB, np.float32)
        return x[..., ::-1]
    if preprocessing == "torch":
        x /= 255
        x -= np.array(UNIT_MEANS_RGB, np.float32)
        x /= np.array(UNIT_DEVIATIONS_RGB, np.float32)
    elif preprocessing == "tf":
        x /= 127.5
        x -= 1
    return x
