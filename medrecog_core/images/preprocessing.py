"""Preprocessing: from an image of any shape to the input of a network."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from medrecog_core.errors import MedrecogError, UsageError

MIN_SCALE = 224
REPORT_SCALES = (224, 544, 864, 1184)
"""The report's scales, 224 + 320k pixels (section 2.1, Figure 9)."""
MAX_SCALE = 2048
SQUEEZE = "squeeze-bilinear-1"
"""Version of the default preprocessing in the keys of descriptors."""
LARGEST_PROPORTION = 2
"""Maximum proportion of the longer to the shorter side with `keep_aspect`."""

_STEP = 32  # pixels between two positions of the deepest layers


@dataclass(frozen=True)
class Preprocessing:
    """A way to turn an upright RGB image into the input of a network.

    Attributes
    ----------
    name
        Name on the command line and in specifications.
    version
        Part of the key of every descriptor; it changes whenever the pixels change.
    title
        Description shown to users.
    largest_proportion
        Maximum proportion of the longer to the shorter side; the shorter one is the scale.
    """

    name: str
    version: str
    title: str
    largest_proportion: int
    _pixels: Callable[[Image.Image, int], np.ndarray]

    def pixels(self, image: Image.Image, scale: int) -> np.ndarray:
        """Return the input of a network.

        Parameters
        ----------
        image
            RGB, 8 bits per channel.
        scale
            Shorter side of the result.

        Returns
        -------
        numpy.ndarray
            uint8, shape (height, width, 3), channels in RGB order.
        """
        return self._pixels(image, scale)


def check_scale(scale: int) -> int:
    """Return the scale after checking it.

    Raises
    ------
    UsageError
        If the scale is not a whole number of pixels between `MIN_SCALE` and `MAX_SCALE`.
    """
    if not (isinstance(scale, int) and MIN_SCALE <= scale <= MAX_SCALE):
        raise UsageError(
            f"The input size {scale} is not valid. Enter a size between {MIN_SCALE} and "
            f"{MAX_SCALE} pixels, for example {', '.join(map(str, REPORT_SCALES))}."
        )
    return scale


def squeeze(image: Image.Image, scale: int) -> np.ndarray:
    """Resize an RGB image to a square, whatever its proportions, as in the 2018 report.

    Parameters
    ----------
    image
        RGB, 8 bits per channel.
    scale
        Side of the square in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (scale, scale, 3), channels in RGB order.
    """
    return _resized(image, scale, scale)


def keep_aspect(image: Image.Image, scale: int) -> np.ndarray:
    """Resize an RGB image so that its shorter side is the scale, and keep its proportions.

    The longer side is the scale and a whole number of strides of 32 pixels, the nearest that keeps
    the proportions: a network has no positions for less, and images of nearly the same proportions
    get the same shape and can be computed in one batch. A panorama longer than `LARGEST_PROPORTION`
    times its height is squeezed to that proportion, and a tall image likewise, so that nothing is
    cut off and memory is bounded.

    Parameters
    ----------
    image
        RGB, 8 bits per channel.
    scale
        Shorter side of the result in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), channels in RGB order; one of height and width is `scale`,
        the other from `scale` to `LARGEST_PROPORTION * scale`.
    """
    shorter, longer = sorted(image.size)
    proportion = min(longer / shorter, LARGEST_PROPORTION)
    strides = min(
        round((proportion - 1) * scale / _STEP), (LARGEST_PROPORTION - 1) * scale // _STEP
    )
    long_side = scale + strides * _STEP
    is_wide = image.width > image.height
    return _resized(image, long_side, scale) if is_wide else _resized(image, scale, long_side)


def centre_crop(image: Image.Image, scale: int) -> np.ndarray:
    """Resize an RGB image so that its shorter side is the scale, and keep the square in the middle.

    Parameters
    ----------
    image
        RGB, 8 bits per channel.
    scale
        Side of the square in pixels.

    Returns
    -------
    numpy.ndarray
        uint8, shape (scale, scale, 3), channels in RGB order.
    """
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    # Only the square is resized, using the pixels around it too, so that the result is the same as
    # for the whole image, and a panorama takes no more memory than a square.
    return _resized(image, scale, scale, (left, top, left + side, top + side))


def _resized(
    image: Image.Image,
    width: int,
    height: int,
    box: tuple[float, float, float, float] | None = None,
) -> np.ndarray:
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BILINEAR, box)
    return np.asarray(image, dtype=np.uint8)


DEFAULT_PREPROCESSING, KEEP_ASPECT, CENTRE_CROP = "squeeze", "keep-aspect", "centre-crop"

PREPROCESSINGS = {
    way.name: way
    for way in (
        Preprocessing(
            DEFAULT_PREPROCESSING, SQUEEZE, "resized to a square, as in the 2018 report", 1, squeeze
        ),
        Preprocessing(
            KEEP_ASPECT,
            "keep-aspect-bilinear-1",
            "proportions kept, shorter side at the input size",
            LARGEST_PROPORTION,
            keep_aspect,
        ),
        Preprocessing(
            CENTRE_CROP,
            "centre-crop-bilinear-1",
            "centre square, side at the input size",
            1,
            centre_crop,
        ),
    )
}
"""Preprocessings by name; the first is the default."""


def find_preprocessing(name: str) -> Preprocessing:
    """Return the preprocessing of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name not in PREPROCESSINGS:
        raise UsageError(f"Unknown preprocessing “{name}”. Available: {', '.join(PREPROCESSINGS)}.")
    return PREPROCESSINGS[name]


def preprocessing_of_version(version: str) -> Preprocessing:
    """Return the preprocessing with a version from the key of a descriptor.

    Raises
    ------
    MedrecogError
        If this version of the program does not have it.
    """
    for way in PREPROCESSINGS.values():
        if way.version == version:
            return way
    known = ", ".join(way.version for way in PREPROCESSINGS.values())
    raise MedrecogError(f"Unknown version {version} of the preprocessing. Available: {known}.")
