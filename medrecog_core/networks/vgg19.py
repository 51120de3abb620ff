"""VGG-19 (Simonyan and Zisserman, 2015, configuration E), written with Keras alone."""

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from medrecog_core.networks import backend, embedded_weights
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


def feature_maps(layers: Sequence[str], precision: str) -> "keras.Model":
    """Return VGG-19 up to the deepest of some blocks, giving the pooled output of each.

    Parameters
    ----------
    layers
        Names of blocks, each once.
    precision
        `float32`, or `bfloat16` for every layer but block1_conv1, whose input has the three
        channels of an image and gains nothing from it.

    Returns
    -------
    keras.Model
        From uint8 RGB images, shape (n, height, width, 3), to one map a layer, in the given
        order, shape (n, height / stride, width / stride, channels).
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
    model = keras.Model(image, [maps[layer] for layer in layers], name="vgg19")
    archive = embedded_weights.load()
    for layer in model.layers:
        if layer.name in archive:
            layer.set_weights(archive[layer.name])
    return model


def _centred_bgr(keras: ModuleType, image: Any) -> Any:
    means = keras.ops.convert_to_tensor(CHANNEL_MEANS_RGB, dtype="float32")
    return keras.ops.flip(keras.ops.cast(image, "float32") - means, axis=-1)
