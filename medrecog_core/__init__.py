"""Frozen pre-trained networks, read layer by layer, with linear SVMs on top."""

__version__ = "0.3.0"
