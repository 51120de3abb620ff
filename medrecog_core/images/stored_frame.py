"""One frame of a file as stored: an 8-bit image, or values that need a grey window."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from medrecog_core.errors import UnreadableImageError

GIVE_A_WINDOW = "save unsigned 8 or 16 bits, or choose a grey window for the data set"

_MAX_12_BIT = 2**12 - 1
_MAX_16_BIT = 2**16 - 1


@dataclass(frozen=True)
class StoredFrame:
    """One frame of a file, with either the picture or the values.

    Attributes
    ----------
    picture
        With at most 8 bits per channel, in any of Pillow's modes.
    values
        With more, shape (height, width) or, in colour, (height, width, 3).
    own_window
        Values of black and white in the file; None if they are missing.
    is_unsigned
        Whether the values are unsigned integers.
    zero_is_white
        Whether small values are bright.
    transparent
        The value that is transparent.
    n_frames, index
        Number of frames of the file, and the index of this one, from 0.
    """

    picture: Image.Image | None = None
    values: np.ndarray | None = None
    own_window: tuple[float, float] | None = None
    is_unsigned: bool = True
    zero_is_white: bool = False
    transparent: int | None = None
    n_frames: int = 1
    index: int = 0

    def to_rgb(self, window: tuple[float, float] | None = None) -> Image.Image:
        """Return it as 8-bit RGB, with transparency blended with white.

        Parameters
        ----------
        window
            Values shown as black and as white; None: the file's own, otherwise 0..4095 or 0..65535,
            by the largest value.

        Raises
        ------
        UnreadableImageError
            If there is no window, and the values are not integers of 16 bits.
        """
        rgb = self._rgb_of_values(window) if self.picture is None else _flat(self.picture)
        if self.n_frames > 1:
            rgb.info |= {"frames": self.n_frames, "frame": self.index}
        return rgb

    def _rgb_of_values(self, window: tuple[float, float] | None) -> Image.Image:
        values = np.zeros((0, 0)) if self.values is None else self.values
        levels = in_window(values, *(window or self.own_window or _window_of_16_bits(values)))
        if self.zero_is_white:
            levels = 255 - levels
        levels[values == self.transparent] = 255
        return Image.fromarray(levels).convert("RGB")


def in_window(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map values linearly from low..high to 0..255, clipped.

    Parameters
    ----------
    values
        Any numbers; NaN becomes 0.
    low, high
        The window.

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape.
    """
    # float32 represents every 16-bit value.
    exact: np.ndarray = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.subtract(exact, low) * (255 / (high - low))
        levels: np.ndarray = np.nan_to_num(scaled.clip(0, 255), nan=0.0).round().astype(np.uint8)
    return levels


def _window_of_16_bits(values: np.ndarray) -> tuple[float, float]:
    if values.dtype.kind == "f":
        raise UnreadableImageError(f"the pixels are floating-point numbers; {GIVE_A_WINDOW}")
    largest = int(values.max())
    if int(values.min()) < 0 or largest > _MAX_16_BIT:
        raise UnreadableImageError(f"the pixels are 32-bit or negative numbers; {GIVE_A_WINDOW}")
    return 0, _MAX_12_BIT if largest <= _MAX_12_BIT else _MAX_16_BIT


def _flat(picture: Image.Image) -> Image.Image:
    has_alpha = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La")
    if has_alpha or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        background = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(background, layer).convert("RGB")
    return picture.convert("RGB")
