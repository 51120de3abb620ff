"""Classifiers as fully convolutional networks (Long, Shelhamer and Darrell, 2015, section 3.1).

The first dense layer after Flatten becomes a `valid` convolution as large as the map that was
flattened, every later one a 1 x 1 convolution, with the dense network's own weights. At the dense
network's input size the two are equal; on larger inputs each position sees what the dense network
would see in the crop below it.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from medrecog_core.errors import MedrecogError
from medrecog_core.networks import backend

if TYPE_CHECKING:
    import keras


def convolution_kernel(dense_kernel: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return a dense layer's kernel as that of a convolution over the map it flattened.

    Parameters
    ----------
    dense_kernel
        Shape (height x width x channels, units), the map flattened in row-major order.
    height, width
        Positions of the map.

    Returns
    -------
    numpy.ndarray
        Shape (height, width, channels, units), of the same memory.
    """
    inputs, units = dense_kernel.shape
    return dense_kernel.reshape(height, width, inputs // (height * width), units)


def fully_convolutional(classifier: "keras.Model") -> "keras.Model":
    """Return a Keras classifier that takes inputs of any size from the dense network's own on.

    Parameters
    ----------
    classifier
        A chain of layers with a Flatten followed by Dense layers, such as VGG-16 and VGG-19 of
        `keras.applications` with their head.

    Returns
    -------
    keras.Model
        From (n, height, width, channels) to (n, rows, columns, classes).

    Raises
    ------
    MedrecogError
        If the classifier is no such chain.
    """
    keras = backend.import_keras()
    kinds = [type(layer).__name__ for layer in classifier.layers]
    if "Flatten" not in kinds or "Dense" not in kinds[kinds.index("Flatten") :]:
        raise MedrecogError(
            f"The network {classifier.name} has no Flatten and Dense head to make convolutions of."
        )
    image = keras.Input((None, None, classifier.input_shape[-1]))
    x, flattened = image, (1, 1)
    for layer in classifier.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer.input, list):
            raise MedrecogError(f"The network {classifier.name} branches at {layer.name}.")
        if isinstance(layer, keras.layers.Flatten):
            flattened = layer.input.shape[1:3]
        elif isinstance(layer, keras.layers.Dense):
            x = _convolution(keras, layer, *flattened, x)
            flattened = (1, 1)
        else:
            copy = layer.__class__.from_config(layer.get_config())
            x = copy(x)
            copy.set_weights(layer.get_weights())
    return keras.Model(image, x, name=f"{classifier.name}_fully_convolutional")


def _convolution(keras: Any, dense: Any, height: int, width: int, x: Any) -> Any:
    kernel, *bias = dense.get_weights()
    convolution = keras.layers.Conv2D(
        dense.units,
        (height, width),
        activation=dense.activation,
        use_bias=dense.use_bias,
        name=dense.name,
    )
    x = convolution(x)
    convolution.set_weights([convolution_kernel(kernel, height, width), *bias])
    return x
