"""Safe reading of image files that nobody has checked."""

import io
import stat
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from medrecog_core.errors import MedrecogError
from medrecog_core.images import dicom

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
"""As Pillow names them; DICOM is read beside them."""
SUFFIXES = dicom.SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".webp"),
}
MAX_BYTES = 200 * 2**20
MAX_PIXELS = 50_000_000

_MAX_12_BIT = 2**12 - 1
_WHITE_IS_ZERO = 0

# Pillow's own guard is kept at the same bound, in case a format plug-in decodes while it opens.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


class UnreadableImageError(MedrecogError):
    """The file is not an image that can be used; the message is the reason, without the name."""


def read_file(path: Path) -> bytes:
    """Return the content of an image file.

    Raises
    ------
    UnreadableImageError
        If the file is missing, empty, larger than `MAX_BYTES`, or may not be read.
    """
    try:
        status = path.stat()
        # A pipe or a device could be read for ever.
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableImageError("it is not a file")
        n_bytes = status.st_size
        if n_bytes > MAX_BYTES:
            raise UnreadableImageError(
                f"the file has {n_bytes / 2**20:,.0f} MB, "
                f"more than the {MAX_BYTES // 2**20} allowed"
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise UnreadableImageError("the file is not there") from None
    except OSError as error:
        raise UnreadableImageError(
            f"the file cannot be read ({error.strerror or error})"
        ) from error
    except ValueError as error:  # a path with a null character, from a file that others wrote
        raise UnreadableImageError("its path is none") from error


def is_image_file(path: Path) -> bool:
    """Return whether a file is meant as an image, readable or not.

    Its ending says so, or, where it has none, that it begins as DICOM does: scanners name files
    after unique identifiers, whose last number looks like an ending.
    """
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return True
    return (not suffix or suffix[1:].isdigit()) and dicom.is_dicom_file(path)


def decode_image(content: bytes, at_least: int | None = None) -> Image.Image:
    """Decode the bytes of an image file to upright 8-bit RGB.

    Grey and palette images are spread over three channels, CMYK is converted, transparency is laid
    over white, EXIF orientation is applied, and of several frames the first is taken. 16-bit grey
    is scaled to 8 bits linearly: from 0..4095 where no pixel exceeds that (12-bit detectors), else
    from 0..65535; a TIFF that says that 0 is white is inverted. DICOM is shown by its own window;
    see `dicom.decode_dicom`.

    Parameters
    ----------
    content
        The file's bytes.
    at_least
        Where a small copy will do: a side in pixels. A JPEG is then decoded at the smallest of its
        own scales (1/1, 1/2, 1/4, 1/8) that leaves both sides as long, which saves most of the
        work; what is cut off is noticed all the same.

    Raises
    ------
    UnreadableImageError
        If the bytes are no image of one of `FORMATS` or DICOM, are truncated or damaged, have more
        than `MAX_PIXELS` pixels, or hold floating-point pixels.
    """
    if not content:
        raise UnreadableImageError("the file is empty")
    if dicom.is_dicom(content):
        try:
            return dicom.decode_dicom(content, MAX_PIXELS)
        except dicom.UnusableDicomError as error:
            raise UnreadableImageError(str(error)) from error
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise UnreadableImageError(_too_many_pixels(width * height))
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            image.load()
            return _to_rgb(_upright(image), _zero_is_white(image))
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImageError(_too_many_pixels()) from None
    except UnidentifiedImageError:
        raise UnreadableImageError(
            f"the content is not an image in one of the formats {', '.join((*FORMATS, 'DICOM'))}"
        ) from None
    # Damaged files make Pillow's plug-ins fail in many ways (struct.error, KeyError, ...).
    except Exception as error:
        raise UnreadableImageError(f"the image is damaged or truncated ({error})") from error


def read_image(path: Path) -> Image.Image:
    """Read an image file to upright 8-bit RGB; see `decode_image`.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read or is no usable image.
    """
    return decode_image(read_file(path))


def _too_many_pixels(n_pixels: int | None = None) -> str:
    allowed = MAX_PIXELS // 10**6
    if n_pixels is None:
        return f"the image has more than the {allowed} million pixels allowed"
    return f"the image has {n_pixels / 1e6:,.1f} million pixels, more than the {allowed} allowed"


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    # Damaged EXIF fails in many ways too, and says nothing against the pixels, which are loaded.
    except Exception:
        return image


def _zero_is_white(image: Image.Image) -> bool:
    return (
        isinstance(image, TiffImageFile)
        and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO
    )


def _to_rgb(image: Image.Image, zero_is_white: bool) -> Image.Image:
    if image.mode.startswith("I"):
        return _to_8_bits(image, zero_is_white).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(background, layer).convert("RGB")
    if image.mode == "F":
        raise UnreadableImageError("the pixels are floating-point numbers; save 8 or 16 bits")
    return image.convert("RGB")


def _to_8_bits(image: Image.Image, zero_is_white: bool) -> Image.Image:
    pixels = np.asarray(image)
    largest = int(pixels.max())
    if int(pixels.min()) < 0 or largest > 65535:
        raise UnreadableImageError(
            "the pixels are 32-bit or negative numbers; save 8 or 16 bits without a sign"
        )
    top = _MAX_12_BIT if largest <= _MAX_12_BIT else 65535
    grey = (pixels.astype(np.float32) * (255 / top)).round().astype(np.uint8)
    # Pillow inverts such images of 8 bits, not of 16.
    if zero_is_white:
        grey = 255 - grey
    grey[pixels == image.info.get("transparency")] = 255
    return Image.fromarray(grey)
