"""VGG-19 (Simonyan and Zisserman, 2015, configuration E), written with Keras alone."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from medrecog_core.networks import backend
from medrecog_core.networks.fully_convolutional import convolution_kernel
from medrecog_core.networks.layer_table import Layer, Network

if TYPE_CHECKING:
    import keras

BLOCKS = (
    ("block1", 2, 64),
    ("block2", 2, 128),
    ("block3", 4, 256),
    ("block4", 4, 512),
    ("block5", 4, 512),
)
"""Name, number of 3 x 3 convolutions and channels of each block."""

HEAD_KERNELS = {"fc1": 7, "fc2": 1}
"""Sides of the convolutions that the dense layers become."""

CHANNEL_MEANS_RGB = (123.68, 116.779, 103.939)
"""ImageNet means that the network was trained to have subtracted (Keras, mode `caffe`)."""

VGG19 = Network(
    name="vgg19",
    title="VGG-19",
    layers=(
        *(
            Layer(name, channels, stride=2**depth)
            for depth, (name, _, channels) in enumerate(BLOCKS, start=1)
        ),
        Layer("fc1", 4096, stride=32, in_head=True),
        Layer("fc2", 4096, stride=32, in_head=True),
    ),
)


def parameter_layers(layers: Sequence[str]) -> list[str]:
    """Return the Keras names of the layers whose weights reading some layers needs."""
    deepest = VGG19.depth(VGG19.deepest(layers))
    names = [
        f"{block}_conv{i}"
        for block, n_convolutions, _ in BLOCKS[: deepest + 1]
        for i in range(1, n_convolutions + 1)
    ]
    return names + [layer.name for layer in VGG19.layers[: deepest + 1] if layer.in_head]


def feature_maps(
    layers: Sequence[str], precision: str, weights: Mapping[str, Sequence[np.ndarray]]
) -> "keras.Model":
    """Return VGG-19 up to the deepest of some layers, giving the map of each.

    The head is in its fully convolutional form: fc1 is a 7 x 7 `valid` convolution and fc2 a 1 x 1
    one, so that images of any size from 224 pixels on can be read.

    Parameters
    ----------
    layers
        Names of layers, each once.
    precision
        `float32`, or `bfloat16` for every layer but block1_conv1, whose input has the three
        channels of an image and gains nothing from it.
    weights
        From each of `parameter_layers(layers)` to its kernel and bias, dense for fc1 and fc2.

    Returns
    -------
    keras.Model
        From uint8 RGB images, shape (n, height, width, 3), to one map a layer, in the given
        order, shape (n, rows, columns, channels).
    """
    keras = backend.import_keras()
    image = keras.Input((None, None, 3), dtype="uint8")
    x = _centred_bgr(keras, image)
    deepest = VGG19.depth(VGG19.deepest(layers))
    maps = {}
    for block, n_convolutions, channels in BLOCKS[: deepest + 1]:
        for i in range(1, n_convolutions + 1):
            name = f"{block}_conv{i}"
            x = keras.layers.Conv2D(
                channels,
                kernel_size=3,
                padding="same",
                activation="relu",
                name=name,
                dtype="float32" if name == "block1_conv1" else precision,
            )(x)
        x = keras.layers.MaxPooling2D(2, name=f"{block}_pool", dtype=precision)(x)
        maps[block] = x
    for layer in VGG19.layers[len(BLOCKS) : deepest + 1]:
        x = keras.layers.Conv2D(
            layer.channels,
            kernel_size=HEAD_KERNELS[layer.name],
            activation="relu",
            name=layer.name,
            dtype=precision,
        )(x)
        maps[layer.name] = x
    model = keras.Model(image, [maps[layer] for layer in layers], name="vgg19")
    for name in parameter_layers(layers):
        kernel, bias = weights[name]
        if name in HEAD_KERNELS:
            kernel = convolution_kernel(kernel, HEAD_KERNELS[name], HEAD_KERNELS[name])
        model.get_layer(name).set_weights([kernel, bias])
    return model


def _centred_bgr(keras: ModuleType, image: Any) -> Any:
    means = keras.ops.convert_to_tensor(CHANNEL_MEANS_RGB, dtype="float32")
    return keras.ops.flip(keras.ops.cast(image, "float32") - means, axis=-1)
