"""Small copies of images for galleries, kept on disk by the content of the original."""

import contextlib
import hashlib
import io
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.errors import StorageError
from medrecog_core.images.reading import decode_image, read_file
from medrecog_core.locations import cache_folder

SIDE = 256
"""Longest side of a thumbnail in pixels."""


def thumbnail(path: Path, side: int = SIDE, sha256: str = "") -> bytes:
    """Return an image file's thumbnail as JPEG bytes, drawn once and then kept.

    Parameters
    ----------
    path
        The file.
    side
        Longest side of the thumbnail in pixels.
    sha256
        Of the file's content, where the caller knows that it has not changed; a thumbnail that is
        kept is then found without reading the file.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read or is no usable image.
    """
    if sha256:
        with contextlib.suppress(OSError):
            return _kept(sha256, side).read_bytes()
    content = read_file(path)
    kept = _kept(hashlib.sha256(content).hexdigest(), side)
    with contextlib.suppress(OSError):
        return kept.read_bytes()
    image = decode_image(content, at_least=side)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    # A gallery can do without keeping its pictures: a full or read-only disk must not empty it.
    with contextlib.suppress(StorageError):
        atomic_file.write_bytes(kept, buffer.getvalue())
    return buffer.getvalue()


def _kept(sha256: str, side: int) -> Path:
    return cache_folder().thumbnails / sha256[:2] / f"{sha256}-{side}.jpg"
