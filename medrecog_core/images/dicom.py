"""DICOM files: recognised, read as tags, and their pixels as 8-bit RGB."""

import contextlib
import functools
import io
import logging
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images import dicom_frame
from medrecog_core.images.dicom_frame import UnusableDicomError
from medrecog_core.images.frames import frame_index
from medrecog_core.images.rendering import PLAIN, Rendering
from medrecog_core.regular_file import open_regular

__all__ = [
    "SUFFIXES",
    "UnusableDicomError",
    "count_frames",
    "decode_dicom",
    "grey_values",
    "is_bare",
    "is_dicom",
    "is_dicom_file",
    "is_document",
    "is_localizer",
    "keyword_of",
    "read_tags",
]
SUFFIXES = frozenset({".dcm", ".dicom"})
MAX_INFLATED_BYTES = 2**29
"""Maximum size of a deflated data set."""
_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_START_BYTES = 4096
_FILE_META_GROUP = 2
_DEFLATED = "1.2.840.10008.1.2.1.99"
_EXPLICIT = b"1.2.840.10008.1.2.1\0"
_SYNTAX_ELEMENT = b"\2\0\x10\0UI"
# First elements of a data set without preamble, and how many must be consecutive.
_FIRST_ELEMENTS = frozenset(
    {
        *((2, element) for element in (0x0000, 0x0001, 0x0002, 0x0010)),
        *((8, element) for element in (0x0000, 0x0001, 0x0005, 0x0006, 0x0008, 0x0012, 0x0014)),
        *((8, element) for element in (0x0016, 0x0018, 0x0020, 0x0060)),
    }
)
_FEWEST_ELEMENTS = 3
_LAST_GROUP = 0x0028
_MAX_VALUE_BYTES = 1024
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset({b"OB\0\0", b"UN\0\0", b"UT\0\0"})
_LOADING = threading.Lock()
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")


if TYPE_CHECKING:
    from pydicom import Dataset


def is_dicom(content: bytes) -> bool:
    """Return whether bytes begin like a DICOM file (PS3.10, section 7.1), or like its data set.

    Old scanners and planning systems leave out preamble and prefix.
    """
    return _has_preamble(content) or is_bare(content)


def is_dicom_file(path: Path) -> bool:
    """Return whether a file begins like a DICOM file.

    The preamble may be missing if the name ends in `.dcm` or `.dicom` or has no ending: scanners
    name files after unique identifiers, whose last number looks like an ending.
    """
    suffix = path.suffix.lower()
    try:
        with open_regular(path) as file:
            start = file.read(_START_BYTES)
    except OSError:
        return False
    if _has_preamble(start):
        return True
    return (suffix in SUFFIXES or not suffix or suffix[1:].isdigit()) and is_bare(start)


def is_bare(content: bytes) -> bool:
    """Return whether bytes begin like a data set without preamble, in little endian.

    The first three elements must follow one another in ascending order, the first one be a usual
    first element, and each be short and of even length, as the standard requires.
    """
    place, previous = 0, (-1, -1)
    for n_elements in range(_FEWEST_ELEMENTS):
        header = content[place : place + 8]
        if len(header) < 8:
            return False
        group, element, length = struct.unpack("<HHI", header)
        if n_elements == 0 and (group, element) not in _FIRST_ELEMENTS:
            return False
        if (group, element) <= previous or group % 2 or group > _LAST_GROUP:
            return False
        previous = (group, element)
        if header[4:6] in _SHORT_VRS:
            length >>= 16
        elif header[4:8] in _LONG_VRS:
            length = int.from_bytes(content[place + 8 : place + 12], "little")
            place += 4
        place += 8 + length
        if length % 2 or length > _MAX_VALUE_BYTES or place > len(content):
            return False
    return True


def _read(file: BinaryIO, **options: Any) -> "Dataset":
    """Read a DICOM file.

    Parameters
    ----------
    file
        Opened for reading bytes.
    options
        Options of `pydicom.dcmread`.

    Raises
    ------
    UnusableDicomError
        If it does not begin like a DICOM file, or inflates to more than `MAX_INFLATED_BYTES`.
    """
    pydicom = _load()
    file.seek(0)
    start = file.read(_START_BYTES)
    has_preamble = _has_preamble(start)
    if not has_preamble and not is_bare(start):
        raise UnusableDicomError("the file does not begin like a DICOM file")
    file.seek(_PREAMBLE_BYTES + len(_MAGIC) if has_preamble else 0)
    if _is_deflated(file):
        file = io.BytesIO(_inflated(file.read()))
    file.seek(0)
    dataset: Dataset = pydicom.dcmread(file, force=True, **options)
    return dataset


@functools.cache
def _configured() -> ModuleType:
    import pydicom
    import pydicom.config

    # Values that violate the standard are common and do not prevent reading the pixels.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    warnings.filterwarnings("ignore", module="pydicom")
    # Its errors are raised too, and reject the file.
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)
    return pydicom


def _load() -> ModuleType:
    """Return pydicom, configured to read files that violate the standard."""
    with _LOADING:
        return _configured()


def _has_preamble(content: bytes) -> bool:
    return content[_PREAMBLE_BYTES : _PREAMBLE_BYTES + len(_MAGIC)] == _MAGIC


def _is_deflated(file: BinaryIO) -> bool:
    """Read the meta information, up to the start of the data set."""
    from pydicom.filereader import read_dataset

    start = file.tell()
    meta = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, *_: tag.group != _FILE_META_GROUP,
    )
    n_bytes = meta.get("FileMetaInformationGroupLength")
    if n_bytes is not None:
        # Deflated bytes may look like one more element.
        file.seek(start + 12 + int(n_bytes))
    return str(meta.get("TransferSyntaxUID", "")) == _DEFLATED


def _inflated(packed: bytes) -> bytes:
    """Return a file with preamble whose data set is not deflated; pydicom has no limit."""
    content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, MAX_INFLATED_BYTES + 1)
    if len(content) > MAX_INFLATED_BYTES:
        raise UnusableDicomError(
            f"the deflated DICOM file has more than the {MAX_INFLATED_BYTES // 2**20:,} MB allowed"
        )
    syntax = _SYNTAX_ELEMENT + struct.pack("<H", len(_EXPLICIT)) + _EXPLICIT
    return bytes(_PREAMBLE_BYTES) + _MAGIC + syntax + content


# --- Pixels and tags -----------------------------------------------------------------------------

if TYPE_CHECKING:
    from pydicom import Dataset


def decode_dicom(content: bytes, max_pixels: int, rendering: Rendering = PLAIN) -> Image.Image:
    """Decode a frame of a DICOM file to 8-bit RGB, as a viewer initially shows it.

    Grey values go through the modality LUT or rescale, then through the first VOI LUT or window
    (PS3.3, C.11.1 and C.11.2). Without one, pixels of up to 8 bits keep their range and others go
    through the rendering's window; without that, they are scaled from the smallest to the largest
    value that is not padding. MONOCHROME1 is inverted, so that white is the largest value
    everywhere. YCbCr and palette colours become RGB.

    Parameters
    ----------
    content
        The whole file.
    max_pixels
        Pixels of a frame above which it is not decoded.
    rendering
        Which frame is read, the window of files with more than 8 bits that have none, and whether
        it overrides the window of those that have.

    Returns
    -------
    PIL.Image.Image
        RGB; its `info` has the number of `frames` in the file, and which `frame` this is, from 0.

    Raises
    ------
    UnusableDicomError
        If there are no pixels, too many pixels, unsupported compression, or no such frame.
    """
    with _damage_as_refusal():
        dataset = _read(io.BytesIO(content))
        dicom_frame.check_image(dataset, max_pixels)
        index = _frame_index(dataset, rendering)
        image = Image.fromarray(_rgb(dataset, index, rendering, max_pixels))
        image.info |= {"frames": dicom_frame.n_frames(dataset), "frame": index}
        return image


def grey_values(
    content: bytes, max_pixels: int, rendering: Rendering = PLAIN
) -> tuple[np.ndarray, bool] | None:
    """Return the values that a grey window applies to, and whether the file has its own window.

    Parameters
    ----------
    content, max_pixels, rendering
        As in `decode_dicom`; only the frame of the rendering is used.

    Returns
    -------
    tuple or None
        Values of the frame after the modality LUT or rescale, without padding, of any shape,
        possibly empty; None for colours and for plain 8-bit images.

    Raises
    ------
    UnusableDicomError
        As in `decode_dicom`.
    """
    with _damage_as_refusal():
        dataset = _read(io.BytesIO(content))
        dicom_frame.check_image(dataset, max_pixels)
        if dataset.PhotometricInterpretation not in _MONOCHROME:
            return None
        index = _frame_index(dataset, rendering)
        pixels = dicom_frame.read_frame(dataset, index, max_pixels)
        values = _modality_values(pixels, dataset, index)
        if _is_plain(values, pixels, dataset):
            return None
        has_own = _has_lut(dataset) or _has_window(dataset)
        values = _without_padding(values, pixels, dataset)
        # Rescaled values are floating-point numbers, even if nothing was rescaled.
        if not dataset.PixelRepresentation and (values == np.rint(values)).all():
            values = values.astype(np.int64)
        return values, has_own


def is_document(content: bytes) -> bool:
    """Return whether a DICOM file is not an image, but a report or similar."""
    try:
        tags = ["SOPClassUID"]
        dataset = _read(io.BytesIO(content), specific_tags=tags, stop_before_pixels=True)
        kind = str(dataset.SOPClassUID.name)
    # pydicom raises many kinds of errors for damaged files.
    except Exception:
        return False
    return kind.endswith("Storage") and "Image" not in kind


def is_localizer(content: bytes) -> bool:
    """Return whether a DICOM file says that it is the scout view of a series.

    Value 3 of Image Type says so of CT and MR images (DICOM PS3.3, C.8.2.1.1.1, C.8.3.1.1.1).
    """
    try:
        tags = ["ImageType"]
        dataset = _read(io.BytesIO(content), specific_tags=tags, stop_before_pixels=True)
        return "LOCALIZER" in {str(value).strip().upper() for value in dataset.ImageType}
    # Damaged files make pydicom fail in many ways.
    except Exception:
        return False


def count_frames(content: bytes) -> tuple[int, int, int]:
    """Return the number of frames of a DICOM file, their width and their height.

    Missing numbers are 1 frame and 0 pixels.

    Raises
    ------
    UnusableDicomError
        If the file cannot be read as DICOM.
    """
    tags = ["NumberOfFrames", "Columns", "Rows"]
    with _damage_as_refusal():
        dataset = _read(io.BytesIO(content), specific_tags=tags, stop_before_pixels=True)
        width, height = (max(int(dataset.get(tag) or 0), 0) for tag in tags[1:])
        return dicom_frame.n_frames(dataset), width, height


def read_tags(path: Path, keywords: Sequence[str]) -> dict[str, str]:
    """Return tags of a DICOM file as text, without reading its pixels.

    Parameters
    ----------
    path
        The file.
    keywords
        Keywords of the DICOM dictionary, such as `PatientID`; see `keyword_of`.

    Returns
    -------
    dict
        Values by keyword, empty if the file has none.

    Raises
    ------
    UnusableDicomError
        If the file cannot be read as DICOM.
    """
    with _damage_as_refusal(), open_regular(path) as file:
        dataset = _read(file, specific_tags=list(keywords), stop_before_pixels=True)
        return {keyword: _text(dataset.get(keyword)) for keyword in keywords}


def keyword_of(tag: str) -> str | None:
    """Return the keyword of a tag given as keyword or number; None if it is unknown.

    `PatientID`, `0010,0020`, `(0010,0020)` and `00100020` name the same.
    """
    _load()
    from pydicom.datadict import keyword_for_tag, tag_for_keyword

    tag = tag.strip()
    if tag and tag_for_keyword(tag) is not None:
        return tag
    digits = tag.strip("()").replace(",", "").replace(" ", "")
    try:
        return (len(digits) == 8 and keyword_for_tag(int(digits, 16))) or None
    except ValueError:
        return None


@contextlib.contextmanager
def _damage_as_refusal() -> Iterator[None]:
    try:
        yield
    except UnusableDicomError:
        raise
    except UnreadableImageError as error:
        raise UnusableDicomError(str(error)) from error
    except OSError as error:
        raise UnusableDicomError(f"the file cannot be read ({error.strerror or error})") from error
    # pydicom raises many kinds of errors for damaged files.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UnusableDicomError(f"the DICOM file is damaged or truncated ({reason})") from error


def _frame_index(dataset: "Dataset", rendering: Rendering) -> int:
    return frame_index(rendering, dicom_frame.n_frames(dataset))


def _rgb(dataset: "Dataset", index: int, rendering: Rendering, max_pixels: int) -> np.ndarray:
    """Return a frame, uint8, shape (rows, columns, 3)."""
    from pydicom.pixels.processing import apply_color_lut

    pixels = dicom_frame.read_frame(dataset, index, max_pixels)
    kind = dataset.PhotometricInterpretation
    if kind in _MONOCHROME:
        grey = _grey(pixels, dataset, index, rendering)
        return np.repeat(grey[..., None], 3, axis=2)
    if kind == "PALETTE COLOR":
        colours = apply_color_lut(pixels, dataset)[..., :3]
        return _to_8_bits(colours, 0, 2 ** dataset.RedPaletteColorLookupTableDescriptor[2] - 1)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UnusableDicomError(f"the pixels are of the kind {kind}, which is not supported")
    return _to_8_bits(pixels, 0, 2**dataset.BitsStored - 1)


def _modality_values(pixels: np.ndarray, dataset: "Dataset", index: int) -> np.ndarray:
    from pydicom.pixels.processing import apply_modality_lut

    _take_over_groups(dataset, index)
    values: np.ndarray = apply_modality_lut(pixels, dataset)
    return values


def _is_plain(values: np.ndarray, pixels: np.ndarray, dataset: "Dataset") -> bool:
    return dataset.BitsStored <= 8 and values is pixels


def _without_padding(values: np.ndarray, pixels: np.ndarray, dataset: "Dataset") -> np.ndarray:
    shown: np.ndarray = values[pixels != dataset.get("PixelPaddingValue")]
    return shown


def _grey(pixels: np.ndarray, dataset: "Dataset", index: int, rendering: Rendering) -> np.ndarray:
    from pydicom.pixels.processing import apply_voi, apply_windowing

    values = _modality_values(pixels, dataset, index)
    is_plain = _is_plain(values, pixels, dataset)
    has_own = not rendering.overrides_own and (_has_lut(dataset) or _has_window(dataset))
    if rendering.window is not None and not is_plain and not has_own:
        grey = _to_8_bits(values, *rendering.window)
    elif has_own and _has_lut(dataset):
        grey = _to_8_bits(
            apply_voi(np.rint(values).astype(np.int64), dataset),
            0,
            2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1,
        )
    elif has_own:
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            # Values far below and above the window give the two ends of its output.
            low, high = apply_windowing(np.array([-1e12, 1e12]), dataset)
            grey = _to_8_bits(apply_windowing(values, dataset), low, high)
    elif is_plain:
        shift = 2 ** (dataset.BitsStored - 1) if dataset.PixelRepresentation else 0
        grey = _to_8_bits(values, -shift, 2**dataset.BitsStored - 1 - shift)
    else:
        shown = _without_padding(values, pixels, dataset)
        grey = _to_8_bits(values, *((shown.min(), shown.max()) if shown.size else (0, 0)))
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def _take_over_groups(dataset: "Dataset", index: int) -> None:
    """Copy the rescale and window of a frame to where those of a single frame are.

    Enhanced objects have them in functional groups (PS3.3, C.7.6.16.2.9 and C.7.6.16.2.10).
    """
    shared = list(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]
    of_frame = list(dataset.get("PerFrameFunctionalGroupsSequence") or [])[index : index + 1]
    for groups in (*shared, *of_frame):
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for item in list(groups.get(name) or [])[:1]:
                dataset.update(item)


def _has_lut(dataset: "Dataset") -> bool:
    first = next(iter(dataset.get("VOILUTSequence") or []), None)
    return first is not None and first.get("LUTData") is not None and "LUTDescriptor" in first


def _has_window(dataset: "Dataset") -> bool:
    width, center = dataset.get("WindowWidth"), dataset.get("WindowCenter")
    if width is None or center is None:
        return False
    first = width if isinstance(width, float | int) else next(iter(width), 0)
    smallest = 1 if dataset.get("VOILUTFunction", "LINEAR") == "LINEAR" else 0
    return float(first) >= smallest and float(first) > 0


def _to_8_bits(values: np.ndarray, low: float, high: float) -> np.ndarray:
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    scaled = (values.astype(np.float32) - low) / max(high - low, 1e-9)
    return (scaled.clip(0, 1) * 255).round().astype(np.uint8)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        return str(value).strip()
    return "\\".join(str(part).strip() for part in value)
