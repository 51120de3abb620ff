"""The error of an unusable image file."""

from medrecog_core.errors import MedrecogError


class UnreadableImageError(MedrecogError):
    """The file is not a usable image; the message is the reason, without the file name."""
