"""DICOM files as data sets of tags, with or without preamble, deflated or not."""

import functools
import io
import logging
import struct
import threading
import warnings
import zlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pydicom import Dataset

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


class UnusableDicomError(Exception):
    """The DICOM file contains no usable image; the message is the reason."""


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
        with path.open("rb") as file:
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


def read(file: BinaryIO, **options: Any) -> "Dataset":
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
    pydicom = load()
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


def load() -> ModuleType:
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
