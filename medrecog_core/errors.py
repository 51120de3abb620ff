"""Errors that people are meant to read: each is one clear sentence."""


class MedrecogError(Exception):
    """Something could not be done; the message says what and what to do about it."""


class UsageError(MedrecogError):
    """The request itself is wrong (an unknown layer, a scale of 10), whatever is on the disk."""


class StorageError(MedrecogError):
    """The cache folder could not be read or written."""


class StoppedError(MedrecogError):
    """The work was asked to stop; everything already computed has been kept."""
