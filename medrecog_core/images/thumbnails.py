"""Small copies of images for galleries, kept on disk by the content of the original.

Those that came with a bundle are kept apart, and shown only of images whose file is not here: of a
file that is, this program draws its own.
"""

import contextlib
import hashlib
import io
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.errors import StorageError
from medrecog_core.images.header import read_header
from medrecog_core.images.reading import decode_image, read_file
from medrecog_core.images.refusal import UnreadableImageError
from medrecog_core.images.rendering import PLAIN, Rendering
from medrecog_core.locations import cache_folder

SIDE = 256
"""Longest side of a thumbnail in pixels."""


def thumbnail(
    path: Path, side: int = SIDE, sha256: str = "", rendering: Rendering = PLAIN
) -> bytes:
    """Return an image file's thumbnail as JPEG bytes, drawn once and then kept.

    Parameters
    ----------
    path
        The file.
    side
        Longest side of the thumbnail in pixels.
    sha256
        Of the content that the thumbnail is to show, where the caller knows it; one that is kept is
        then found without reading the file, also where the file is not here.
    rendering
        How stored values become a picture. Where the caller knows the file's mode and frames, give
        `rendering.for_file(mode, n_frames)`, so that plain images share one thumbnail.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read, is no usable image, or has other content than `sha256` says.
    """
    if sha256:
        with contextlib.suppress(OSError):
            return _kept(sha256, side, rendering).read_bytes()
    try:
        content = read_file(path)
    except UnreadableImageError:
        with contextlib.suppress(OSError):
            return bundled_thumbnail(sha256, side, rendering).read_bytes()
        raise
    digest = hashlib.sha256(content).hexdigest()
    if sha256 and digest != sha256:
        raise UnreadableImageError("the file has changed since")
    rendering = _effective(content, rendering)
    kept = _kept(digest, side, rendering)
    with contextlib.suppress(OSError):
        return kept.read_bytes()
    image = decode_image(content, side, rendering)
    image.thumbnail((side, side))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88)
    # A gallery can do without keeping its pictures: a full or read-only disk must not empty it.
    with contextlib.suppress(StorageError):
        atomic_file.write_bytes(kept, buffer.getvalue())
    return buffer.getvalue()


def bundled_thumbnail(sha256: str, side: int = SIDE, rendering: Rendering = PLAIN) -> Path:
    """Return where the thumbnail of that content is kept, if a bundle brought one."""
    return cache_folder().bundled_thumbnails / thumbnail_name(sha256, side, rendering)


def thumbnail_name(sha256: str, side: int = SIDE, rendering: Rendering = PLAIN) -> str:
    """Return the name of a thumbnail's file, relative to the folder of all."""
    identity = rendering.identity
    # Of a rendering, only that it is the same matters, and not all of it can be in a file name.
    suffix = f"-{hashlib.sha256(identity.encode()).hexdigest()[:16]}" if identity else ""
    return f"{sha256[:2]}/{sha256}-{side}{suffix}.jpg"


def _kept(sha256: str, side: int, rendering: Rendering) -> Path:
    return cache_folder().thumbnails / thumbnail_name(sha256, side, rendering)


def _effective(content: bytes, rendering: Rendering) -> Rendering:
    if not rendering.identity:
        return rendering
    try:
        header = read_header(content, rendering.axis)
    except UnreadableImageError:
        return rendering
    return rendering.for_file(header.mode, header.n_frames)
