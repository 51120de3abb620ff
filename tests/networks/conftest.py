"""The tiny network, for what is done with the weights of any."""

from tests.tiny_network import tiny

__all__ = ["tiny"]
