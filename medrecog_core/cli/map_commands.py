"""`feature-maps` and `first-filters`: what is inside a network."""

import hashlib
import re
import sys
from pathlib import Path

import click
import numpy as np
from PIL import Image

from medrecog_core.cli.options import json_option
from medrecog_core.cli.output import write_json, write_table
from medrecog_core.errors import MedrecogError
from medrecog_core.features import first_filters as read_first_filters
from medrecog_core.features.inspection import MEAN, ORDERS, ImageWalk
from medrecog_core.features.self_test import picture_file
from medrecog_core.images import UnreadableImageError, read_file
from medrecog_core.images.reading import MAX_BYTES
from medrecog_core.networks import (
    DEFAULT_NETWORK,
    PRECISIONS,
    find_network,
    find_weights,
    installed_weights,
)

_STANDARD_INPUT = Path("-")

network_option = click.option("--network", default=DEFAULT_NETWORK, show_default=True)
to_option = click.option(
    "--to", "folder", type=click.Path(path_type=Path), help="Write each as a PNG to this folder."
)


@click.command("feature-maps")
@click.argument("image", type=click.Path(path_type=Path), required=False)
@network_option
@click.option("--layer", required=True, help="Layer, such as block3, or its Keras name.")
@click.option("--scale", default=224, show_default=True, help="Input size in pixels.")
@click.option("--by", "order", default=MEAN, show_default=True, help=", ".join(ORDERS))
@click.option("--number", default=12, show_default=True, help="Number of maps.")
@click.option("--precision", default="float32", show_default=True, help=", ".join(PRECISIONS))
@to_option
@json_option
def feature_maps(
    image: Path | None,
    network: str,
    layer: str,
    scale: int,
    order: str,
    number: int,
    precision: str,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Compute the feature maps of IMAGE and list the strongest ones of a layer.

    IMAGE is a file, or - for standard input; the default is a built-in image. Channels are counted
    from 0. In a PNG, white is the maximum of the map and black is zero or less.
    """
    walk = ImageWalk(network, layer, scale, order, number, precision)
    content = _content(image)
    try:
        found = walk.walk(content)
    except UnreadableImageError as error:
        named = "The image" if image in (None, _STANDARD_INPUT) else image
        raise MedrecogError(f"{named} cannot be used ({error}).") from error
    names = [f"{_in_file_name(walk.layer.name)}-{channel}.png" for channel in found.channels]
    files = _write_pictures(folder, names, found.pictures())
    maps = [
        {"channel": int(channel), "mean": float(mean), "maximum": float(maximum), "file": file}
        for channel, mean, maximum, file in zip(
            found.channels, found.means, found.maxima, files, strict=True
        )
    ]
    if as_json:
        write_json(
            {
                "image_sha256": hashlib.sha256(content).hexdigest(),
                "network": network,
                "weights": walk.weights,
                "precision": walk.precision,
                "layer": walk.layer.name,
                "keras_layer": walk.layer.keras_layer,
                "scale": scale,
                "by": order,
                "n_channels": found.n_channels,
                "maps": maps,
            }
        )
        return
    write_table(
        ("channel", "mean", "maximum", "file"),
        [(each["channel"], each["mean"], each["maximum"], each["file"] or "") for each in maps],
    )


@click.command("first-filters")
@network_option
@click.option(
    "--weights", "identity", help="Identity of installed weights.  [default: those in use]"
)
@to_option
@json_option
def first_filters(network: str, identity: str | None, folder: Path | None, as_json: bool) -> None:
    """List the filters of the first convolution of a network.

    A PNG has one pixel per position, whose colour is its weights; mid-grey is zero.
    """
    chosen = find_network(network)
    weights = find_weights(chosen, identity) if identity else installed_weights(chosen)
    found = read_first_filters(chosen, weights.identity)
    names = [f"{_in_file_name(found.layer)}-{i}.png" for i in range(len(found.kernels))]
    files = _write_pictures(folder, names, found.pictures())
    largest = np.abs(found.kernels).max(axis=(1, 2, 3))
    filters = [
        {"channel": i, "largest_weight": float(value), "file": file}
        for i, (value, file) in enumerate(zip(largest, files, strict=True))
    ]
    if as_json:
        write_json(
            {
                "network": network,
                "weights": weights.identity,
                "keras_layer": found.layer,
                "kernel_size": list(found.kernels.shape[1:3]),
                "filters": filters,
            }
        )
        return
    write_table(
        ("channel", "largest weight", "file"),
        [(each["channel"], each["largest_weight"], each["file"] or "") for each in filters],
    )


def _content(image: Path | None) -> bytes:
    if image is None:
        return picture_file()
    if image == _STANDARD_INPUT:
        # One byte more shows that there is more.
        content = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise MedrecogError(
                f"The image is larger than {MAX_BYTES // 2**20} MB. Use a smaller file."
            )
        return content
    try:
        return read_file(image)
    except UnreadableImageError as error:
        raise MedrecogError(f"{image} cannot be used ({error}).") from error


def _write_pictures(
    folder: Path | None, names: list[str], pictures: np.ndarray
) -> list[str] | list[None]:
    if folder is None:
        return [None] * len(names)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, pixels in zip(names, pictures, strict=True):
            Image.fromarray(pixels).save(folder / name)
    except OSError as error:
        raise MedrecogError(
            f"Cannot write to {folder} ({error.strerror or error}). Choose another folder."
        ) from error
    return [str(folder / name) for name in names]


def _in_file_name(layer: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", layer)
