"""Errors shown to users, each with one or two clear sentences."""


class MedrecogError(Exception):
    """Something failed; the message says what happened and what to do."""


class UsageError(MedrecogError):
    """The request itself is invalid, such as an unknown layer or an input size of 10."""


class StorageError(MedrecogError):
    """The cache folder could not be read or written."""


class StoppedError(MedrecogError):
    """The work was stopped; completed work is saved."""


class UnreadableImageError(MedrecogError):
    """The file is not a usable image; the message is the reason, without the file name.

    A reason may quote what a damaged file contains, so characters that cannot be printed become
    spaces and the reason stays on one line.
    """

    def __init__(self, reason: str) -> None:
        printable = "".join(each if each.isprintable() else " " for each in reason)
        super().__init__(" ".join(printable.split()))
