"""Errors shown to users, each with one or two clear sentences."""


class MedrecogError(Exception):
    """Something failed; the message says what happened and what to do."""


class UsageError(MedrecogError):
    """The request itself is invalid, such as an unknown layer or an input size of 10."""


class StorageError(MedrecogError):
    """The cache folder could not be read or written."""


class StoppedError(MedrecogError):
    """The work was stopped; completed work is saved."""
