"""How fast this machine's networks are, from the passes that it has made."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from medrecog_core.atomic_file import read_json, write_json
from medrecog_core.errors import StorageError
from medrecog_core.locations import cache_folder
from medrecog_core.networks import Network, find_device
from medrecog_core.networks.summary import summarise

_FEWEST_IMAGES = 32
"""Of fewer, building the graph takes most of the time."""


@dataclass(frozen=True)
class NetworkPass:
    """Images that went through a network together.

    Attributes
    ----------
    layer
        The deepest that was read.
    scale
        In pixels.
    n_images
        Number of images.
    seconds
        From files to stored descriptors.
    """

    layer: str
    scale: int
    n_images: int
    seconds: float


def keep_rates(network: Network, precision: str, passes: Iterable[NetworkPass]) -> None:
    """Keep the rates of passes on disk, each in the place of an earlier one of its kind.

    Of two processes that write at once, one loses its measurement and nothing else; a disk that
    takes none costs an estimate.

    Parameters
    ----------
    network, precision
        What the images went through: `float32` or `bfloat16`.
    passes
        Those of few images are left out.
    """
    kept = {_kind(row): row for row in _rows()}
    machine = _machine()
    for each in passes:
        if each.n_images >= _FEWEST_IMAGES:
            row = {
                **machine,
                "network": network.name,
                "precision": precision,
                "layer": each.layer,
                "scale": each.scale,
                "seconds_an_image": each.seconds / each.n_images,
            }
            kept[_kind(row)] = row
    with suppress(StorageError):
        write_json(cache_folder().rates, list(kept.values()))


def seconds_an_image(network: Network, precision: str, layer: str, scale: int) -> float | None:
    """Return what an image will take, from file to stored descriptors, None before any measurement.

    Where this layer at this scale was not measured, the nearest scale's measurement of the network
    stands for it in proportion to the multiplications and additions.

    Parameters
    ----------
    network, precision
        What it goes through: `float32` or `bfloat16`.
    layer
        The deepest to be read.
    scale
        In pixels.
    """
    asked = {**_machine(), "network": network.name, "precision": precision}
    measured = [row for row in _rows() if all(row[key] == asked[key] for key in asked)]
    if not measured:
        return None
    nearest = min(measured, key=lambda row: (abs(row["scale"] - scale), row["layer"] != layer))
    there = gflop_an_image(network, nearest["layer"], nearest["scale"])
    return float(nearest["seconds_an_image"] * gflop_an_image(network, layer, scale) / there)


def gflop_an_image(network: Network, layer: str, scale: int) -> float:
    """Return the thousand million multiplications and additions of an image up to a layer."""
    needed = {row.name for row in network.needed_rows([layer])}
    return sum(each.gflop for each in summarise(network, scale) if each.name in needed)


def _rows() -> list[dict[str, Any]]:
    """Return what is kept; what is damaged is measured again."""
    try:
        rows = read_json(cache_folder().rates)
        return [row for row in rows if _kind(row) and row["seconds_an_image"] > 0]
    except (FileNotFoundError, StorageError, KeyError, TypeError):
        return []


def _kind(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("device", "n_cores", "network", "precision", "layer", "scale")
    return tuple(row[name] for name in names)


def _machine() -> dict[str, Any]:
    device = find_device()
    return {"device": device.name, "n_cores": device.n_cores}
