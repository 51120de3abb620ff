"""Safe reading of image files, and the pixels that a network reads."""

from medrecog_core.images.preprocessing import (
    PREPROCESSINGS,
    REPORT_SCALES,
    SQUEEZE,
    Preprocessing,
    check_scale,
    find_preprocessing,
    preprocessing_of_version,
    squeeze,
)
from medrecog_core.images.reading import (
    FORMATS,
    SUFFIXES,
    UnreadableImageError,
    decode_image,
    read_file,
    read_image,
)
from medrecog_core.images.thumbnails import thumbnail

__all__ = [
    "FORMATS",
    "PREPROCESSINGS",
    "REPORT_SCALES",
    "SQUEEZE",
    "SUFFIXES",
    "Preprocessing",
    "UnreadableImageError",
    "check_scale",
    "decode_image",
    "find_preprocessing",
    "preprocessing_of_version",
    "read_file",
    "read_image",
    "squeeze",
    "thumbnail",
]
