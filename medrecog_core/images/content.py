"""Detection of images without content."""

import numpy as np
from PIL import Image

MAX_SPREAD = 2
"""Range of grey levels, of 255, that contains almost all pixels of an image without content."""
MIN_SHARE = 0.9995
"""Minimum share of these pixels: noise, a dead pixel or a mark are not content."""


def is_without_content(image: Image.Image) -> bool:
    """Return whether an image has one colour, or almost.

    It does if, in each of the channels red, green and blue, at least `MIN_SHARE` of the pixels lie
    within `MAX_SPREAD` grey levels of each other. In an image of 224 x 224 pixels, 26 may differ.

    Parameters
    ----------
    image
        8-bit RGB, as `decode_image` returns it.
    """
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    enough = MIN_SHARE * len(pixels)
    for channel in pixels.T:
        counts = np.bincount(channel, minlength=256 + MAX_SPREAD)
        within = np.convolve(counts, np.ones(MAX_SPREAD + 1, int), "valid")
        if within.max() < enough:
            return False
    return True
