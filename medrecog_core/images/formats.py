"""Formats that Pillow does not fully read: TIFF with many channels, deep PGM, and HEIC."""

import importlib.util
import io
import zlib
from typing import Any

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import SAMPLESPERPIXEL, TiffImageFile

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images.frames import StoredFrame, count_tiff_pages, frame_index
from medrecog_core.images.rendering import Rendering

# --- TIFF with many channels, or 64-bit numbers --------------------------------------------------

_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_NONE, _LZW, _DEFLATE = 1, 5, (8, 32946)
_LZW_RATIO = 4096 * 8 // 9
"""A code of 9 bits or more stands for 4096 bytes at most."""
_MAX_UNPACKED_BYTES = 2**31
_CHANNELS_LAST, _CHANNELS_FIRST, _NO_CHANNELS = "YXS", "SYX", "YX"
_MAX_CHANNELS = 1000
_WHITE_IS_ZERO = 0


def is_tiff(content: bytes) -> bool:
    """Return whether bytes begin like a TIFF file."""
    return content[:4] in _TIFF_MAGICS


def has_more_channels(image: Image.Image) -> bool:
    """Return whether an opened file has more channels than Pillow reads."""
    return isinstance(image, TiffImageFile) and int(image.tag_v2.get(SAMPLESPERPIXEL, 1)) > len(
        image.getbands()
    )


def read_channels(content: bytes, rendering: Rendering, max_pixels: int) -> StoredFrame:
    """Read a channel, or the first three, of a page of a TIFF file.

    Parameters
    ----------
    content
        The file's bytes.
    rendering
        The page as frame; the channel, or None for the first three as red, green and blue, where
        blue is empty if there are two.
    max_pixels
        Pixels above which a page is not read.

    Raises
    ------
    UnreadableImageError
        If the file is damaged, too large, not compressed with LZW or deflate, has no such page or
        channel, or does not contain real numbers.
    """
    try:
        n_pages = count_tiff_pages(content)
        index = frame_index(rendering, n_pages)
        pixels, zero_is_white = _pixels(content, index, max_pixels)
        values = _chosen(pixels, rendering.channel)
    except UnreadableImageError:
        raise
    # tifffile raises many kinds of errors for damaged files.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UnreadableImageError(f"the image is damaged or truncated ({reason})") from error
    if values.dtype == np.uint8:
        shown = 255 - values if zero_is_white else values
        return StoredFrame(Image.fromarray(shown), n_frames=n_pages, index=index)
    return StoredFrame(
        values=values,
        is_unsigned=values.dtype.kind == "u",
        zero_is_white=zero_is_white,
        n_frames=n_pages,
        index=index,
    )


def read_tiff_size(content: bytes) -> tuple[int, int, int]:
    """Return the number of pages, and the width and height of the first.

    Raises
    ------
    UnreadableImageError
        If there is no page.
    """
    from tifffile import TiffFile

    try:
        with TiffFile(io.BytesIO(content)) as file:
            page: Any = file.pages[0]
            return count_tiff_pages(content), int(page.imagewidth), int(page.imagelength)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UnreadableImageError(f"the file has no valid image header ({reason})") from error


def count_channels(content: bytes) -> int:
    """Return the number of channels of a TIFF file's first page; 1 if it cannot be read."""
    from tifffile import TiffFile

    try:
        with TiffFile(io.BytesIO(content)) as file:
            page: Any = file.pages[0]
            return int(page.samplesperpixel)
    # tifffile raises many kinds of errors for damaged files.
    except Exception:
        return 1


def _pixels(content: bytes, index: int, max_pixels: int) -> tuple[np.ndarray, bool]:
    """Return a page, shape (height, width, channels), and whether 0 is white."""
    from tifffile import TiffFile

    with TiffFile(io.BytesIO(content)) as file:
        page: Any = file.pages[index]
        n_pixels = int(page.imagewidth) * int(page.imagelength)
        if n_pixels > max_pixels:
            raise UnreadableImageError(
                f"the image has {n_pixels / 1e6:,.1f} million pixels, "
                f"more than the {max_pixels // 10**6} allowed"
            )
        dtype = page.dtype
        if dtype is None or dtype.kind not in "iuf" or page.samplesperpixel > _MAX_CHANNELS:
            raise UnreadableImageError("the pixels are of an unsupported type")
        if page.nbytes > _MAX_UNPACKED_BYTES:
            raise UnreadableImageError(
                f"the image has {page.nbytes / 2**20:,.0f} MB of pixels, "
                f"more than the {_MAX_UNPACKED_BYTES // 2**20:,} allowed"
            )
        _check_unpacked_size(content, page)
        pixels = page.asarray(maxworkers=1)
        if page.axes == _NO_CHANNELS:
            pixels = pixels[..., None]
        elif page.axes == _CHANNELS_FIRST:
            pixels = np.moveaxis(pixels, 0, -1)
        elif page.axes != _CHANNELS_LAST:
            raise UnreadableImageError(f"the axes {page.axes} of the image are not supported")
        return pixels, page.photometric == _WHITE_IS_ZERO


def _check_unpacked_size(content: bytes, page: Any) -> None:
    """Reject parts that expand to more than they should, because tifffile has no limit."""
    if page.compression == _NONE:
        return
    largest = int(np.prod(page.chunks)) * page.dtype.itemsize
    for start, n_bytes in zip(page.dataoffsets, page.databytecounts, strict=True):
        if page.compression in _DEFLATE:
            unpacked = zlib.decompressobj().decompress(
                content[start : start + n_bytes], largest + 1
            )
            is_too_large = len(unpacked) > largest
        elif page.compression == _LZW:
            is_too_large = n_bytes * _LZW_RATIO > _MAX_UNPACKED_BYTES
        else:
            raise UnreadableImageError(
                f"the TIFF file has {page.samplesperpixel} channels of {page.dtype} compressed as "
                f"{getattr(page.compression, 'name', page.compression)}, which is not supported; "
                "save it without compression"
            )
        if is_too_large:
            raise UnreadableImageError("the image is damaged (a part expands to too many bytes)")


def _chosen(pixels: np.ndarray, channel: int | None) -> np.ndarray:
    n_channels = pixels.shape[2]
    if n_channels == 1:
        return pixels[..., 0]
    if channel is None:
        colours = np.zeros((*pixels.shape[:2], 3), pixels.dtype)
        colours[..., : min(n_channels, 3)] = pixels[..., :3]
        return colours
    if channel >= n_channels:
        raise UnreadableImageError(
            f"the image has {n_channels} channels, so there is no channel {channel}; "
            "channels count from 0"
        )
    return pixels[..., channel]


# --- PGM of more than 8 bits, which Pillow scales ------------------------------------------------

_PGM_FORMAT = "PPM"
_PGM_PLAIN_TEXT = "ppm_plain"
_PGM_MAX = 65535


def is_deep_pgm(image: Image.Image) -> bool:
    """Return whether an opened file is a PGM with more than 8 bits."""
    return image.format == _PGM_FORMAT and image.mode == "I"


def read_pgm(content: bytes, image: Image.Image) -> tuple[np.ndarray, int]:
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
    largest = tile.args[1] if isinstance(tile.args, tuple) else _PGM_MAX
    if tile.codec_name == _PGM_PLAIN_TEXT:
        # Pillow scales to 16 bits, which keeps all values distinct.
        scaled = np.asarray(image).astype(np.float64)
        return np.rint(scaled * (largest / _PGM_MAX)).astype(np.uint16), largest
    n_values = image.width * image.height
    values = np.frombuffer(content, ">u2", n_values, offset=tile.offset)
    return values.reshape(image.height, image.width).astype(np.uint16), largest


# --- HEIC, read by the optional package pi-heif --------------------------------------------------

HEIC_SUFFIXES = frozenset({".heic", ".heif"})
HEIC_FORMAT = "HEIF"
"""Name of the format in Pillow, once the plug-in is registered."""
HOW_TO_INSTALL_HEIC = "install the package pi-heif (pip install -r requirements-formats.txt)"

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def is_heic(content: bytes) -> bool:
    """Return whether bytes begin like a HEIC file (ISO/IEC 23008-12)."""
    return (
        content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS and b"avif" not in content[12:64]
    )


def is_heic_installed() -> bool:
    """Return whether HEIC files can be read here."""
    return importlib.util.find_spec("pi_heif") is not None


def register_heic() -> None:
    """Make Pillow read HEIC files.

    Raises
    ------
    UnreadableImageError
        If the package that reads them is not installed.
    """
    if HEIC_FORMAT in Image.OPEN:
        return
    try:
        import pi_heif
    except ImportError:
        raise UnreadableImageError(
            f"HEIC images are not supported; save them as JPEG or {HOW_TO_INSTALL_HEIC}"
        ) from None
    pi_heif.register_heif_opener()
