"""What every layer of a network makes of an image of a scale, as in the report's appendix."""

from collections.abc import Iterator
from dataclasses import dataclass

from medrecog_core.networks.layer_table import Network
from medrecog_core.networks.parameters import LayerParameters, network_parameters
from medrecog_core.networks.vgg19 import BLOCKS, HEAD_KERNELS


@dataclass(frozen=True)
class LayerSummary:
    """One layer at one scale.

    Attributes
    ----------
    name, kind
        As in Keras, of the fully convolutional form.
    side, channels
        The output has side x side positions of so many channels.
    n_parameters
        Kernel and bias.
    gflop
        Thousand million multiplications and additions for one image, in the convolutions.
    receptive_field
        Side in pixels of what one position of the output depends on.
    """

    name: str
    kind: str
    side: int
    channels: int
    n_parameters: int
    gflop: float
    receptive_field: int


def summarise(network: Network, scale: int) -> tuple[LayerSummary, ...]:
    """Return every layer of VGG-19's fully convolutional form, from the input to the predictions.

    Parameters
    ----------
    network
        VGG-19.
    scale
        Side of the square input in pixels, 224 or more.

    Notes
    -----
    A convolution of kernel k whose outputs lie s pixels apart widens the receptive field by
    (k - 1) s, and so does pooling; pooling by two doubles s (Araujo, Norris and Sim, 2019,
    "Computing Receptive Fields of Convolutional Neural Networks", section 2).
    """
    return tuple(_layers({row.name: row for row in network_parameters(network)}, scale))


def _layers(rows: dict[str, LayerParameters], side: int) -> Iterator[LayerSummary]:
    field, step, inputs = 1, 1, 3
    yield LayerSummary("input", "InputLayer", side, inputs, 0, 0.0, field)
    for block, n_convolutions, channels in BLOCKS:
        for i in range(1, n_convolutions + 1):
            field += 2 * step
            row = rows[f"{block}_conv{i}"]
            gflop = 2 * side**2 * 9 * inputs * channels / 1e9
            yield LayerSummary(row.name, "Conv2D", side, channels, row.n_parameters, gflop, field)
            inputs = channels
        side, field, step = side // 2, field + step, step * 2
        yield LayerSummary(f"{block}_pool", "MaxPooling2D", side, channels, 0, 0.0, field)
    for name in ("fc1", "fc2", "predictions"):
        kernel = HEAD_KERNELS.get(name, 1)
        row = rows[name]
        units = row.shapes[1][1][0]
        side, field = side - kernel + 1, field + (kernel - 1) * step
        gflop = 2 * side**2 * kernel**2 * inputs * units / 1e9
        yield LayerSummary(name, "Conv2D", side, units, row.n_parameters, gflop, field)
        inputs = units
