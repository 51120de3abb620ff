"""Cells of the grid: the layer, scale and pooling at which images are read, alone or fused."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medrecog_core.errors import UsageError
from medrecog_core.features.pooling import ENCODINGS, LOCAL, check_pooling, in_order, stored_length
from medrecog_core.images import check_scale
from medrecog_core.networks import Network

FUSIONS = ("layers", "scales", "poolings", "all")
"""What a grid can be fused along."""

_BETWEEN, _PARTS = "+", "-"


@dataclass(frozen=True)
class Cell:
    """One (layer, scale, pooling)."""

    layer: str
    scale: int
    pooling: str

    @property
    def name(self) -> str:
        """File-safe name, such as `block5-224-average`."""
        return f"{self.layer}-{self.scale}-{self.pooling}"

    @property
    def is_encoded(self) -> bool:
        """Whether its descriptors depend on a codebook, and so on the training images."""
        return self.pooling in ENCODINGS

    @property
    def stored(self) -> "Cell":
        """What the network gives for it: the cell itself, or local descriptors to be encoded."""
        return Cell(self.layer, self.scale, LOCAL) if self.is_encoded else self

    def stored_length(self, network: Network) -> int:
        """Return the length of the vectors that the store keeps for it."""
        return stored_length(self.pooling, network.layer(self.layer).channels)


def grid(
    network: Network, layers: Iterable[str], scales: Iterable[int], poolings: Iterable[str]
) -> tuple[Cell, ...]:
    """Return every cell of layer x scale x pooling, scale by scale, from the first layer on.

    Raises
    ------
    UsageError
        If a layer, a scale or a pooling does not exist, or one of the three lists is empty.
    """
    chosen_layers = sorted({network.layer(name).name for name in layers}, key=network.depth)
    chosen_scales = sorted({check_scale(scale) for scale in scales})
    chosen_poolings = in_order(check_pooling(pooling) for pooling in poolings)
    for noun, values in (
        ("layer", chosen_layers),
        ("scale", chosen_scales),
        ("pooling", chosen_poolings),
    ):
        if not values:
            raise UsageError(f"No {noun} was given. Choose at least one.")
    return tuple(
        Cell(layer, scale, pooling)
        for scale in chosen_scales
        for layer in chosen_layers
        for pooling in chosen_poolings
    )


@dataclass(frozen=True)
class Fusion:
    """The cells of some layers x scales x poolings, concatenated.

    Each descriptor is divided by its Euclidean length first, so that every cell has an equal say,
    whatever the range of its numbers.

    Attributes
    ----------
    layers, scales, poolings
        At least two combinations in all, in the order of the grid.
    """

    layers: tuple[str, ...]
    scales: tuple[int, ...]
    poolings: tuple[str, ...]

    @property
    def members(self) -> tuple[Cell, ...]:
        """The cells, in the order in which their descriptors are concatenated."""
        return tuple(
            Cell(layer, scale, pooling)
            for scale in self.scales
            for layer in self.layers
            for pooling in self.poolings
        )

    @property
    def layer(self) -> str:
        """The layers, such as `block4+block5`."""
        return _BETWEEN.join(self.layers)

    @property
    def scale(self) -> int | str:
        """The scale, or several such as `224+544`."""
        return self.scales[0] if len(self.scales) == 1 else _BETWEEN.join(map(str, self.scales))

    @property
    def pooling(self) -> str:
        """The poolings, such as `max+average`."""
        return _BETWEEN.join(self.poolings)

    @property
    def name(self) -> str:
        """File-safe name, such as `block4+block5-224-average`."""
        return f"{self.layer}{_PARTS}{self.scale}{_PARTS}{self.pooling}"


AnyCell = Cell | Fusion
"""What an SVM can be trained on."""


def members(cell: AnyCell) -> tuple[Cell, ...]:
    """Return the cells whose descriptors are concatenated: one, but for a fusion."""
    return cell.members if isinstance(cell, Fusion) else (cell,)


def concatenate(descriptors: Sequence[np.ndarray]) -> np.ndarray:
    """Return the descriptors of a fusion.

    Parameters
    ----------
    descriptors
        Those of each member, shape (n, channels).

    Returns
    -------
    numpy.ndarray
        float32, shape (n, sum of channels); of a single member, what was given.
    """
    if len(descriptors) == 1:
        return descriptors[0]
    lengths = [np.linalg.norm(d, axis=1, keepdims=True) for d in descriptors]
    return np.hstack(
        [d / np.where(n > 0, n, 1) for d, n in zip(descriptors, lengths, strict=True)]
    ).astype(np.float32, copy=False)


def find_cell(network: Network, layer: str, scale: int | str, pooling: str) -> AnyCell:
    """Return the cell or fusion of that layer, scale and pooling, as results name them.

    Raises
    ------
    UsageError
        If a layer, scale or pooling does not exist.
    """
    layers = [network.layer(name).name for name in layer.split(_BETWEEN)]
    try:
        scales = [check_scale(int(part)) for part in str(scale).split(_BETWEEN)]
    except ValueError:
        raise UsageError(f"“{scale}” is not a scale such as 224 or 224+544.") from None
    poolings = [check_pooling(part) for part in pooling.split(_BETWEEN)]
    fusion = _fusion(network, layers, scales, poolings)
    return fusion if len(fusion.members) > 1 else fusion.members[0]


def parse_fusion(network: Network, name: str) -> Fusion:
    """Return the fusion of a name such as `block4+block5-224-average`.

    Raises
    ------
    UsageError
        If it is no such name, or names one cell only.
    """
    parts = name.split(_PARTS)
    fusion = find_cell(network, *parts) if len(parts) == 3 else None
    if not isinstance(fusion, Fusion):
        raise UsageError(
            f"“{name}” is not a fusion. Use {', '.join(FUSIONS[:-1])} or {FUSIONS[-1]}, or a name "
            "such as block4+block5-224-average."
        )
    return fusion


def fuse_grid(
    network: Network,
    layers: Iterable[str],
    scales: Iterable[int],
    poolings: Iterable[str],
    along: str,
) -> tuple[Fusion, ...]:
    """Return the fusions of a grid along its layers, scales, poolings, or all three.

    Raises
    ------
    UsageError
        If there is nothing to fuse along, because the grid has one such value only.
    """
    sides: dict[str, list[Any]] = {
        "layers": list(layers),
        "scales": list(scales),
        "poolings": list(poolings),
    }
    kept = [side for side in sides if along not in (side, "all")]
    made = set()
    for values in itertools.product(*(sides[side] for side in kept)):
        chosen: dict[str, Any] = sides | {k: [v] for k, v in zip(kept, values, strict=True)}
        made.add(_fusion(network, **chosen))
    fusions = [fusion for fusion in made if len(fusion.members) > 1]
    if not fusions:
        what = "cell" if along == "all" else along.removesuffix("s")
        raise UsageError(f"There is only one {what} to fuse. Choose at least two.")
    return tuple(sorted(fusions, key=lambda f: (f.scales, network.depth(f.layers[0]), f.pooling)))


def _fusion(
    network: Network, layers: Iterable[str], scales: Iterable[int], poolings: Iterable[str]
) -> Fusion:
    return Fusion(
        tuple(sorted(set(layers), key=network.depth)),
        tuple(sorted(set(scales))),
        in_order(poolings),
    )
