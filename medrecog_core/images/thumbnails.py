"""Thumbnails for galleries, stored by the content of the original.

Those from bundles are stored separately, and used only for images whose file is not on this
machine.
"""

import contextlib
import hashlib
import io
from pathlib import Path

from medrecog_core import atomic_file
from medrecog_core.errors import StorageError, UnreadableImageError
from medrecog_core.images.properties import read_header
from medrecog_core.images.reading import decode_image, read_file
from medrecog_core.images.rendering import PLAIN, Rendering
from medrecog_core.locations import cache_folder

SIDE = 256
"""Longest side of a thumbnail in pixels."""


def thumbnail(
    path: Path, side: int = SIDE, sha256: str = "", rendering: Rendering = PLAIN
) -> bytes:
    """Return the thumbnail of an image file as JPEG bytes, generated once and then stored.

    Parameters
    ----------
    path
        The file.
    side
        Longest side of the thumbnail in pixels.
    sha256
        SHA-256 of the content, if known; a stored thumbnail is then found without reading the file,
        even if the file is missing.
    rendering
        How stored values become an image. If the mode and frames of the file are known, use
        `rendering.for_file(mode, n_frames)`, so that plain images share one thumbnail.

    Raises
    ------
    UnreadableImageError
        If the file cannot be read, is not a usable image, or its content does not match `sha256`.
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
    # A gallery also works without storing thumbnails, on a full or read-only disk.
    with contextlib.suppress(StorageError):
        atomic_file.write_bytes(kept, buffer.getvalue())
    return buffer.getvalue()


def bundled_thumbnail(sha256: str, side: int = SIDE, rendering: Rendering = PLAIN) -> Path:
    """Return the thumbnail of that content from a bundle, if there is one."""
    return cache_folder().bundled_thumbnails / thumbnail_name(sha256, side, rendering)


def thumbnail_name(sha256: str, side: int = SIDE, rendering: Rendering = PLAIN) -> str:
    """Return the path of a thumbnail, relative to the folder of thumbnails."""
    identity = rendering.identity
    # A hash of the rendering, because its identity may not be valid in a file name.
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
