"""One layer as Keras has it: a row of a network's table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NORMALISATIONS = ("BatchNormalization", "LayerNormalization")
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D")
AT_TRAINING_ONLY = ("Dropout", "StochasticDepth")
"""Kinds that pass on what they are given once a network is trained."""


@dataclass(frozen=True)
class KerasLayer:
    """One layer of a network.

    Attributes
    ----------
    name
        As `keras.applications` calls it.
    kind
        Its class in Keras.
    channels
        Length of the last axis of its output.
    inputs
        Names of the layers whose outputs it takes; empty for the input alone.
    config
        What Keras's constructor is given besides the name, where it differs from the default.
    arrays
        From the name of each of its arrays to the array's shape, in Keras's order.
    """

    name: str
    kind: str
    channels: int
    inputs: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def sees_one_channel(self) -> bool:
        """Whether each channel of a convolution's output depends on one of its input alone."""
        return self.arrays["kernel"][2] == 1

    def pair(self, option: str, default: int = 1) -> tuple[int, int]:
        """Return an option that has a value for rows and one for columns."""
        value = self.config.get(option) or default
        return (value, value) if isinstance(value, int) else (value[0], value[1])
