"""Preprocessing: from an image of any shape to the input of a network."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

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

VIEWS = (1, 2, 10)
"""Views of an image whose features are averaged: the image; it and its mirror image; the four
corners and the centre, seven eighths as long, and the mirror images of these five (Krizhevsky,
Sutskever and Hinton, 2012, section 4.1, who cut 224 pixels from 256)."""

_MIRRORED = 2
_ENLARGED, _KEPT = 8, 7
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
    views
        One of `VIEWS`.
    """

    name: str
    version: str
    title: str
    largest_proportion: int
    _pixels: Callable[[Image.Image, int], np.ndarray]
    views: int = 1

    def with_views(self, views: int) -> "Preprocessing":
        """Return the same preprocessing with a number of views.

        Raises
        ------
        UsageError
            If it is not one of `VIEWS`.
        """
        if views not in VIEWS:
            raise UsageError(
                f"Unknown number of views “{views}”. Available: {', '.join(map(str, VIEWS))}."
            )
        if views == 1:
            return self
        what = "the image and its mirror image"
        if views > _MIRRORED:
            what = "four corners, the centre, and their mirror images"
        return replace(
            self,
            version=f"{self.version}-views-{views}",
            title=f"{self.title}; averaged over {views} views ({what})",
            views=views,
        )

    def read_side(self, scale: int) -> int:
        """Return the shorter side of `pixels`, which has a margin where views are cut from it."""
        return round(scale * _ENLARGED / _KEPT) if self.views > _MIRRORED else scale

    def views_of(self, pixels: np.ndarray) -> Iterator[np.ndarray]:
        """Return the views of images, each an input of a network.

        Parameters
        ----------
        pixels
            uint8, shape (n, height, width, 3), from `pixels`.

        Yields
        ------
        numpy.ndarray
            uint8, shape (n, height, width, 3), the size of a view.
        """
        if self.views == 1:
            yield pixels
            return
        height, width = self.view_shape(pixels.shape[1:3])
        for top, left in self._places(*pixels.shape[1:3]):
            view = pixels[:, top : top + height, left : left + width]
            yield np.ascontiguousarray(view)
            yield np.ascontiguousarray(view[:, :, ::-1])

    def view_shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return height and width of a view of `pixels` of that height and width."""
        height, width = shape[:2]
        if self.views <= _MIRRORED:
            return height, width
        scale = round(min(height, width) * _KEPT / _ENLARGED)

        def kept(side: int) -> int:
            # As in `keep_aspect`, the longer side is the scale and a whole number of strides.
            return scale + max(0, round(side * _KEPT / _ENLARGED) - scale) // _STEP * _STEP

        return kept(height), kept(width)

    def _places(self, height: int, width: int) -> list[tuple[int, int]]:
        """Return top and left of each crop: the four corners and the centre."""
        down, right = (
            whole - part
            for whole, part in zip((height, width), self.view_shape((height, width)), strict=True)
        )
        if self.views <= _MIRRORED:
            return [(0, 0)]
        return [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]

    def pixels(self, image: Image.Image, scale: int) -> np.ndarray:
        """Return what the views of an image are cut from: with one view, the input of a network.

        Parameters
        ----------
        image
            RGB, 8 bits per channel.
        scale
            Shorter side of a view.

        Returns
        -------
        numpy.ndarray
            uint8, shape (height, width, 3), channels in RGB order.
        """
        return self._pixels(image, self.read_side(scale))


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


def find_preprocessing(name: str, views: int = 1) -> Preprocessing:
    """Return the preprocessing of that name with a number of views.

    Raises
    ------
    UsageError
        If there is none, or the number is not one of `VIEWS`.
    """
    if name not in PREPROCESSINGS:
        raise UsageError(f"Unknown preprocessing “{name}”. Available: {', '.join(PREPROCESSINGS)}.")
    return PREPROCESSINGS[name].with_views(views)


def preprocessing_of_version(version: str) -> Preprocessing:
    """Return the preprocessing with a version from the key of a descriptor.

    Raises
    ------
    MedrecogError
        If this version of the program does not have it.
    """
    for way in PREPROCESSINGS.values():
        for views in VIEWS:
            if version == (found := way.with_views(views)).version:
                return found
    known = ", ".join(way.version for way in PREPROCESSINGS.values())
    raise MedrecogError(f"Unknown version {version} of the preprocessing. Available: {known}.")
