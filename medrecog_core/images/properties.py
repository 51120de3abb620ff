"""Properties of images: header, range of grey values, and whether there is any content."""

import functools
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, UnidentifiedImageError

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images import dicom, formats, nifti, reading
from medrecog_core.images.frames import count_frames
from medrecog_core.images.reading import header_mode, pillow_formats
from medrecog_core.images.rendering import PLAIN, Rendering

# --- Header --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageHeader:
    """The header of an image file.

    Attributes
    ----------
    format
        `JPEG`, `PNG` and so on, `DICOM` or `NIfTI`.
    width, height
        In pixels, as stored: an EXIF orientation is not applied.
    mode
        Pillow's mode of the stored pixels, such as `L`, `RGB` or `I;16`; empty for files that
        Pillow does not read, or of which it reads only some channels.
    jpeg_quality
        See `estimate_jpeg_quality`; 0 if the file is not a JPEG.
    n_frames
        Frames of the file, or slices of its volume.
    """

    format: str
    width: int
    height: int
    mode: str
    jpeg_quality: int
    n_frames: int = 1


def read_header(content: bytes, axis: int = 2) -> ImageHeader:
    """Read the header of an image file without decoding pixels.

    Parameters
    ----------
    content
        The file's bytes.
    axis
        Axis of a volume that slices are counted along.

    Raises
    ------
    UnreadableImageError
        If there is no valid image header.
    """
    if dicom.is_dicom(content):
        try:
            n_frames, width, height = dicom.count_frames(content)
        except dicom.UnusableDicomError as error:
            raise UnreadableImageError(str(error)) from error
        return ImageHeader("DICOM", width, height, "", 0, n_frames)
    if nifti.is_nifti(content):
        n_slices, width, height = nifti.read_shape(content, axis)
        return ImageHeader("NIfTI", width, height, "", 0, n_slices)
    if formats.is_heic(content):
        formats.register_heic()
    try:
        with Image.open(io.BytesIO(content), formats=pillow_formats()) as image:
            quality = estimate_jpeg_quality(getattr(image, "quantization", {}))
            n_frames = count_frames(content, image)
            mode = header_mode(image)
            return ImageHeader(image.format or "", *image.size, mode, quality, n_frames)
    # Pillow's plug-ins raise many kinds of errors for damaged files (struct.error, KeyError, ...).
    except Exception as error:
        if isinstance(error, UnidentifiedImageError) and formats.is_tiff(content):
            n_pages, width, height = formats.read_tiff_size(content)
            return ImageHeader("TIFF", width, height, "", 0, n_pages)
        raise UnreadableImageError(f"the file has no valid image header ({error})") from error


def estimate_jpeg_quality(quantization: Mapping[int, Sequence[int]]) -> int:
    """Estimate the quality setting that a JPEG was saved with from its quantisation tables.

    The result is the setting of libjpeg, 1 to 100, whose luminance table has the nearest sum; other
    encoders have other tables, so for their files it is a comparable number, not their setting.

    Parameters
    ----------
    quantization
        From table number to its 64 values, as Pillow's `image.quantization`; empty for other files.

    Returns
    -------
    int
        0 if there is no luminance table.
    """
    if not quantization.get(0):
        return 0
    found = sum(quantization[0])
    sums = _luminance_sums()
    return min(sums, key=lambda quality: (abs(sums[quality] - found), -quality))


@functools.cache
def _luminance_sums() -> dict[int, int]:
    """Map a quality setting to the sum of the table that this installation's libjpeg writes."""
    sums = {}
    for quality in range(1, 101):
        buffer = io.BytesIO()
        Image.new("L", (8, 8)).save(buffer, "JPEG", quality=quality)
        with Image.open(buffer) as image:
            sums[quality] = sum(image.quantization[0])  # type: ignore[attr-defined]
    return sums


# --- Range of grey values ------------------------------------------------------------------------

_FEWEST_BITS = 12


@dataclass(frozen=True)
class GreyRange:
    """Smallest and largest grey value of a file with more than 8 bits per channel.

    Attributes
    ----------
    low, high
        Stored values; of DICOM files, values after the modality LUT, without padding.
    has_own_window
        Whether it is a DICOM file with a window.
    is_unsigned
        Whether its values are unsigned integers.
    """

    low: float
    high: float
    has_own_window: bool = False
    is_unsigned: bool = True


def read_range(content: bytes, rendering: Rendering = PLAIN) -> GreyRange | None:
    """Return the range of grey values in the frame of a file that a rendering reads.

    Parameters
    ----------
    content
        The file's bytes.
    rendering
        Which frame is read; its window is ignored.

    Returns
    -------
    GreyRange or None
        None for images that no grey window applies to: colours, and at most 8 bits per channel.
        They are not decoded, except for DICOM.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read.
    """
    if dicom.is_dicom(content):
        try:
            found = dicom.grey_values(content, reading.MAX_PIXELS, rendering)
        except dicom.UnusableDicomError as error:
            raise UnreadableImageError(str(error)) from error
        return None if found is None else _range(*found)
    mode = read_header(content).mode
    if mode and not reading.takes_window(mode):
        return None
    frame = reading.read_frame(content, rendering)
    return None if frame.values is None else _range(frame.values, False, frame.is_unsigned)


def choose_window(ranges: Iterable[GreyRange | None]) -> tuple[float, float] | None:
    """Return one grey window for a data set from the ranges of its files.

    Unsigned integers get 0 to 2^n - 1, where n is the number of bits of the largest value, at least
    12, so that images of a 12-bit detector are shown as in version 0.1.0. Signed and floating-point
    numbers get their smallest and largest value. Files with their own window count only if there
    are no others.

    Parameters
    ----------
    ranges
        Ranges of the files; None for those that no window applies to.

    Returns
    -------
    tuple or None
        Value shown as black, and value shown as white; None if no file needs a window.
    """
    needed = [one for one in ranges if one is not None]
    needed = [one for one in needed if not one.has_own_window] or needed
    if not needed:
        return None
    low, high = min(one.low for one in needed), max(one.high for one in needed)
    if low >= 0 and all(one.is_unsigned for one in needed):
        return 0.0, float(2 ** max(int(high).bit_length(), _FEWEST_BITS) - 1)
    return low, high if low < high else low + 1


def _range(values: np.ndarray, has_own_window: bool, is_unsigned: bool = True) -> GreyRange | None:
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    low, high = float(values.min()), float(values.max())
    is_unsigned = is_unsigned and values.dtype.kind != "f" and low >= 0
    return GreyRange(low, high, has_own_window, is_unsigned)


# --- Content -------------------------------------------------------------------------------------

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
    enough = MIN_SHARE * image.width * image.height
    for counts in np.reshape(image.histogram(), (3, 256)):
        within = np.convolve(np.pad(counts, (0, MAX_SPREAD)), np.ones(MAX_SPREAD + 1, int), "valid")
        if within.max() < enough:
            return False
    return True
