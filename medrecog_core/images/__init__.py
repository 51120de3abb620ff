"""Safe reading of image files, and preparation of pixels for a network."""

from medrecog_core.errors import UnreadableImageError
from medrecog_core.images.decoding import decode_one_at_a_time, decoding_turn
from medrecog_core.images.folds import stratified_folds
from medrecog_core.images.glimpse import Glimpse, read_glimpses, write_glimpses
from medrecog_core.images.image import Image
from medrecog_core.images.preprocessing import (
    DEFAULT_PREPROCESSING,
    KEEP_ASPECT,
    PREPROCESSINGS,
    REPORT_SCALES,
    SQUEEZE,
    VIEWS,
    Preprocessing,
    check_scale,
    find_preprocessing,
    preprocessing_of_version,
    squeeze,
)
from medrecog_core.images.properties import (
    GreyRange,
    ImageHeader,
    choose_window,
    is_without_content,
    read_header,
    read_range,
)
from medrecog_core.images.reading import (
    FORMATS,
    SUFFIXES,
    UNSUPPORTED_SUFFIXES,
    decode_image,
    image_suffix,
    is_image_file,
    read_file,
    read_image,
    unsupported,
)
from medrecog_core.images.rendering import PLAIN, Rendering
from medrecog_core.images.thumbnails import thumbnail

__all__ = [
    "DEFAULT_PREPROCESSING",
    "FORMATS",
    "KEEP_ASPECT",
    "PLAIN",
    "PREPROCESSINGS",
    "REPORT_SCALES",
    "SQUEEZE",
    "SUFFIXES",
    "UNSUPPORTED_SUFFIXES",
    "VIEWS",
    "Glimpse",
    "GreyRange",
    "Image",
    "ImageHeader",
    "Preprocessing",
    "Rendering",
    "UnreadableImageError",
    "check_scale",
    "choose_window",
    "decode_image",
    "decode_one_at_a_time",
    "decoding_turn",
    "find_preprocessing",
    "image_suffix",
    "is_image_file",
    "is_without_content",
    "preprocessing_of_version",
    "read_file",
    "read_glimpses",
    "read_header",
    "read_image",
    "read_range",
    "squeeze",
    "stratified_folds",
    "thumbnail",
    "unsupported",
    "write_glimpses",
]
