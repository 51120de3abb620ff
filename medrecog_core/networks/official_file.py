"""A file of ImageNet weights that Keras publishes, recognised by its hash."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.settings import read_settings

_MD5_DIGITS = 32


@dataclass(frozen=True)
class OfficialFile:
    """A file as Keras publishes it.

    Attributes
    ----------
    path
        Below the publisher's address.
    hash
        As `keras.applications` states it, in hexadecimal: MD5 or, where it is longer, SHA-256. It
        tells the file from others and from damage; that only Keras has made a file with it, no MD5
        can promise.
    has_head
        Whether the classifier head is in it.
    """

    path: str
    hash: str
    has_head: bool

    @property
    def algorithm(self) -> str:
        """`md5` or `sha256`, by the hash's length, as `keras.utils.get_file` tells them apart."""
        return "md5" if len(self.hash) == _MD5_DIGITS else "sha256"

    @property
    def title(self) -> str:
        """For people."""
        return "ImageNet, Keras official file" + ("" if self.has_head else " without the head")

    @property
    def name(self) -> str:
        """The file's name, also in Keras's own cache."""
        return self.path.rpartition("/")[2]

    @property
    def address(self) -> str:
        """Where it is downloaded from.

        Raises
        ------
        UsageError
            If the mirror that was set has no web address.
        """
        return f"{read_settings().weights_mirror}/{self.path}"

    @property
    def keras_copy(self) -> Path:
        """Where Keras keeps it once a program has downloaded it with Keras."""
        return read_settings().keras_home.expanduser() / "models" / self.name

    def is_at(self, path: Path) -> bool:
        """Return whether a file is the official one."""
        try:
            return file_hash(path, self.algorithm) == self.hash
        except OSError:
            return False


def file_hash(path: Path, algorithm: str) -> str:
    """Return a file's MD5 or SHA-256 in hexadecimal.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False))
    return digest.hexdigest()
