"""Every pooling, each with all that the program knows about it in one entry.

To add one, write its functions and put an entry into `GLOBAL_POOLINGS`: the command line, the
pages, the store, evidence, models and reports take it from there.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medrecog_core.errors import UsageError
from medrecog_core.networks.engines import Reading

LOCAL = "local"
"""What the store keeps for encodings in the place of a pooling: the descriptor of each position."""

MAP = "map"
"""What evidence needs in the place of a pooling: all positions as they are."""


@dataclass(frozen=True)
class Pooling:
    """A fixed function of a map's positions, computed inside the network's graph.

    Attributes
    ----------
    name
        On the command line, in files and in the store's keys: lower-case letters and digits.
    title
        On pages.
    in_keras
        Given keras and the type to compute in, returns what turns a batch of maps, shape (n, rows,
        columns, channels), into descriptors, shape (n, length).
    of_positions
        The same in NumPy, for a map that is there already, and for any engine that gives maps:
        float32 or float64, shape (positions, channels), into shape (length,); sums in float64.
    shares
        Given positions and a centre of shape (length,), returns what each position adds to the
        descriptor minus the centre: shape (positions, length), whose sum over positions is that
        difference, exactly. None where the descriptor cannot be shared out: such a model has no
        evidence.
    sharing
        How `shares` does it, as the end of a sentence for pages that begins “With ... pooling,”.
    length
        From the number of channels to the length of a descriptor.
    dtype
        What `in_keras` computes in; empty: the precision of the maps, where nothing is summed. The
        graph gives descriptors in float32 in any case.
    """

    name: str
    title: str
    in_keras: Callable[[Any, str], Callable[[Any], Any]]
    of_positions: Callable[[np.ndarray], np.ndarray]
    shares: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    sharing: str = ""
    length: Callable[[int], int] = lambda channels: channels
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if not re.fullmatch("[a-z][a-z0-9]*", self.name) or self.name in (LOCAL, MAP):
            raise ValueError(f"“{self.name}” cannot be the name of a pooling")
        if (self.shares is None) == bool(self.sharing):
            raise ValueError(f"the pooling “{self.name}” needs both shares and sharing, or neither")

    @property
    def has_evidence(self) -> bool:
        """Whether a descriptor is a sum over positions."""
        return self.shares is not None

    def pool(self, feature_map: np.ndarray) -> np.ndarray:
        """Return the descriptor of one map.

        Parameters
        ----------
        feature_map
            Shape (rows, columns, channels).

        Returns
        -------
        numpy.ndarray
            float64, shape (length,).
        """
        return self.of_positions(_positions(feature_map))

    @property
    def kept_as(self) -> str:
        """The type of descriptors."""
        return "float32"

    def in_graph(self, keras: Any, precision: str) -> Callable[[Any], Any]:
        """Return what turns a batch of maps of a precision into descriptors in a Keras graph."""
        return self.in_keras(keras, self.dtype or precision)

    def of_maps(self, maps: np.ndarray) -> np.ndarray:
        """Return the descriptors of float32 maps, shape (n, rows, columns, channels)."""
        return np.stack([self.of_positions(each.reshape(-1, each.shape[-1])) for each in maps])

    def share_out(self, feature_map: np.ndarray, centre: np.ndarray) -> np.ndarray:
        """Return what each position of a map adds to its descriptor minus a centre.

        Parameters
        ----------
        feature_map
            Shape (rows, columns, channels).
        centre
            Shape (length,).

        Returns
        -------
        numpy.ndarray
            float64, shape (rows * columns, length); summed over positions, `pool` minus `centre`.

        Raises
        ------
        UsageError
            If the descriptor cannot be shared out.
        """
        if self.shares is None:
            raise UsageError(no_evidence(self.name))
        return self.shares(_positions(feature_map), centre)


@dataclass(frozen=True)
class Encoding:
    """A vector of the local descriptors, by a codebook learned from the training images.

    What it computes is in `features.encodings`. Its scores are no sum over positions.

    Attributes
    ----------
    name, title
        As for a `Pooling`.
    """

    name: str
    title: str

    @property
    def has_evidence(self) -> bool:
        """Whether a descriptor is a sum over positions."""
        return False


def _positions(feature_map: np.ndarray) -> np.ndarray:
    positions: np.ndarray = np.asarray(feature_map, dtype=np.float64)
    return positions.reshape(-1, feature_map.shape[-1])


def _maximum(positions: np.ndarray) -> np.ndarray:
    greatest: np.ndarray = positions.max(axis=0)
    return greatest


def _shares_of_maximum(positions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    greatest = positions.max(axis=0)
    winners = positions == greatest
    shares: np.ndarray = winners * ((greatest - centre) / winners.sum(axis=0))
    return shares


def _average(positions: np.ndarray) -> np.ndarray:
    mean: np.ndarray = positions.mean(axis=0, dtype=np.float64)
    return mean


def _shares_of_average(positions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    shares: np.ndarray = (positions - centre) / len(positions)
    return shares


def _gem_in_keras(keras: Any, dtype: str) -> Callable[[Any], Any]:
    def pooled(maps: Any) -> Any:
        values = keras.ops.relu(keras.ops.cast(maps, dtype))
        powers = keras.ops.square(values) * values
        return keras.ops.power(keras.ops.mean(powers, axis=(1, 2)), 1 / 3)

    return pooled


def _gem(positions: np.ndarray) -> np.ndarray:
    """Return the generalised mean, (mean of x^3)^(1/3), where a negative x counts as 0.

    Radenović, Tolias and Chum (2018), "Fine-tuning CNN image retrieval with no human annotation".
    A power of 1 is average pooling, and one without bound max pooling. They pool maps after a ReLU,
    learn the power from 3 on, and their code raises values below 1e-6 to it for the gradient. Here
    the power stays 3 and values below 0 become 0. That is within 1e-6 of theirs, and an image
    without any answer keeps the descriptor 0, which L2 normalisation leaves as it is.
    """
    pooled: np.ndarray = np.cbrt(_cubes(positions).mean(axis=0, dtype=np.float64))
    return pooled


def _cubes(positions: np.ndarray) -> np.ndarray:
    values = np.maximum(positions, 0)
    cubes: np.ndarray = values * values * values
    return cubes


def _shares_of_gem(positions: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Share out in proportion to x^3; equally where no x is above 0.

    The generalised mean m is homogeneous of degree 1, so that by Euler's theorem it is the sum over
    positions of x dm/dx = m x^3 / (sum of x^3). Those are also the integrated gradients from an
    empty map (Sundararajan, Taly and Yan, 2017, "Axiomatic attribution for deep networks"), as are
    the shares of max and average pooling.
    """
    powers = _cubes(positions)
    total = powers.sum(axis=0)
    equal = np.full_like(powers, 1 / len(powers))
    weights = np.divide(powers, total, out=equal, where=total > 0)
    shares: np.ndarray = weights * (_gem(positions) - centre)
    return shares


_GLOBAL_POOLINGS = (
    Pooling(
        "max",
        "max",
        in_keras=lambda keras, dtype: keras.layers.GlobalMaxPooling2D(dtype=dtype),
        of_positions=_maximum,
        shares=_shares_of_maximum,
        sharing="the positions that hold a channel's maximum share its part equally",
        dtype="",
    ),
    Pooling(
        "average",
        "average",
        in_keras=lambda keras, dtype: keras.layers.GlobalAveragePooling2D(dtype=dtype),
        of_positions=_average,
        shares=_shares_of_average,
        sharing="each position adds its share of the mean",
    ),
    Pooling(
        "gem",
        "GeM",
        in_keras=_gem_in_keras,
        of_positions=_gem,
        shares=_shares_of_gem,
        sharing="each position's part is in proportion to the cube of its value",
    ),
)
GLOBAL_POOLINGS = {pooling.name: pooling for pooling in _GLOBAL_POOLINGS}
"""From name to pooling, in the order in which they are listed."""


class _LocalDescriptors:
    """Each position divided by its Euclidean length in float32, as in NetVLAD.

    Arandjelović, Gronat, Torii, Pajdla and Sivic (2016), "NetVLAD: CNN architecture for weakly
    supervised place recognition". Numbers from -1 to 1 keep three digits in half the room.
    """

    kept_as = "float16"

    def in_graph(self, keras: Any, precision: str) -> Callable[[Any], Any]:
        layer: Callable[[Any], Any] = keras.layers.UnitNormalization(axis=-1, dtype="float32")
        return layer

    def of_maps(self, maps: np.ndarray) -> np.ndarray:
        squares = np.einsum("...c,...c->...", maps, maps)[..., None]
        normalised: np.ndarray = maps / np.sqrt(np.maximum(squares, _SMALLEST_SQUARE))
        return normalised


class _WholeMap:
    """The map as it is."""

    kept_as = "float32"

    def in_graph(self, keras: Any, precision: str) -> Callable[[Any], Any]:
        layer: Callable[[Any], Any] = keras.layers.Identity(dtype="float32")
        return layer

    def of_maps(self, maps: np.ndarray) -> np.ndarray:
        return maps


# Keras's `UnitNormalization` multiplies by 1e12 at most.
_SMALLEST_SQUARE = np.float32(1e-24)

READINGS: dict[str, Reading] = {
    **GLOBAL_POOLINGS,
    LOCAL: _LocalDescriptors(),
    MAP: _WholeMap(),
}
"""What a network gives of a layer's map, by name."""

_ENCODINGS = (
    Encoding("bow", "bag of words"),
    Encoding("vlad", "VLAD"),
    Encoding("fisher", "Fisher vector"),
)
ENCODINGS = {encoding.name: encoding for encoding in _ENCODINGS}
"""From name to encoding, in the order in which they are listed."""

POOLINGS: dict[str, Pooling | Encoding] = {**GLOBAL_POOLINGS, **ENCODINGS}
"""All that a cell's pooling can be: what the command line and the pages list."""

DEFAULT_POOLINGS = ("max", "average")
"""What an experiment reads where nothing else is chosen."""


def check_pooling(pooling: str) -> str:
    """Return the pooling's name if it exists.

    Raises
    ------
    UsageError
        If it does not.
    """
    if pooling not in POOLINGS:
        raise UsageError(f"Unknown pooling “{pooling}”. Available: {', '.join(POOLINGS)}.")
    return pooling


def in_order(poolings: Iterable[str]) -> tuple[str, ...]:
    """Return the names without repetition, in the order of `POOLINGS`, unknown ones last."""
    rank = {name: i for i, name in enumerate(POOLINGS)}
    return tuple(sorted(dict.fromkeys(poolings), key=lambda name: rank.get(name, len(rank))))


def stored_length(pooling: str, channels: int) -> int:
    """Return the length of the vectors that the store keeps for a pooling or for `local`."""
    found = GLOBAL_POOLINGS.get(pooling)
    return channels if found is None else found.length(channels)


def titles(poolings: Iterable[str], conjunction: str = "and") -> str:
    """Return poolings as pages name them, such as `max and average`."""
    *first, last = (POOLINGS[name].title for name in poolings)
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def with_evidence() -> tuple[str, ...]:
    """Return the names of the poolings that have evidence."""
    return tuple(name for name, pooling in POOLINGS.items() if pooling.has_evidence)


def no_evidence(pooling: str) -> str:
    """Return the sentence by which evidence is refused for a pooling."""
    return (
        f"Evidence is not available for the pooling “{pooling}”. Choose a cell with "
        f"{titles(with_evidence(), 'or')} pooling."
    )
