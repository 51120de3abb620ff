"""Arrays in files, read a slab at a time so that hundreds of megabytes are never held twice."""

import io
import lzma
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

READ_ERRORS = (
    OSError,
    EOFError,
    KeyError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What zipfile, NumPy and h5py raise on damaged files; none of it names the file."""

FLOAT32 = np.dtype("<f4")

_SLAB_BYTES = 16 * 2**20
_EARLIEST = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class StoredArray:
    """An array that lies in an open file.

    Attributes
    ----------
    shape, dtype
        As the file says; nothing has been read or allocated yet.
    slabs
        Gives the values once, in row-major order, in pieces along the first axis.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    slabs: Callable[[], Iterator[np.ndarray]]

    def read(self) -> np.ndarray:
        """Return the whole array."""
        values = np.empty(self.shape, self.dtype)
        start = 0
        for slab in self.slabs():
            values[start : start + len(slab)] = slab
            start += len(slab)
        return values


def slab_rows(shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Return how many rows of the first axis make a slab, at least one."""
    return max(1, _SLAB_BYTES // max(1, math.prod(shape[1:]) * dtype.itemsize))


def bytes_of(values: np.ndarray) -> memoryview:
    """Return the memory of a C-contiguous array, not a copy of it."""
    return values.reshape(-1).view(np.uint8).data


def open_npy_member(archive: zipfile.ZipFile, name: str) -> StoredArray:
    """Read the header of an array in an `.npz` archive.

    Raises
    ------
    ValueError
        If it is no array, or one that needs unpickling.
    """
    with archive.open(f"{name}.npy") as member:
        shape, in_columns, dtype = _read_header(member)
    if dtype.hasobject:
        raise ValueError(f"{name} holds objects, which are never unpickled")

    def slabs() -> Iterator[np.ndarray]:
        with archive.open(f"{name}.npy") as member:
            _read_header(member)
            if in_columns:  # its rows do not lie together
                values = _read_values(member, shape[::-1], dtype)
                yield values.T
                return
            rows = slab_rows(shape, dtype)
            for start in range(0, shape[0], rows):
                n_rows = min(rows, shape[0] - start)
                yield _read_values(member, (n_rows, *shape[1:]), dtype)

    return StoredArray(shape, dtype, slabs)


def read_npy(content: bytes) -> np.ndarray:
    """Return the numbers in the content of an `.npy` file.

    Raises
    ------
    EOFError, ValueError
        If it is no array of finite numbers, or declares more or fewer than it contains.
    """
    stream = io.BytesIO(content)
    shape, in_columns, dtype = _read_header(stream)
    n_bytes = len(content) - stream.tell()
    if dtype.kind not in "fiu" or math.prod(shape) * dtype.itemsize != n_bytes:
        raise ValueError("the array declares other numbers than it contains")
    values = np.frombuffer(content, dtype, offset=stream.tell()).reshape(
        shape, order="F" if in_columns else "C"
    )
    if not np.isfinite(values).all():
        raise ValueError("a number of the array is not finite")
    return values


def _read_header(member: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(member)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(member)
    return np.lib.format.read_array_header_2_0(member)


def _read_values(member: IO[bytes], shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    values = np.empty(shape, dtype)
    rest = bytes_of(values)
    # Reading to a member's last byte makes zipfile compare its checksum.
    while rest:
        n_bytes = member.readinto(rest)  # type: ignore[attr-defined]
        if not n_bytes:
            raise EOFError("the array is cut short")
        rest = rest[n_bytes:]
    return values


def write_npy_member(
    archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], slabs: Iterator[np.ndarray]
) -> None:
    """Write float32 slabs as one array of an `.npz` archive."""
    header = {"descr": FLOAT32.str, "fortran_order": False, "shape": shape}
    # A fixed date, so that the same arrays make the same file.
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EARLIEST)
    with archive.open(entry, "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for slab in slabs:
            member.write(bytes_of(slab))
