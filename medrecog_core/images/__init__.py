"""Safe reading of image files, and the square that a network reads."""

from medrecog_core.images.header import ImageHeader, read_header
from medrecog_core.images.preprocessing import REPORT_SCALES, SQUEEZE, check_scale, squeeze
from medrecog_core.images.reading import (
    FORMATS,
    SUFFIXES,
    UnreadableImageError,
    decode_image,
    is_image_file,
    read_file,
    read_image,
)
from medrecog_core.images.thumbnails import thumbnail

__all__ = [
    "FORMATS",
    "REPORT_SCALES",
    "SQUEEZE",
    "SUFFIXES",
    "ImageHeader",
    "UnreadableImageError",
    "check_scale",
    "decode_image",
    "is_image_file",
    "read_file",
    "read_header",
    "read_image",
    "squeeze",
    "thumbnail",
]
