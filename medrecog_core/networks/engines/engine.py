"""What an engine is: a way to compute networks, with every layer from one pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from medrecog_core.networks.table import Network

ReadArrays = Callable[[str], Sequence[np.ndarray]]
"""Reads the arrays of one Keras layer, in the order of the table."""

Place = tuple[str, str]
"""A layer, and the name of what is made of its map."""


class Reading(Protocol):
    """What is made of the map of a layer: a pooling, local descriptors, or the map as it is."""

    @property
    def kept_as(self) -> str:
        """The type of the result: `float32` or `float16`."""

    def in_graph(self, keras: Any, precision: str) -> Callable[[Any], Any]:
        """Return what does it inside a Keras graph, to maps of shape (n, rows, columns, channels).

        Parameters
        ----------
        keras
            The package.
        precision
            Of the maps: `float32` or `bfloat16`.
        """

    def of_maps(self, maps: np.ndarray) -> np.ndarray:
        """Return the same of float32 maps, computed by NumPy, one row an image."""


Readings = Mapping[Place, Reading]


class Graph(Protocol):
    """A network ready for images; not to be used by two threads at once."""

    def read(self, images: np.ndarray, places: Sequence[Place]) -> list[np.ndarray]:
        """Return what is read at some places, from one pass.

        Parameters
        ----------
        images
            uint8, RGB, shape (n, height, width, 3).
        places
            Some of those that the graph was built for.

        Returns
        -------
        list of numpy.ndarray
            For each place its reading, one row an image.
        """


@dataclass(frozen=True)
class Memory:
    """What an engine takes besides the maps of a batch.

    Attributes
    ----------
    base
        Bytes that a run's process takes with the engine's libraries and a graph without weights.
    copies
        How often the weights are held while images are computed.
    copies_at_loading
        How often the largest array is held in float32 while a graph is built.
    """

    base: int
    copies: float
    copies_at_loading: int


class Engine(Protocol):
    """A library that computes networks.

    Features of float32 from two engines must agree within 1e-5 of the largest value, because they
    have the same key in the feature cache.
    """

    @property
    def name(self) -> str:
        """On the command line and in records: lower-case letters."""

    @property
    def title(self) -> str:
        """On pages."""

    @property
    def version(self) -> str:
        """Of the library; empty if it is not installed."""

    @property
    def memory(self) -> Memory:
        """What it takes, measured on Linux."""

    def computes(self, network: Network, layers: Sequence[str], precision: str) -> bool:
        """Return whether it can compute some layers of a network in a precision."""

    def graph(
        self, network: Network, readings: Readings, precision: str, read: ReadArrays
    ) -> Graph:
        """Return a network up to the deepest layer that is read.

        Parameters
        ----------
        network
            The network.
        readings
            What is made of the maps, by place.
        precision
            `float32` or `bfloat16`.
        read
            Asked once for each layer with arrays that is needed, one after the other.
        """
