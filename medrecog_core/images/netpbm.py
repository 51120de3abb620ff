"""PGM files of more than 8 bits, for which Pillow returns scaled instead of stored values."""

import numpy as np
from PIL import Image

_FORMAT = "PPM"
_PLAIN_TEXT = "ppm_plain"
_MAX = 65535


def is_deep(image: Image.Image) -> bool:
    """Return whether an opened file is a PGM with more than 8 bits."""
    return image.format == _FORMAT and image.mode == "I"


def read_values(content: bytes, image: Image.Image) -> tuple[np.ndarray, int]:
    """Read the stored values of a PGM file, and the largest value that its header allows.

    Parameters
    ----------
    content
        The file's bytes.
    image
        The file, opened by Pillow, not loaded.

    Returns
    -------
    tuple
        Values, shape (height, width), and the value of white.

    Raises
    ------
    ValueError
        If values are missing.
    """
    (tile,) = image.tile  # type: ignore[attr-defined]
    largest = tile.args[1] if isinstance(tile.args, tuple) else _MAX
    if tile.codec_name == _PLAIN_TEXT:
        # Pillow scales to 16 bits, which keeps all values distinct.
        scaled = np.asarray(image).astype(np.float64)
        return np.rint(scaled * (largest / _MAX)).astype(np.uint16), largest
    n_values = image.width * image.height
    values = np.frombuffer(content, ">u2", n_values, offset=tile.offset)
    return values.reshape(image.height, image.width).astype(np.uint16), largest
