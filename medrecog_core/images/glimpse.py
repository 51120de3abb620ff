"""Glimpses: what is known of an image without looking closely, stored by content."""

import base64
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from pydantic import TypeAdapter

from medrecog_core import atomic_file
from medrecog_core.errors import StorageError, UnreadableImageError
from medrecog_core.images.properties import read_header

SIDE = 16
"""Side of the small image in pixels."""

_VERSION = 1
_Row = tuple[int, int, str, int, int, str]
_ROWS = TypeAdapter(dict[str, _Row])


@dataclass(frozen=True)
class Glimpse:
    """Properties of an image file, and the image as a few pixels.

    Attributes
    ----------
    width, height
        In pixels, as stored.
    mode
        Pillow's mode of the stored pixels; empty for files that Pillow does not read.
    jpeg_quality
        See `estimate_jpeg_quality`; 0 if the file is not a JPEG.
    n_bytes
        Size of the file.
    small
        The image squeezed into `SIDE` x `SIDE` pixels, base64 of uint8 in rows, RGB.
    """

    width: int
    height: int
    mode: str
    jpeg_quality: int
    n_bytes: int
    small: str

    @classmethod
    def of(cls, content: bytes, image: Picture.Image) -> "Glimpse":
        """Return the glimpse of a decoded image.

        Parameters
        ----------
        content
            The bytes of its file.
        image
            What they were decoded to, RGB.
        """
        try:
            header = read_header(content)
            known = header.width, header.height, header.mode, header.jpeg_quality
        except UnreadableImageError:
            # Formats that Pillow does not read.
            known = *image.size, "", 0
        small = np.asarray(image.resize((SIDE, SIDE), Picture.Resampling.BOX), np.uint8)
        return cls(*known, len(content), base64.b64encode(small.tobytes()).decode("ascii"))

    @property
    def pixels(self) -> np.ndarray:
        """The small image, float32, shape (SIDE, SIDE, 3), from 0 to 255."""
        values = np.frombuffer(base64.b64decode(self.small), np.uint8)
        return values.astype(np.float32).reshape(SIDE, SIDE, 3)


GlimpseKey = tuple[str, str]
"""The content and the identity of the rendering, as `Image.identity`."""


def read_glimpses(file: Path) -> dict[GlimpseKey, Glimpse]:
    """Return the glimpses in a file; none if it is missing or damaged."""
    try:
        document = atomic_file.read_json(file)
        if document["version"] != _VERSION:
            return {}
        rows = _ROWS.validate_python(document["images"])
        found = {_key(text): Glimpse(*row) for text, row in rows.items()}
        return {key: each for key, each in found.items() if each.pixels.size}
    except (FileNotFoundError, StorageError, KeyError, TypeError, ValueError):
        return {}


def write_glimpses(file: Path, glimpses: Mapping[GlimpseKey, Glimpse]) -> None:
    """Add glimpses to those in a file.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    # Another process may have written to it in the meantime.
    every = {**read_glimpses(file), **glimpses}
    rows = {"/".join(key): astuple(glimpse) for key, glimpse in every.items()}
    atomic_file.write_json(file, {"version": _VERSION, "images": rows}, indent=None)


def _key(text: str) -> GlimpseKey:
    sha256, _, identity = text.partition("/")
    return sha256, identity
