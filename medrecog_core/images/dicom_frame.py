"""Frames of DICOM files, decompressed, with missing tags derived from the pixels."""

import functools
import importlib.util
import struct
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

_IMAGECODECS = "imagecodecs"
DECODER_DEPENDENCIES = {
    "1.2.840.10008.1.2.4.51": (_IMAGECODECS,),  # JPEG extended, 8 and 12 bits
    "1.2.840.10008.1.2.4.57": (_IMAGECODECS,),  # JPEG lossless, process 14
    "1.2.840.10008.1.2.4.70": (_IMAGECODECS,),  # JPEG lossless, process 14, selection value 1
}
"""Transfer syntaxes of this module's decoder, by the name that pydicom requires."""

# pydicom's plug-ins by transfer syntax, those of version 0.1.0 first, so that pixels stay the same.
_PILLOW, _JPEG_LS, _OPENJPEG = "pillow", "pyjpegls", "pylibjpeg"
_PLUGINS = {
    "1.2.840.10008.1.2.4.50": (_PILLOW,),  # JPEG baseline
    "1.2.840.10008.1.2.4.51": (_PILLOW, _IMAGECODECS),  # JPEG extended
    "1.2.840.10008.1.2.4.57": (_IMAGECODECS,),  # JPEG lossless
    "1.2.840.10008.1.2.4.70": (_IMAGECODECS,),  # JPEG lossless, selection value 1
    "1.2.840.10008.1.2.4.80": (_JPEG_LS,),  # JPEG-LS lossless
    "1.2.840.10008.1.2.4.81": (_JPEG_LS,),  # JPEG-LS near lossless
    "1.2.840.10008.1.2.4.90": (_PILLOW, _OPENJPEG),  # JPEG 2000 lossless
    "1.2.840.10008.1.2.4.91": (_PILLOW, _OPENJPEG),  # JPEG 2000
    "1.2.840.10008.1.2.4.201": (_OPENJPEG,),  # HTJ2K lossless
    "1.2.840.10008.1.2.4.202": (_OPENJPEG,),  # HTJ2K lossless, by resolution
    "1.2.840.10008.1.2.4.203": (_OPENJPEG,),  # HTJ2K
    "1.2.840.10008.1.2.5": ("pydicom",),  # RLE
}
_J2K_START = b"\xff\x4f\xff\x51"
_JP2_BOX = b"jP  "
# Second bytes of the JPEG markers that give the size of a frame (T.81, B.1.1.3; T.87, C.1.1).
_SIZE_MARKERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
_SYNTAX_OF_MARKER = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC3: "1.2.840.10008.1.2.4.57",
    0xF7: "1.2.840.10008.1.2.4.81",
}
_ADDING = threading.Lock()


if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID


class UnusableDicomError(Exception):
    """The DICOM file contains no usable image; the message is the reason."""


def check_image(dataset: "Dataset", max_pixels: int) -> None:
    """Check that a DICOM file contains an image that can be decoded, and fill in missing tags.

    Raises
    ------
    UnusableDicomError
        If not; the message is the reason.
    """
    if "EncapsulatedDocument" in dataset:
        raise UnusableDicomError("the DICOM file contains a document, such as a PDF, and no image")
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        raise UnusableDicomError("the pixels are floating-point numbers; save them as 8 or 16 bits")
    if "PixelData" not in dataset:
        raise UnusableDicomError("the DICOM file has no pixels" + _kind(dataset))
    for keyword in ("Rows", "Columns"):
        if not dataset.get(keyword):
            raise UnusableDicomError(f"the tag {keyword} is missing from the DICOM file")
    n_pixels = int(dataset.Rows) * int(dataset.Columns)
    _check_size(n_pixels, max_pixels)
    _fill_in_syntax(dataset)
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax.is_compressed and not _is_readable(syntax):
        raise UnusableDicomError(
            f"the pixels are compressed as {syntax.name}, which is not supported; save the file "
            "without compression"
        )
    if not syntax.is_compressed:
        _fill_in_layout(dataset, n_pixels)


def _kind(dataset: "Dataset") -> str:
    """Return what a file is, if the DICOM standard has a name for its SOP class."""
    sop_class = dataset.get("SOPClassUID")
    return f"; it is {sop_class.name}" if getattr(sop_class, "type", "") else ""


def n_frames(dataset: "Dataset") -> int:
    """Return the number of frames of a DICOM file; 1 if it is missing."""
    return max(int(dataset.get("NumberOfFrames") or 1), 1)


def read_frame(dataset: "Dataset", index: int, max_pixels: int) -> np.ndarray:
    """Return the stored pixels of a frame of a DICOM file that `check_image` has passed.

    Parameters
    ----------
    dataset
        The file.
    index
        Of the frame, from 0.
    max_pixels
        Pixels above which a compressed frame is not decoded, whatever the tags say.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns), or (rows, columns, 3), YCbCr as RGB.

    Raises
    ------
    UnusableDicomError
        If the frame cannot be decompressed.
    """
    from pydicom.pixels.utils import pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    plugins: tuple[str, ...] = ("",)
    if syntax.is_compressed:
        _check_encoded_size(dataset, index, max_pixels)
        _add_jpeg_plugin()
        plugins = _PLUGINS.get(syntax, plugins)
    for plugin in plugins:
        try:
            return pixel_array(dataset, index=index, decoding_plugin=plugin)
        # pydicom raises this if a decompressor failed.
        except RuntimeError as error:
            failure = error
    raise UnusableDicomError(
        f"the pixels, compressed as {syntax.name}, cannot be decompressed; they are damaged or of "
        "an unsupported kind"
    ) from failure


@functools.cache
def _jpeg_plugin_added() -> None:
    from pydicom.pixels.decoders.base import get_decoder

    place = (__name__, decode_frame.__name__)
    for syntax in DECODER_DEPENDENCIES:
        get_decoder(syntax).add_plugin(_IMAGECODECS, place)


def _add_jpeg_plugin() -> None:
    with _ADDING:
        _jpeg_plugin_added()


def _is_readable(syntax: "UID") -> bool:
    from pydicom.pixels.decoders.base import get_decoder

    _add_jpeg_plugin()
    try:
        available = get_decoder(syntax).available_plugins
    except NotImplementedError:
        return False
    return any(plugin in available for plugin in _PLUGINS.get(syntax, ()))


def _check_size(n_pixels: int, max_pixels: int) -> None:
    if n_pixels > max_pixels:
        raise UnusableDicomError(
            f"the image has {n_pixels / 1e6:,.1f} million pixels, "
            f"more than the {max_pixels // 10**6} allowed"
        )


def _check_encoded_size(dataset: "Dataset", index: int, max_pixels: int) -> None:
    # Decoders allocate as many pixels as the compressed frame states, not as the tags state.
    width, height = _encoded_size(_encoded_frame(dataset, index))
    _check_size(width * height, max_pixels)


def _encoded_frame(dataset: "Dataset", index: int) -> bytes:
    from pydicom.encaps import get_frame

    return get_frame(dataset.PixelData, index, number_of_frames=n_frames(dataset))


def _encoded_size(frame: bytes) -> tuple[int, int]:
    """Return the width and height in a frame of the JPEG family; 0 if they are missing."""
    is_boxed = frame[4:8] == _JP2_BOX
    if is_boxed or frame[:4] == _J2K_START:
        start = max(frame.find(_J2K_START), 0)
        if len(frame) < start + 24:
            return 0, 0
        right, bottom, left, top = struct.unpack(">4I", frame[start + 8 : start + 24])
        return max(right - left, 0), max(bottom - top, 0)
    place = _size_marker(frame)
    if place < 0 or len(frame) < place + 9:
        return 0, 0
    height, width = struct.unpack(">HH", frame[place + 5 : place + 9])
    return width, height


def _size_marker(frame: bytes) -> int:
    """Return the position of the first JPEG marker that gives the size, -1 if there is none."""
    place = 2
    while frame[:2] == b"\xff\xd8" and place + 4 <= len(frame) and frame[place] == 0xFF:
        if frame[place + 1] in _SIZE_MARKERS:
            return place
        if frame[place + 1] == 0xFF:
            place += 1
        else:
            place += 2 + int.from_bytes(frame[place + 2 : place + 4])
    return -1


def _fill_in_syntax(dataset: "Dataset") -> None:
    """Detect a missing transfer syntax from how the file is written."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import (
        UID,
        ExplicitVRBigEndian,
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
    )

    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if dataset.file_meta.get("TransferSyntaxUID"):
        return
    is_implicit, is_little = dataset.original_encoding
    if dataset["PixelData"].is_undefined_length:
        syntax = UID(_encoded_syntax(dataset))
    elif is_implicit:
        syntax = ImplicitVRLittleEndian
    else:
        syntax = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = syntax


def _encoded_syntax(dataset: "Dataset") -> str:
    frame = _encoded_frame(dataset, 0)
    place = _size_marker(frame)
    syntax = _SYNTAX_OF_MARKER.get(frame[place + 1]) if place >= 0 else None
    if syntax is None and frame[:4] == _J2K_START:
        syntax = "1.2.840.10008.1.2.4.91"
    if syntax is None:
        raise UnusableDicomError(
            "the pixels are compressed, and the tag TransferSyntaxUID is missing from the DICOM "
            "file"
        )
    return syntax


def _fill_in_layout(dataset: "Dataset", n_pixels: int) -> None:
    """Derive missing tags on how pixels are stored, if their bytes are unambiguous.

    These tags are required (PS3.3, C.7.6.3), but missing from old exports.
    """
    required = ["SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit"]
    required += ["PixelRepresentation", "PhotometricInterpretation"]
    missing = [keyword for keyword in required if dataset.get(keyword) in (None, "")]
    if not missing:
        return
    n_values = n_pixels * n_frames(dataset)
    n_bytes = len(dataset.PixelData)
    # A value of odd length is padded to an even one.
    bytes_per_pixel = {n_bytes / n_values, (n_bytes - 1) / n_values} if n_bytes % 2 == 0 else set()
    for n_samples, n_bits in ((1, 8), (1, 16), (3, 8)):
        fits = n_samples * n_bits // 8 in bytes_per_pixel
        if (
            fits
            and dataset.get("SamplesPerPixel") in (None, n_samples)
            and dataset.get("BitsAllocated") in (None, n_bits)
        ):
            break
    else:
        raise UnusableDicomError(
            f"the tag {missing[0]} is missing from the DICOM file and cannot be derived from its "
            "pixels"
        )
    if n_samples > 1 and dataset.get("PlanarConfiguration") is None:
        raise UnusableDicomError("the tag PlanarConfiguration is missing from the DICOM file")
    stored = int(dataset.get("BitsStored") or n_bits)
    inferred = {
        "SamplesPerPixel": n_samples,
        "BitsAllocated": n_bits,
        "BitsStored": stored,
        "HighBit": stored - 1,
        "PixelRepresentation": 0,
        "PhotometricInterpretation": "MONOCHROME2" if n_samples == 1 else "RGB",
    }
    for keyword in missing:
        setattr(dataset, keyword, inferred[keyword])


# --- JPEG: lossless, and lossy with 12 bits ------------------------------------------------------

# This module is a decoding plug-in of pydicom, whose own plug-ins do not read such frames under a
# suitable licence and without crashing on damaged frames.


def is_available(syntax: str) -> bool:
    """Return whether frames of a transfer syntax can be decoded."""
    return syntax in DECODER_DEPENDENCIES and importlib.util.find_spec(_IMAGECODECS) is not None


def decode_frame(frame: bytes, runner: Any) -> bytes:
    """Decode a frame without changing its colour space.

    Parameters
    ----------
    frame
        The JPEG file.
    runner
        pydicom's `DecodeRunner`, which receives the layout of the samples.

    Returns
    -------
    bytes
        Samples of 8 or 16 bits, little endian, those of a pixel next to each other.

    Raises
    ------
    ValueError
        If the frame does not have the expected pixels, or is damaged.
    """
    import imagecodecs

    n_samples = runner.samples_per_pixel
    colours = "RGB" if n_samples > 1 else None
    try:
        pixels = imagecodecs.jpeg8_decode(frame, colorspace=colours, outcolorspace=colours)
    except RuntimeError as error:
        raise ValueError(str(error)) from error
    expected = (runner.rows, runner.columns, *((n_samples,) if n_samples > 1 else ()))
    if pixels.shape != expected:
        raise ValueError(f"the frame has the shape {pixels.shape}, not {expected}")
    runner.set_option("bits_allocated", pixels.dtype.itemsize * 8)
    runner.set_option("planar_configuration", 0)
    samples: bytes = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    return samples
