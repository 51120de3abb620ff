"""Headers of image files, read without decoding pixels."""

import functools
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, UnidentifiedImageError

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images import dicom, formats, nifti
from medrecog_core.images.frames import count_frames
from medrecog_core.images.reading import header_mode, pillow_formats


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
