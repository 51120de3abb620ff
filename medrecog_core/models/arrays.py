"""Arrays as bytes of a file, read so that no file can use more memory than its size."""

import io
import math
import zipfile
from typing import Any

import numpy as np

from medrecog_core.networks.stored_array import open_npy_member


def write_arrays(**arrays: Any) -> bytes:
    """Return arrays as an uncompressed `.npz` file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(content: bytes) -> dict[str, np.ndarray]:
    """Return the arrays by name that `write_arrays` wrote.

    Raises
    ------
    EOFError, KeyError, OSError, ValueError, zipfile.BadZipFile
        If the content is not valid, would need unpickling, or declares more than it contains.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        if sum(member.file_size for member in members) > len(content):
            raise ValueError("the arrays are larger than their file")
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError("the arrays are compressed")
            stored = open_npy_member(archive, member.filename.removesuffix(".npy"))
            if math.prod(stored.shape) * stored.dtype.itemsize > member.file_size:
                raise ValueError("an array declares more numbers than it contains")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
