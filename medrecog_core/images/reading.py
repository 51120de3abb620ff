"""Safe reading of untrusted image files, and what to do about those that are not read."""

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError, features
from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    SAMPLEFORMAT,
    TiffImageFile,
)

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images import dicom, formats, nifti
from medrecog_core.images.decoding import decoding_turn
from medrecog_core.images.frames import StoredFrame, count_frames, frame_index, seek_frame
from medrecog_core.images.rendering import PLAIN, Rendering
from medrecog_core.regular_file import check_regular, read_regular

_HAS_AVIF = features.check("avif")
FORMATS = (
    *("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "PPM", "JPEG2000"),
    *(("AVIF",) if _HAS_AVIF else ()),
)
"""Names of formats in Pillow; DICOM and NIfTI are read too, and HEIC if pi-heif is installed."""
SUFFIXES = (
    frozenset(
        {
            *(".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".png", ".tif", ".tiff", ".bmp", ".webp"),
            *(
                ".gif",
                ".pgm",
                ".ppm",
                ".pbm",
                ".pnm",
                ".jp2",
                ".j2k",
                ".jpx",
                ".j2c",
                ".jpc",
                ".jpf",
            ),
            *((".avif",) if _HAS_AVIF else ()),
            *(formats.HEIC_SUFFIXES if formats.is_heic_installed() else ()),
        }
    )
    | dicom.SUFFIXES
    | nifti.SUFFIXES
)
MAX_BYTES = 200 * 2**20
MAX_PIXELS = 50_000_000

_WHITE_IS_ZERO = 0
_SIGNED = 2
_J2K_START = b"\xff\x4f\xff\x51"
_J2K_DEPTH = 42
"""Position of the depth of the first component in a codestream (T.800, A.5.1)."""

# Pillow's own limit is set to the same value, in case a format plug-in decodes while opening.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


def read_file(path: Path) -> bytes:
    """Return the content of an image file.

    Raises
    ------
    UnreadableImageError
        If the file is missing, empty, larger than `MAX_BYTES`, or not readable.
    """
    try:
        check_regular(path)
        n_bytes = path.stat().st_size
        if n_bytes > MAX_BYTES:
            raise UnreadableImageError(
                f"the file has {n_bytes / 2**20:,.0f} MB, "
                f"more than the {MAX_BYTES // 2**20} allowed"
            )
        return read_regular(path)
    except FileNotFoundError:
        raise UnreadableImageError("the file does not exist") from None
    except OSError as error:
        raise UnreadableImageError(
            f"the file cannot be read ({error.strerror or error})"
        ) from error
    except ValueError as error:  # a path with a null character, from an untrusted file
        raise UnreadableImageError("invalid path") from error


def is_image_file(path: Path) -> bool:
    """Return whether a file is meant to be an image, readable or not.

    Its ending decides; without one, it counts if it begins like a DICOM file. Scanners name files
    after unique identifiers, whose last number looks like an ending; see `dicom.is_dicom_file`.
    """
    suffix = image_suffix(path)
    if suffix in SUFFIXES:
        return True
    return (not suffix or suffix[1:].isdigit()) and dicom.is_dicom_file(path)


def image_suffix(path: Path) -> str:
    """Return the ending of a file name in lower case; `.nii.gz` is one ending."""
    name = path.name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else path.suffix.lower()


def decode_image(
    content: bytes, at_least: int | None = None, rendering: Rendering = PLAIN
) -> Image.Image:
    """Decode the bytes of an image file to upright 8-bit RGB.

    Grey and palette images get three channels, CMYK is converted, transparency is blended with
    white, EXIF orientation is applied, and a TIFF in which 0 is white is inverted. Grey values of
    more than 8 bits are mapped linearly to 8 bits by the rendering's window; values outside become
    black or white. Without a window, 16 bits are scaled from 0..4095 if no pixel exceeds that
    (12-bit detectors), otherwise from 0..65535; PGM and JPEG 2000 from their stated range. DICOM
    files use their own window, if they have one and the rendering does not override it; see
    `dicom.decode_dicom`. NIfTI files give a slice; see `nifti.read_slice`. TIFF files with more
    than four channels give the rendering's channel, or the first three.

    Parameters
    ----------
    content
        The file's bytes.
    at_least
        Minimum side in pixels, if a small copy is enough. A JPEG is then decoded at the smallest of
        its scales (1/1, 1/2, 1/4, 1/8) with both sides at least as long, which is much faster;
        truncated files are still detected.
    rendering
        Grey window, frame, axis and channel. Single frames of at most 8 bits per channel look the
        same under all renderings.

    Returns
    -------
    PIL.Image.Image
        RGB; for a file with several frames, `info["frames"]` is their number and `info["frame"]`
        the one that was read, from 0.

    Raises
    ------
    UnreadableImageError
        If the bytes are not an image in one of these formats, are truncated or damaged, have more
        than `MAX_PIXELS` pixels, do not have the frame, or contain floating-point, 32-bit or
        negative grey values and the rendering has no window.
    """
    if not content:
        raise UnreadableImageError("the file is empty")
    with decoding_turn():
        return _decode(content, at_least, rendering)


def _decode(content: bytes, at_least: int | None, rendering: Rendering) -> Image.Image:
    if dicom.is_dicom(content):
        try:
            return dicom.decode_dicom(content, MAX_PIXELS, rendering)
        except dicom.UnusableDicomError as error:
            raise UnreadableImageError(str(error)) from error
    return read_frame(content, rendering, at_least).to_rgb(rendering.window)


def read_frame(
    content: bytes, rendering: Rendering = PLAIN, at_least: int | None = None
) -> StoredFrame:
    """Read the frame of a rendering from a file other than DICOM, upright.

    Parameters
    ----------
    content, rendering, at_least
        As in `decode_image`; the window of the rendering is ignored.

    Raises
    ------
    UnreadableImageError
        As in `decode_image`.
    """
    if nifti.is_nifti(content):
        return nifti.read_slice(content, rendering, MAX_PIXELS)
    if formats.is_heic(content):
        formats.register_heic()
    try:
        with Image.open(io.BytesIO(content), formats=pillow_formats()) as image:
            return _frame_of(image, content, rendering, at_least)
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(_too_many_pixels()) from None
    except UnidentifiedImageError:
        if formats.is_tiff(content):
            return formats.read_channels(content, rendering, MAX_PIXELS)
        raise UnreadableImageError(
            "the content is not an image in one of the formats "
            f"{', '.join((*pillow_formats(), 'DICOM', 'NIfTI'))}"
        ) from None
    # Pillow's plug-ins raise many kinds of errors for damaged files (struct.error, KeyError, ...).
    except Exception as error:
        raise UnreadableImageError(f"the image is damaged or truncated ({error})") from error


def pillow_formats() -> tuple[str, ...]:
    """Return the formats that Pillow reads, including registered plug-ins."""
    return (*FORMATS, formats.HEIC_FORMAT) if formats.HEIC_FORMAT in Image.OPEN else FORMATS


def read_image(path: Path) -> Image.Image:
    """Read an image file to upright 8-bit RGB; see `decode_image`.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read or is not a usable image.
    """
    return decode_image(read_file(path))


def _check_size(image: Image.Image) -> None:
    n_pixels = image.width * image.height
    if n_pixels > MAX_PIXELS:
        raise UnreadableImageError(_too_many_pixels(n_pixels))


def _too_many_pixels(n_pixels: int | None = None) -> str:
    allowed = MAX_PIXELS // 10**6
    if n_pixels is None:
        return f"the image has more than the {allowed} million pixels allowed"
    return f"the image has {n_pixels / 1e6:,.1f} million pixels, more than the {allowed} allowed"


def _upright(image: Image.Image) -> Image.Image:
    try:
        if image.getexif().get(ExifTags.Base.Orientation, 1) == 1:
            return image  # a copy would take as much memory again
        return ImageOps.exif_transpose(image)
    # Damaged EXIF raises many kinds of errors too; the pixels are loaded already and may be fine.
    except Exception:
        return image


def _frame_of(
    image: Image.Image, content: bytes, rendering: Rendering, at_least: int | None
) -> StoredFrame:
    _check_size(image)
    n_frames = count_frames(content, image)
    rendering = rendering.for_file(header_mode(image), n_frames)
    if rendering.channel is not None and formats.has_more_channels(image):
        return formats.read_channels(content, rendering, MAX_PIXELS)
    index = frame_index(rendering, n_frames)
    if index:
        seek_frame(image, index)
        _check_size(image)
    if formats.is_deep_pgm(image):
        values, largest = formats.read_pgm(content, image)
        return StoredFrame(values=values, own_window=(0, largest))
    if at_least is not None:
        image.draft(None, (at_least, at_least))
    image.load()
    upright = _upright(image)
    if takes_window(image.mode):
        frame = _stored_values(image, np.asarray(upright), content)
    else:
        frame = StoredFrame(upright)
    return replace(frame, n_frames=n_frames, index=index)


def header_mode(image: Image.Image) -> str:
    """Return Pillow's mode of an opened file; empty if Pillow reads only some of its channels."""
    return "" if formats.has_more_channels(image) else image.mode


def takes_window(mode: str) -> bool:
    """Return whether a Pillow mode has grey values of more than 8 bits."""
    return mode == "F" or mode.startswith("I")


def _stored_values(image: Image.Image, values: np.ndarray, content: bytes) -> StoredFrame:
    """Restore stored values of more than 8 bits from Pillow's, and their interpretation."""
    frame = StoredFrame(
        values=values,
        is_unsigned=values.dtype.kind != "f",
        transparent=image.info.get("transparency"),
    )
    if isinstance(image, TiffImageFile):
        is_signed = _SIGNED in image.tag_v2.get(SAMPLEFORMAT, ())
        # Pillow reads unsigned 32 bits as signed.
        if values.dtype == np.int32 and 32 in image.tag_v2.get(BITSPERSAMPLE, ()) and not is_signed:
            frame = replace(frame, values=values.view(np.uint32))
        # Pillow inverts such images with 8 bits, but not with 16.
        is_inverted = image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO
        frame = replace(
            frame,
            is_unsigned=frame.is_unsigned and not is_signed,
            zero_is_white=is_inverted,
        )
    elif image.format == "JPEG2000":
        # Pillow shifts 9 to 15 bits up to 16.
        depth = (content[content.index(_J2K_START) + _J2K_DEPTH] & 0x7F) + 1
        shifted = values >> max(16 - depth, 0)
        frame = replace(frame, values=shifted, own_window=(0, 2 ** min(depth, 16) - 1))
    return frame


# --- Unsupported files ---------------------------------------------------------------------------

_SLIDE = ("a whole-slide image", "export regions as PNG or JPEG, for example with QuPath")
_MICROSCOPE = ("a microscope file", "export it as TIFF, for example with Fiji (Bio-Formats)")
_RAW = ("a raw photo", "export it as JPEG or 16-bit TIFF")
_LAYERS = ("an image with layers", "export it as PNG or TIFF")
_VOLUME = ("a volume", "convert it to NIfTI (.nii.gz), for example with 3D Slicer")
_VECTOR = ("a vector graphic", "export it as PNG")
_VIDEO = ("a video", "extract frames as PNG or JPEG, for example with ffmpeg")
_PICTURE = ("an image in an unsupported format", "save it as PNG")

_KINDS = {
    **dict.fromkeys((".svs", ".ndpi", ".ndpis", ".mrxs", ".scn", ".vms", ".vmu", ".bif"), _SLIDE),
    **dict.fromkeys((".isyntax", ".svslide", ".sdpc", ".kfb"), _SLIDE),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lsm", ".zvi"), _MICROSCOPE),
    **dict.fromkeys((".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"), _RAW),
    **dict.fromkeys((".raf", ".pef"), _RAW),
    **dict.fromkeys((".psd", ".psb", ".xcf", ".kra"), _LAYERS),
    **dict.fromkeys((".mha", ".mhd", ".nrrd", ".nhdr", ".img", ".hdr", ".mgz", ".mgh"), _VOLUME),
    **dict.fromkeys((".mnc", ".v3d"), _VOLUME),
    **dict.fromkeys((".svg", ".eps", ".ai", ".wmf", ".emf"), _VECTOR),
    **dict.fromkeys((".avi", ".mp4", ".mov", ".mpg", ".mpeg", ".mkv", ".wmv", ".webm"), _VIDEO),
    **dict.fromkeys((".jxl", ".jxr", ".wdp", ".tga", ".ico", ".dds", ".exr", ".pcx"), _PICTURE),
    **dict.fromkeys((".jpm", ".jls", ".sgi", ".avif"), _PICTURE),
    **dict.fromkeys(
        formats.HEIC_SUFFIXES,
        ("a HEIC photo", f"save it as JPEG, or {formats.HOW_TO_INSTALL_HEIC}"),
    ),
    ".fits": ("an astronomical image", "save it as 16-bit TIFF"),
    ".pdf": ("a document", "extract its images as PNG"),
}
UNSUPPORTED_SUFFIXES = frozenset(_KINDS) - SUFFIXES
"""Endings of files that are or contain images and are not supported."""


def unsupported(path: Path) -> str:
    """Return why an image file is not supported, by its ending; empty for all other files."""
    suffix = image_suffix(path)
    if suffix not in UNSUPPORTED_SUFFIXES:
        return ""
    kind, remedy = _KINDS[suffix]
    return f"{suffix} is {kind}, which is not supported; {remedy}"
