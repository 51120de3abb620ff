"""HEIC files, read by the optional package pi-heif."""

import importlib.util

from PIL import Image

from medrecog_core.images.refusal import UnreadableImageError

SUFFIXES = frozenset({".heic", ".heif"})
FORMAT = "HEIF"
"""Name of the format in Pillow, once the plug-in is registered."""
HOW_TO_INSTALL = "install the package pi-heif (pip install -r requirements-formats.txt)"

_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def is_heic(content: bytes) -> bool:
    """Return whether bytes begin like a HEIC file (ISO/IEC 23008-12)."""
    return content[4:8] == b"ftyp" and content[8:12] in _BRANDS and b"avif" not in content[12:64]


def is_installed() -> bool:
    """Return whether HEIC files can be read here."""
    return importlib.util.find_spec("pi_heif") is not None


def register() -> None:
    """Make Pillow read HEIC files.

    Raises
    ------
    UnreadableImageError
        If the package that reads them is not installed.
    """
    if FORMAT in Image.OPEN:
        return
    try:
        import pi_heif
    except ImportError:
        raise UnreadableImageError(
            f"HEIC images are not supported; save them as JPEG or {HOW_TO_INSTALL}"
        ) from None
    pi_heif.register_heif_opener()
