"""The error of an unusable image file."""

from medrecog_core.errors import MedrecogError


class UnreadableImageError(MedrecogError):
    """The file is not a usable image; the message is the reason, without the file name.

    A reason may quote what a damaged file contains, so characters that cannot be printed become
    spaces and the reason stays on one line.
    """

    def __init__(self, reason: str) -> None:
        printable = "".join(each if each.isprintable() else " " for each in reason)
        super().__init__(" ".join(printable.split()))
