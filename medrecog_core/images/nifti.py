"""NIfTI volumes: slices along an axis.

A slice is shown as it is stored, turned so that the first of its two axes runs to the right and the
second one up: for a volume stored in the usual order (right, anterior, superior), anterior is up in
axial slices, and superior in the others. The orientation in the header is not applied.
"""

import gzip
import io
import logging
import math
import zlib
from typing import Any

import numpy as np
from PIL import Image

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images.frames import StoredFrame, frame_index
from medrecog_core.images.rendering import Rendering

SUFFIXES = frozenset({".nii", ".nii.gz"})
MAX_UNPACKED_BYTES = 2**30
"""Maximum size of a compressed file, including the volume that is read."""

_HEADER_BYTES = 540
_UNPACKING_ERRORS = (OSError, EOFError, zlib.error)
_GZIP = b"\x1f\x8b"
# Position and values of the magic number (NIfTI-1 and NIfTI-2, in one file with their voxels).
_MAGICS = ((344, b"n+1\0"), (4, b"n+2\0"))


def is_nifti(content: bytes) -> bool:
    """Return whether bytes begin like a NIfTI file, compressed with gzip or not."""
    start = content[:_HEADER_BYTES]
    if content[:2] == _GZIP:
        try:
            start = _unpacked(content, _HEADER_BYTES)
        except _UNPACKING_ERRORS:
            return False
    return any(start[at : at + 4] == magic for at, magic in _MAGICS)


def read_shape(content: bytes, axis: int) -> tuple[int, int, int]:
    """Return the number of slices along an axis, and the width and height of one as shown.

    Raises
    ------
    UnreadableImageError
        If the header is damaged.
    """
    shape = _shape(_header(content))
    width, height = (n for place, n in enumerate(shape[:3]) if place != axis)
    return shape[axis], width, height


def read_slice(content: bytes, rendering: Rendering, max_pixels: int) -> StoredFrame:
    """Read the slice of a NIfTI file at the axis and frame of a rendering.

    Values are scaled by the slope and intercept of the header. With several volumes, the
    rendering's channel selects one, by default the first. Without a window, a slice is scaled from
    its smallest to its largest value.

    Parameters
    ----------
    content
        The file's bytes.
    rendering
        Axis, frame and channel.
    max_pixels
        Pixels above which a slice is not read.

    Raises
    ------
    UnreadableImageError
        If the file is damaged or truncated, too large, has no such slice or volume, or contains
        complex numbers.
    """
    header = _header(content)
    shape, dtype = _shape(header), header.get_data_dtype()
    if dtype.kind not in "iuf" and dtype.fields is None:
        raise UnreadableImageError(f"the voxels are of the type {dtype}, which is not supported")
    volume = rendering.channel or 0
    if volume >= shape[3]:
        raise UnreadableImageError(
            f"the file has {shape[3]} volumes, so there is no channel {volume}; "
            "channels count from 0"
        )
    axis, n_slices = rendering.axis, shape[rendering.axis]
    index = frame_index(rendering, n_slices)
    n_pixels = math.prod(shape[:3]) // n_slices
    if n_pixels > max_pixels:
        raise UnreadableImageError(
            f"the slices have {n_pixels / 1e6:,.1f} million pixels, "
            f"more than the {max_pixels // 10**6} allowed"
        )
    voxels = _volume(content, header, shape[:3], volume)
    shown = np.rot90(voxels.take(index, axis=axis))
    if dtype.fields is not None:
        colours = np.stack([shown[name] for name in dtype.names[:3]], axis=-1)
        return StoredFrame(Image.fromarray(colours), n_frames=n_slices, index=index)
    slope, intercept = (
        default if value is None else float(value)
        for value, default in zip(header.get_slope_inter(), (1.0, 0.0), strict=True)
    )
    is_scaled = (slope, intercept) != (1.0, 0.0)
    values = shown * slope + intercept if is_scaled else shown
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return StoredFrame(
        values=values,
        own_window=(low, high if low < high else low + 1),
        is_unsigned=dtype.kind == "u" and not is_scaled,
        n_frames=n_slices,
        index=index,
    )


def _header(content: bytes) -> Any:
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    # Errors in a header are raised too, and reject the file.
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL + 1)
    try:
        packed = content[:2] == _GZIP
        start = _unpacked(content, _HEADER_BYTES) if packed else content[:_HEADER_BYTES]
        kind: Any = Nifti2Header if start[4:8] == _MAGICS[1][1] else Nifti1Header
        return kind(start[: kind.template_dtype.itemsize])
    # nibabel raises many kinds of errors for damaged headers.
    except Exception as error:
        reason = " ".join(str(error).split())
        raise UnreadableImageError(f"the NIfTI header is damaged ({reason})") from error


def _shape(header: Any) -> tuple[int, int, int, int]:
    """Return the extents along three axes, and the number of volumes."""
    try:
        extents = [int(n) for n in header.get_data_shape()]
    except Exception as error:
        raise UnreadableImageError("the NIfTI header is damaged; it has no extents") from error
    if len(extents) < 2 or min(extents) < 1:
        raise UnreadableImageError("the NIfTI file has no voxels")
    x, y, z = (*extents, 1)[:3]
    return x, y, z, math.prod(extents[3:])


def _volume(content: bytes, header: Any, shape: tuple[int, int, int], volume: int) -> np.ndarray:
    dtype = header.get_data_dtype()
    n_bytes = math.prod(shape) * dtype.itemsize
    start = int(header.get_data_offset()) + volume * n_bytes
    end = start + n_bytes
    if content[:2] == _GZIP:
        if end > MAX_UNPACKED_BYTES:
            raise UnreadableImageError(
                f"the uncompressed volume has {end / 2**20:,.0f} MB, more than the "
                f"{MAX_UNPACKED_BYTES // 2**20:,} allowed"
            )
        try:
            content = _unpacked(content, end)
        except _UNPACKING_ERRORS as error:
            raise UnreadableImageError(f"the compressed file is damaged ({error})") from error
    if start < 0 or len(content) < end:
        raise UnreadableImageError("the image is damaged or truncated (voxels are missing)")
    voxels = np.frombuffer(content, dtype, math.prod(shape), offset=start)
    return voxels.reshape(shape, order="F")


def _unpacked(content: bytes, n_bytes: int) -> bytes:
    """Return the first uncompressed bytes; the rest is not read."""
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        parts = []
        while n_bytes > 0 and (part := file.read(min(n_bytes, 2**20))):
            parts.append(part)
            n_bytes -= len(part)
    return b"".join(parts)
