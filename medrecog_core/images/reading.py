"""Safe reading of image files that nobody has checked."""

import io
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile

from medrecog_core.images import dicom
from medrecog_core.images.frames import count_frames, frame_index, seek_frame
from medrecog_core.images.refusal import UnreadableImageError
from medrecog_core.images.rendering import PLAIN, Rendering

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF")
"""As Pillow names them; DICOM is read beside them."""
SUFFIXES = dicom.SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".webp", ".gif"),
}
MAX_BYTES = 200 * 2**20
MAX_PIXELS = 50_000_000

_MAX_12_BIT = 2**12 - 1
_WHITE_IS_ZERO = 0
_GIVE_A_WINDOW = "save 8 or 16 bits without a sign, or give the data set a grey window"

# Pillow's own guard is kept at the same bound, in case a format plug-in decodes while it opens.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.simplefilter("error", Image.DecompressionBombWarning)


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


def decode_image(
    content: bytes, at_least: int | None = None, rendering: Rendering = PLAIN
) -> Image.Image:
    """Decode the bytes of an image file to upright 8-bit RGB.

    Grey and palette images are spread over three channels, CMYK is converted, transparency is laid
    over white, EXIF orientation is applied, and a TIFF that says that 0 is white is inverted.

    Grey values of more than 8 bits become 8 bits by the rendering's window, linearly; what lies
    outside becomes black or white. Without a window, 16 bits are scaled from 0..4095 where no pixel
    exceeds that (12-bit detectors), else from 0..65535. DICOM is shown by its own window, if it has
    one and the rendering does not override it; see `dicom.decode_dicom`.

    Parameters
    ----------
    content
        The file's bytes.
    at_least
        Where a small copy will do: a side in pixels. A JPEG is then decoded at the smallest of its
        own scales (1/1, 1/2, 1/4, 1/8) that leaves both sides as long, which saves most of the
        work; what is cut off is noticed all the same.
    rendering
        Grey window and frame. Single frames of at most 8 bits a channel look the same under all.

    Returns
    -------
    PIL.Image.Image
        RGB; of a file with several frames, `info["frames"]` is their number and `info["frame"]` the
        one that was read, from 0.

    Raises
    ------
    UnreadableImageError
        If the bytes are no image of one of `FORMATS` or DICOM, are truncated or damaged, have more
        than `MAX_PIXELS` pixels, do not have the frame, or hold floating-point, 32-bit or negative
        grey values and the rendering has no window.
    """
    if not content:
        raise UnreadableImageError("the file is empty")
    if dicom.is_dicom(content):
        try:
            return dicom.decode_dicom(content, MAX_PIXELS, rendering)
        except dicom.UnusableDicomError as error:
            raise UnreadableImageError(str(error)) from error
    with loaded_frame(content, rendering, at_least) as image:
        n_frames, index = image.info["frames"], image.info["frame"]
        rgb = _to_rgb(_upright(image), _zero_is_white(image), rendering.window)
        if n_frames > 1:
            rgb.info |= {"frames": n_frames, "frame": index}
        return rgb


@contextmanager
def loaded_frame(
    content: bytes, rendering: Rendering, at_least: int | None = None
) -> Iterator[Image.Image]:
    """Load the frame of a file that a rendering reads, as Pillow has it.

    Its `info` has the number of `frames` and the index of this `frame`.

    Raises
    ------
    UnreadableImageError
        As `decode_image`; also for whatever fails in the context.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _check_size(image)
            n_frames = count_frames(content, image)
            index = frame_index(rendering.for_file(image.mode, n_frames), n_frames)
            if index:
                seek_frame(image, index)
                _check_size(image)
            if at_least is not None:
                image.draft(None, (at_least, at_least))
            image.load()
            image.info |= {"frames": n_frames, "frame": index}
            yield image
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
        return ImageOps.exif_transpose(image)
    # Damaged EXIF fails in many ways too, and says nothing against the pixels, which are loaded.
    except Exception:
        return image


def _zero_is_white(image: Image.Image) -> bool:
    return (
        isinstance(image, TiffImageFile)
        and image.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO
    )


def _to_rgb(
    image: Image.Image, zero_is_white: bool, window: tuple[float, float] | None
) -> Image.Image:
    if image.mode.startswith("I") or (image.mode == "F" and window is not None):
        return _to_8_bits(image, zero_is_white, window).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        background = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(background, layer).convert("RGB")
    if image.mode == "F":
        raise UnreadableImageError(f"the pixels are floating-point numbers; {_GIVE_A_WINDOW}")
    return image.convert("RGB")


def _to_8_bits(
    image: Image.Image, zero_is_white: bool, window: tuple[float, float] | None
) -> Image.Image:
    pixels = np.asarray(image)
    grey = in_window(pixels, *(window or _own_window(pixels)))
    # Pillow inverts such images of 8 bits, not of 16.
    if zero_is_white:
        grey = 255 - grey
    grey[pixels == image.info.get("transparency")] = 255
    return Image.fromarray(grey)


def _own_window(pixels: np.ndarray) -> tuple[float, float]:
    largest = int(pixels.max())
    if int(pixels.min()) < 0 or largest > 65535:
        raise UnreadableImageError(f"the pixels are 32-bit or negative numbers; {_GIVE_A_WINDOW}")
    return 0, _MAX_12_BIT if largest <= _MAX_12_BIT else 65535


def in_window(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map values linearly, so that low and what is below is 0, high and what is above is 255.

    Parameters
    ----------
    values
        Any numbers; what is not a number becomes 0.
    low, high
        The window.

    Returns
    -------
    numpy.ndarray
        uint8, of the same shape.
    """
    # Of 16 bits, float32 holds every value.
    exact: np.ndarray = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.subtract(exact, low) * (255 / (high - low))
        grey: np.ndarray = np.nan_to_num(scaled.clip(0, 255), nan=0.0).round().astype(np.uint8)
    return grey
