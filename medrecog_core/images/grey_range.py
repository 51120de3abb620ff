"""Range of the grey values of a file, and one grey window for all files of a data set."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images import dicom, reading
from medrecog_core.images.header import read_header
from medrecog_core.images.rendering import PLAIN, Rendering

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
