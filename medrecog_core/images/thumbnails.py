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


def thumbnail(path: Path) -> bytes:
    """Return an image file's thumbnail as JPEG bytes, drawn once and then kept.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read or is no usable image.
    """
    content = read_file(path)
    key = hashlib.sha256(content).hexdigest()
    kept = cache_folder().thumbnails / key[:2] / f"{key}-{SIDE}.jpg"
    try:
        return kept.read_bytes()
    except OSError:
        pass
    image = decode_image(content)
    image.thumbnail((SIDE, SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    # A gallery can do without keeping its pictures: a full or read-only disk must not empty it.
    with contextlib.suppress(StorageError):
        atomic_file.write_bytes(kept, buffer.getvalue())
    return buffer.getvalue()
