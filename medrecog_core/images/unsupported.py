"""Unsupported image files, recognised by their ending, and what to do about each."""

from pathlib import Path

from medrecog_core.images import formats
from medrecog_core.images.reading import SUFFIXES, image_suffix

_SLIDE = ("a whole-slide image", "export regions as PNG or JPEG, for example with QuPath")
_MICROSCOPE = ("a microscope file", "export it as TIFF, for example with Fiji (Bio-Formats)")
_RAW = ("a raw photo", "export it as JPEG or 16-bit TIFF")
_LAYERS = ("an image with layers", "export it as PNG or TIFF")
_VOLUME = ("a volume", "convert it to NIfTI (.nii.gz), for example with 3D Slicer")
_VECTOR = ("a vector graphic", "export it as PNG")
_VIDEO = ("a video", "extract frames as PNG or JPEG, for example with ffmpeg")
_PICTURE = ("an image in an unsupported format", "save it as PNG")

_KINDS = {
    **dict.fromkeys((".svs", ".ndpi", ".ndpis", ".mrxs", ".scn", ".vms", ".vmu", ".bif"), _SLIDE),
    **dict.fromkeys((".isyntax", ".svslide", ".sdpc", ".kfb"), _SLIDE),
    **dict.fromkeys((".czi", ".lif", ".nd2", ".oib", ".oif", ".vsi", ".lsm", ".zvi"), _MICROSCOPE),
    **dict.fromkeys((".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2"), _RAW),
    **dict.fromkeys((".raf", ".pef"), _RAW),
    **dict.fromkeys((".psd", ".psb", ".xcf", ".kra"), _LAYERS),
    **dict.fromkeys((".mha", ".mhd", ".nrrd", ".nhdr", ".img", ".hdr", ".mgz", ".mgh"), _VOLUME),
    **dict.fromkeys((".mnc", ".v3d"), _VOLUME),
    **dict.fromkeys((".svg", ".eps", ".ai", ".wmf", ".emf"), _VECTOR),
    **dict.fromkeys((".avi", ".mp4", ".mov", ".mpg", ".mpeg", ".mkv", ".wmv", ".webm"), _VIDEO),
    **dict.fromkeys((".jxl", ".jxr", ".wdp", ".tga", ".ico", ".dds", ".exr", ".pcx"), _PICTURE),
    **dict.fromkeys((".jpm", ".jls", ".sgi", ".avif"), _PICTURE),
    **dict.fromkeys(
        formats.HEIC_SUFFIXES,
        ("a HEIC photo", f"save it as JPEG, or {formats.HOW_TO_INSTALL_HEIC}"),
    ),
    ".fits": ("an astronomical image", "save it as 16-bit TIFF"),
    ".pdf": ("a document", "extract its images as PNG"),
}
UNSUPPORTED_SUFFIXES = frozenset(_KINDS) - SUFFIXES
"""Endings of files that are or contain images and are not supported."""


def unsupported(path: Path) -> str:
    """Return why an image file is not supported, by its ending; empty for all other files."""
    suffix = image_suffix(path)
    if suffix not in UNSUPPORTED_SUFFIXES:
        return ""
    kind, remedy = _KINDS[suffix]
    return f"{suffix} is {kind}, which is not supported; {remedy}"
