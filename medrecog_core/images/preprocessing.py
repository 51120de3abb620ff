"""From an image of any shape to the square that a network reads."""

import numpy as np
from PIL import Image

from medrecog_core.errors import UsageError

MIN_SCALE = 224
REPORT_SCALES = (224, 544, 864, 1184)
"""The report's scales, 224 + 320k pixels (section 2.1, Figure 9)."""
MAX_SCALE = 2048
SQUEEZE = "squeeze-bilinear-1"
"""Version of the preprocessing; part of every descriptor's key."""


def check_scale(scale: int) -> int:
    """Return the scale if a network can be read at it.

    Raises
    ------
    UsageError
        If the scale is not a whole number of pixels between `MIN_SCALE` and `MAX_SCALE`.
    """
    if not (isinstance(scale, int) and MIN_SCALE <= scale <= MAX_SCALE):
        raise UsageError(
            f"The scale {scale} is not possible: give a side between {MIN_SCALE} and "
            f"{MAX_SCALE} pixels, for example {', '.join(map(str, REPORT_SCALES))}."
        )
    return scale


def squeeze(image: Image.Image, scale: int) -> np.ndarray:
    """Squeeze an RGB image to a square, whatever its proportions.

    Parameters
    ----------
    image
        RGB, 8 bits a channel.
    scale
        Side of the square in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (scale, scale, 3), channels in RGB order.
    """
    if image.size != (scale, scale):
        image = image.resize((scale, scale), Image.Resampling.BILINEAR)
    return np.asarray(image, dtype=np.uint8)
