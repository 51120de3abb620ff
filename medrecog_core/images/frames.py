"""Frames of a file: how many there are, which one a rendering reads, and one as stored."""

import struct
from dataclasses import dataclass

import numpy as np
from PIL import Image

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images.rendering import MIDDLE, Rendering

MAX_FRAMES = 10_000
"""Above this, frames are not counted, and only the first can be read."""
MAX_FRAME_PIXELS = 10**9
"""Maximum pixels of all frames that are decoded to reach one, if each builds on the one before."""

_BUILD_ON_EACH_OTHER = ("GIF", "PNG", "WEBP", "AVIF")


def count_frames(content: bytes, image: Image.Image) -> int:
    """Return the number of frames of a file that Pillow has opened, without decoding any.

    Several pictures in one JPEG (MPO) or HEIC file are views and previews of one scene, and count
    as one.

    Parameters
    ----------
    content
        The file's bytes.
    image
        The opened file.

    Returns
    -------
    int
        At most `MAX_FRAMES` + 1, which means too many to count.
    """
    if image.format == "TIFF":
        return count_tiff_pages(content)
    if image.format == "GIF":
        return max(_count_gif_frames(content), 1)
    if image.format in ("MPO", "HEIF"):
        return 1
    return min(max(int(getattr(image, "n_frames", 1)), 1), MAX_FRAMES + 1)


def count_tiff_pages(content: bytes) -> int:
    """Return the number of pages of a TIFF file, at least 1 and at most `MAX_FRAMES` + 1.

    The chain of directories (TIFF 6.0, section 2) is followed as in Pillow; a damaged link ends it.
    Pillow compares every link with all before it, which takes hours on a malicious file.
    """
    order = "<" if content[:2] == b"II" else ">"
    is_big = content[2:4] in (b"\x2b\0", b"\0\x2b")
    count, link = struct.Struct(order + "HQ"[is_big]), struct.Struct(order + "IQ"[is_big])
    entry = 20 if is_big else 12
    seen: set[int] = set()
    try:
        (place,) = link.unpack_from(content, 8 if is_big else 4)
        while place and place not in seen and len(seen) <= MAX_FRAMES:
            (n_entries,) = count.unpack_from(content, place)
            seen.add(place)
            (place,) = link.unpack_from(content, place + count.size + n_entries * entry)
    except (struct.error, OverflowError, ValueError):
        pass
    return max(len(seen), 1)


def frame_index(rendering: Rendering, n_frames: int) -> int:
    """Return which frame a rendering reads, from 0; always 0 if there is only one.

    Raises
    ------
    UnreadableImageError
        If there is no such frame.
    """
    if n_frames <= 1:
        return 0
    if rendering.frame == MIDDLE:
        index = n_frames // 2
    elif isinstance(rendering.frame, int):
        index = rendering.frame
    else:
        return 0
    if n_frames > MAX_FRAMES:
        raise UnreadableImageError(
            f"the file has more than {MAX_FRAMES:,} frames, of which only the first can be read"
        )
    if index >= n_frames:
        raise UnreadableImageError(
            f"the file has {n_frames} frames, so there is no frame {index}; frames count from 0"
        )
    return index


def seek_frame(image: Image.Image, index: int) -> None:
    """Move an opened file to one of its frames.

    Raises
    ------
    UnreadableImageError
        If too many pixels would be decoded on the way.
    """
    n_pixels = image.width * image.height * (index + 1)
    if image.format in _BUILD_ON_EACH_OTHER and n_pixels > MAX_FRAME_PIXELS:
        raise UnreadableImageError(
            f"frame {index} can only be read after all frames before it, which have "
            f"{n_pixels / 1e6:,.0f} million pixels, more than the {MAX_FRAME_PIXELS // 10**6:,} "
            "allowed; save it as a separate file"
        )
    image.seek(index)


def _count_gif_frames(content: bytes) -> int:
    """Count image descriptors (GIF89a, section 20), as Pillow does, but with a limit."""
    n_frames = 0
    try:
        place = 13 + _colour_table(content[10])
        while n_frames <= MAX_FRAMES:
            block = content[place]
            place += 1
            if block == 0x3B:
                break
            if block == 0x2C:
                n_frames += 1
                place += 9 + _colour_table(content[place + 8]) + 1
            elif block == 0x21:
                place += 1
            else:
                continue
            while content[place]:
                place += content[place] + 1
            place += 1
    except IndexError:
        pass
    return n_frames


def _colour_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


# --- One frame as stored -------------------------------------------------------------------------

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
    return picture if picture.mode == "RGB" else picture.convert("RGB")
