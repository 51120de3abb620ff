"""DICOM files: pixels as 8-bit RGB, and the tags that name a label or a patient."""

import functools
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pydicom import Dataset

SUFFIXES = frozenset({".dcm", ".dicom"})

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_FILE_META_GROUP = 2
_DEFLATED = "1.2.840.10008.1.2.1.99"
_MONOCHROME = ("MONOCHROME1", "MONOCHROME2")


class UnusableDicomError(Exception):
    """The DICOM file holds no image that can be used; the message is the reason."""


def is_dicom(content: bytes) -> bool:
    """Return whether bytes begin as a DICOM file does (PS3.10, section 7.1)."""
    return content[_PREAMBLE_BYTES : _PREAMBLE_BYTES + len(_MAGIC)] == _MAGIC


def is_dicom_file(path: Path) -> bool:
    """Return whether a file begins as a DICOM file does."""
    try:
        with path.open("rb") as file:
            return is_dicom(file.read(_PREAMBLE_BYTES + len(_MAGIC)))
    except OSError:
        return False


def decode_dicom(content: bytes, max_pixels: int) -> Image.Image:
    """Decode the first frame of a DICOM file to 8-bit RGB, as a viewer shows it at first.

    Grey values go through the modality LUT or rescale, then through the first VOI LUT or window
    (PS3.3, C.11.1 and C.11.2). Without one, pixels of up to 8 bits keep their range and others are
    scaled from the smallest to the largest value that is no padding. MONOCHROME1 is inverted, so
    that white is the largest value everywhere. YCbCr and palette colours become RGB.

    Parameters
    ----------
    content
        The whole file.
    max_pixels
        Pixels of a frame above which it is not decoded.

    Returns
    -------
    PIL.Image.Image
        RGB; its `info["frames"]` is the number of frames in the file.

    Raises
    ------
    UnusableDicomError
        If there are no pixels, too many, or such as cannot be decompressed here.
    """
    try:
        dataset = _read(io.BytesIO(content))
        _check(dataset, max_pixels)
        image = Image.fromarray(_rgb(dataset))
        image.info["frames"] = _n_frames(dataset)
    except UnusableDicomError:
        raise
    # Damaged files make pydicom fail in many ways.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UnusableDicomError(f"the DICOM file is damaged or truncated ({reason})") from error
    return image


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
        Every keyword with its value, empty where the file has none.

    Raises
    ------
    UnusableDicomError
        If the file cannot be read as DICOM.
    """
    try:
        with path.open("rb") as file:
            dataset = _read(file, specific_tags=list(keywords), stop_before_pixels=True)
            return {keyword: _text(dataset.get(keyword)) for keyword in keywords}
    except OSError as error:
        raise UnusableDicomError(f"the file cannot be read ({error.strerror or error})") from error
    except UnusableDicomError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UnusableDicomError(f"the DICOM file is damaged or truncated ({reason})") from error


def keyword_of(tag: str) -> str | None:
    """Return the keyword of a tag given as keyword or number, None where there is none.

    `PatientID`, `0010,0020`, `(0010,0020)` and `00100020` name the same.
    """
    _pydicom()
    from pydicom.datadict import keyword_for_tag, tag_for_keyword

    tag = tag.strip()
    if tag and tag_for_keyword(tag) is not None:
        return tag
    digits = tag.strip("()").replace(",", "").replace(" ", "")
    try:
        return (len(digits) == 8 and keyword_for_tag(int(digits, 16))) or None
    except ValueError:
        return None


@functools.cache
def _pydicom() -> ModuleType:
    import pydicom
    import pydicom.config

    # Values that break the standard are usual, and no obstacle to reading the pixels.
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    warnings.filterwarnings("ignore", module="pydicom")
    return pydicom


def _read(file: BinaryIO, **options: Any) -> "Dataset":
    pydicom = _pydicom()
    from pydicom.filereader import read_dataset

    file.seek(_PREAMBLE_BYTES)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise UnusableDicomError("the file does not begin as a DICOM file does")
    meta = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, *_: tag.group != _FILE_META_GROUP,
    )
    # pydicom would inflate it without a bound, and a small file can hold gigabytes.
    if str(meta.get("TransferSyntaxUID", "")) == _DEFLATED:
        raise UnusableDicomError("the whole DICOM file is deflated; save it without")
    file.seek(0)
    dataset: Dataset = pydicom.dcmread(file, **options)
    return dataset


def _check(dataset: "Dataset", max_pixels: int) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    if "EncapsulatedDocument" in dataset:
        raise UnusableDicomError("the DICOM file holds a document, such as a PDF, and no image")
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise UnusableDicomError("the pixels are floating-point numbers; save 8 or 16 bits")
    if "PixelData" not in dataset:
        kind = getattr(dataset.get("SOPClassUID"), "name", "")
        raise UnusableDicomError("the DICOM file has no pixels" + (f"; it is {kind}" * bool(kind)))
    n_pixels = int(dataset.Rows) * int(dataset.Columns)
    if n_pixels > max_pixels:
        raise UnusableDicomError(
            f"the image has {n_pixels / 1e6:,.1f} million pixels, "
            f"more than the {max_pixels // 10**6} allowed"
        )
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed:
        try:
            readable = get_decoder(syntax).is_available
        except NotImplementedError:
            readable = False
        if not readable:
            raise UnusableDicomError(
                f"the pixels are compressed as {syntax.name}, which cannot be read here; "
                "save the file without compression"
            )


def _n_frames(dataset: "Dataset") -> int:
    return int(dataset.get("NumberOfFrames") or 1)


def _rgb(dataset: "Dataset") -> np.ndarray:
    """Return the first frame, uint8, shape (rows, columns, 3)."""
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    try:
        pixels = pixel_array(dataset, index=0)
    except RuntimeError as error:  # what pydicom raises when every decompressor failed
        syntax = dataset.file_meta.TransferSyntaxUID.name
        raise UnusableDicomError(
            f"the pixels, compressed as {syntax}, cannot be decompressed here; "
            "they are damaged or of a kind that is not read"
        ) from error
    kind = dataset.PhotometricInterpretation
    if kind in _MONOCHROME:
        grey = _grey(pixels, dataset)
        return np.repeat(grey[..., None], 3, axis=2)
    if kind == "PALETTE COLOR":
        colours = apply_color_lut(pixels, dataset)[..., :3]
        return _to_8_bits(colours, 0, 2 ** dataset.RedPaletteColorLookupTableDescriptor[2] - 1)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise UnusableDicomError(f"the pixels are of the kind {kind}, which cannot be read here")
    return _to_8_bits(pixels, 0, 2**dataset.BitsStored - 1)


def _grey(pixels: np.ndarray, dataset: "Dataset") -> np.ndarray:
    from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing

    _take_over_first_frame(dataset)
    values = apply_modality_lut(pixels, dataset)
    if _has_lut(dataset):
        grey = _to_8_bits(
            apply_voi(np.rint(values).astype(np.int64), dataset),
            0,
            2 ** dataset.VOILUTSequence[0].LUTDescriptor[2] - 1,
        )
    elif _has_window(dataset):
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            # What lies far below and above the window gives the two ends of its output.
            low, high = apply_windowing(np.array([-1e12, 1e12]), dataset)
            grey = _to_8_bits(apply_windowing(values, dataset), low, high)
    elif dataset.BitsStored <= 8 and values is pixels:
        shift = 2 ** (dataset.BitsStored - 1) if dataset.PixelRepresentation else 0
        grey = _to_8_bits(values, -shift, 2**dataset.BitsStored - 1 - shift)
    else:
        shown = values[pixels != dataset.get("PixelPaddingValue")]
        grey = _to_8_bits(values, *((shown.min(), shown.max()) if shown.size else (0, 0)))
    return 255 - grey if dataset.PhotometricInterpretation == "MONOCHROME1" else grey


def _take_over_first_frame(dataset: "Dataset") -> None:
    """Put the first frame's rescale and window where those of a single frame stand.

    Enhanced objects have them in functional groups (PS3.3, C.7.6.16.2.9 and C.7.6.16.2.10).
    """
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for first in list(dataset.get(groups) or [])[:1]:
            for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
                for item in list(first.get(name) or [])[:1]:
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
