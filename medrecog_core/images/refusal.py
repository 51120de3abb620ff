"""Why an image file cannot be used."""

from medrecog_core.errors import MedrecogError


class UnreadableImageError(MedrecogError):
    """The file is not an image that can be used; the message is the reason, without the name."""
