"""What every layer of a network makes of an image of a scale, as in the report's appendix."""

import math
from dataclasses import dataclass

from medrecog_core.networks.table import CONVOLUTIONS, KerasLayer, Network


@dataclass(frozen=True)
class LayerSummary:
    """One layer at one scale.

    Attributes
    ----------
    name, kind
        As in Keras; dense layers that follow a Flatten are the convolutions they are read as.
    side, channels
        The output has side x side positions of so many channels.
    n_parameters
        Numbers in all of its arrays.
    gflop
        Thousand million multiplications and additions for one image, in convolutions and dense
        layers.
    receptive_field
        Side in pixels of what one position of the output depends on; None where that is the whole
        image, whatever its size.
    """

    name: str
    kind: str
    side: int
    channels: int
    n_parameters: int
    gflop: float
    receptive_field: int | None


@dataclass(frozen=True)
class _Geometry:
    """Positions on a side, pixels from one to the next, and the receptive field."""

    side: int
    step: int
    field: int | None


def summarise(network: Network, scale: int) -> tuple[LayerSummary, ...]:
    """Return every layer from the input to the predictions, dense heads read as convolutions.

    Parameters
    ----------
    network
        The network.
    scale
        Side of the square input in pixels, 224 or more.

    Notes
    -----
    A convolution of kernel k whose inputs lie s pixels apart widens the receptive field by
    (k - 1) s, and so does pooling; a stride multiplies s; where paths meet the widest counts
    (Araujo, Norris and Sim, 2019, "Computing Receptive Fields of Convolutional Neural Networks",
    sections 2 and 3). After a mean over all positions every output depends on the whole image.
    """
    geometries: dict[str, _Geometry] = {}
    summaries = []
    for row in network.rows:
        inputs = [network.row[name] for name in row.inputs]
        before = _meet([geometries[name] for name in row.inputs]) if inputs else None
        kernel = dense_kernel(network, row)
        geometry = geometries[row.name] = _geometry(row, before, kernel, scale)
        if row.kind == "Flatten":
            continue
        gflop = 0.0
        if row.kind in CONVOLUTIONS or row.kind == "Dense":
            # Each number of a kernel is used once at every position.
            numbers = math.prod(row.arrays["kernel"])
            gflop = 2 * geometry.side**2 * numbers / 1e9
        summaries.append(
            LayerSummary(
                row.name,
                "Conv2D" if kernel else row.kind,
                geometry.side,
                row.channels,
                sum(math.prod(shape) for shape in row.arrays.values()),
                gflop,
                geometry.field,
            )
        )
    return tuple(summaries)


def dense_kernel(network: Network, row: KerasLayer) -> int:
    """Return the side of the convolution that a dense layer after a Flatten becomes, else 0."""
    if row.name not in network.flattened:
        return 0
    above = network.row[row.inputs[0]]
    while above.kind not in ("Flatten", "Dense"):
        above = network.row[above.inputs[0]]
    if above.kind == "Dense":
        return 1
    channels = network.row[above.inputs[0]].channels
    return math.isqrt(row.arrays["kernel"][0] // channels)


def _meet(inputs: list[_Geometry]) -> _Geometry:
    largest = max(inputs, key=lambda geometry: geometry.side)
    fields = [geometry.field for geometry in inputs]
    field = None if None in fields else max(f for f in fields if f is not None)
    return _Geometry(largest.side, largest.step, field)


def _geometry(row: KerasLayer, before: _Geometry | None, kernel: int, scale: int) -> _Geometry:
    if before is None:
        return _Geometry(scale, 1, 1)
    side, step = before.side, before.step
    if row.kind.startswith("Global"):
        return _Geometry(1, step, None)
    if row.kind == "ZeroPadding2D":
        (top, bottom), _ = row.config["padding"]
        return _Geometry(side + top + bottom, step, before.field)
    stride = 1
    if kernel:
        reach = kernel
    elif row.kind in CONVOLUTIONS:
        reach = (row.pair("kernel_size")[0] - 1) * row.pair("dilation_rate")[0] + 1
        stride = row.pair("strides")[0]
    elif row.kind.endswith("Pooling2D"):
        reach = row.pair("pool_size", 2)[0]
        stride = row.pair("strides", reach)[0]
    else:
        return before
    if row.config.get("padding") == "same":
        side = math.ceil(side / stride)
    else:
        side = (side - reach) // stride + 1
    field = None if before.field is None else before.field + (reach - 1) * step
    return _Geometry(side, step * stride, field)
