"""A cell of the grid: the layer, scale and pooling at which images are read."""

from collections.abc import Iterable
from dataclasses import dataclass

from medrecog_core.errors import UsageError
from medrecog_core.features.pooling import ENCODINGS, LOCAL, check_pooling, in_order, stored_length
from medrecog_core.images import check_scale
from medrecog_core.networks import Network


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
            raise UsageError(f"No {noun} was given: choose at least one.")
    return tuple(
        Cell(layer, scale, pooling)
        for scale in chosen_scales
        for layer in chosen_layers
        for pooling in chosen_poolings
    )
