"""Measurements of one image for the health report, from a small copy."""

import base64
from dataclasses import dataclass

import numpy as np
from PIL import Image

from medrecog_core.images import (
    PLAIN,
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    read_header,
    read_range,
)
from medrecog_core.images.reading import takes_window

SIDE = 256
"""Longest side, in pixels, at which images are measured; smaller ones are not resized."""
GREY_SIDE = 16
"""Side of the grey square for comparing near-duplicates."""
VERSION = 2
"""Stored on disk: a new version measures all images again."""

_TWO = 2
# For JPEG masks: distance of grey values from the ends because of compression, and their share.
_COMPRESSION_NOISE = 16.0
_SHARE_AT_ENDS = 0.95
_LEAST_CONTRAST = 64.0


@dataclass(frozen=True)
class ImageMeasurement:
    """Measurements of an image for the health report.

    Attributes
    ----------
    reason
        Why it cannot be read; empty if it can. If it cannot, nothing below is known.
    width, height
        In pixels, as stored.
    mode
        Pillow's mode of the stored pixels.
    jpeg_quality
        Estimated; 0 if the file is not a JPEG.
    perceptual_hash
        imagehash's `phash`, 64 bits as a number.
    contrast
        Standard deviation of the grey values, 0 to 127.5.
    sharpness
        Variance of the Laplacian of the grey values (Pech-Pacheco et al., Diatom autofocusing in
        brightfield microscopy, ICPR 2000).
    grey
        The image as a square of `GREY_SIDE` grey values, base64 of uint8 in rows.
    is_two_valued
        Whether it has exactly two colours, or, as a JPEG, grey values at two ends only.
    grey_range
        Range of a file with more than 8 bits per channel; None for others.
    """

    reason: str = ""
    width: int = 0
    height: int = 0
    mode: str = ""
    jpeg_quality: int = 0
    perceptual_hash: int = 0
    contrast: float = 0.0
    sharpness: float = 0.0
    grey: str = ""
    is_two_valued: bool = False
    grey_range: GreyRange | None = None

    @property
    def grey_values(self) -> np.ndarray:
        """The grey square, float32, shape (GREY_SIDE * GREY_SIDE,)."""
        values = np.frombuffer(base64.b64decode(self.grey), np.uint8)
        return values.astype(np.float32)


def measure_image(content: bytes, rendering: Rendering = PLAIN) -> ImageMeasurement:
    """Measure the bytes of an image file.

    Parameters
    ----------
    content
        The file's bytes.
    rendering
        How its stored values become an image.

    Raises
    ------
    UnreadableImageError
        If they are not a usable image, or are truncated.
    """
    import imagehash
    from scipy.ndimage import laplace

    image = decode_image(content, at_least=SIDE, rendering=rendering)
    try:
        header = read_header(content)
        width, height, mode, quality = header.width, header.height, header.mode, header.jpeg_quality
        has_range = takes_window(mode) or not mode
    except UnreadableImageError:
        # Formats that Pillow does not read.
        (width, height), mode, quality = image.size, image.mode, 0
        has_range = True
    n_colours = len(image.getcolors(_TWO) or ())
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR)
    grey = image.convert("L")
    values = np.asarray(grey, np.float32)
    bits = np.packbits(imagehash.phash(grey).hash.ravel())
    square = grey.resize((GREY_SIDE, GREY_SIDE), Image.Resampling.BOX)
    return ImageMeasurement(
        "",
        width,
        height,
        mode,
        quality,
        int.from_bytes(bits.tobytes()),
        round(float(values.std()), 4),
        round(float(laplace(values).var()), 4),
        base64.b64encode(np.asarray(square).tobytes()).decode("ascii"),
        n_colours == _TWO or (quality > 0 and _has_two_ends(values)),
        read_range(content, rendering) if has_range else None,
    )


def _has_two_ends(values: np.ndarray) -> bool:
    """Return whether grey values are at two ends, apart from compression and scaling."""
    low, high = float(values.min()), float(values.max())
    if high - low < _LEAST_CONTRAST:
        return False
    at_low, at_high = (
        float((abs(values - end) <= _COMPRESSION_NOISE).mean()) for end in (low, high)
    )
    return min(at_low, at_high) > 0 and at_low + at_high >= _SHARE_AT_ENDS
