"""The files of ImageNet weights that Keras publishes, recognised by their MD5."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.networks.layer_table import Network

MIRROR_VARIABLE = "MEDRECOG_WEIGHTS_MIRROR"
_PUBLISHER = "https://storage.googleapis.com/tensorflow/keras-applications"


@dataclass(frozen=True)
class OfficialFile:
    """A file as Keras publishes it.

    Attributes
    ----------
    path
        Below the publisher's address.
    md5
        As `keras.applications` states it. It tells the file from others and from damage; that
        only Keras has made a file with it, no MD5 can promise.
    title
        For people.
    has_head
        Whether the classifier head is in it.
    """

    path: str
    md5: str
    title: str
    has_head: bool

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
        mirror = os.environ.get("MEDRECOG_WEIGHTS_MIRROR") or _PUBLISHER
        if not mirror.startswith(("https://", "http://")):
            raise UsageError(
                f"The environment variable {MIRROR_VARIABLE} is “{mirror}”: "
                "give an address that begins with https:// or http://, or unset it."
            )
        return f"{mirror.rstrip('/')}/{self.path}"

    @property
    def keras_copy(self) -> Path:
        """Where Keras keeps it once a program has downloaded it with Keras."""
        named = os.environ.get("KERAS_HOME")
        home = Path(named).expanduser() if named else Path.home() / ".keras"
        return home / "models" / self.name

    def is_at(self, path: Path) -> bool:
        """Return whether a file is the official one."""
        try:
            return file_md5(path) == self.md5
        except OSError:
            return False


OFFICIAL_FILES: dict[str, tuple[OfficialFile, ...]] = {
    "vgg19": (
        OfficialFile(
            "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
            "cbe5617147190e668d6c5d5026f83318",
            "ImageNet, Keras official file",
            has_head=True,
        ),
        OfficialFile(
            "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "253f8cb515780f3b799900260a226db6",
            "ImageNet, Keras official file without the head",
            has_head=False,
        ),
    )
}
"""A network's name to its official files."""


def complete_file(network: Network) -> OfficialFile:
    """Return the network's official file with the head.

    Raises
    ------
    MedrecogError
        If there is none.
    """
    for file in OFFICIAL_FILES.get(network.name, ()):
        if file.has_head:
            return file
    raise MedrecogError(f"No official file of {network.title} is known: import one instead.")


def recognise(network: Network, path: Path) -> OfficialFile | None:
    """Return the official file that a file is, None where it is another.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    md5 = file_md5(path)
    return next((f for f in OFFICIAL_FILES.get(network.name, ()) if f.md5 == md5), None)


def file_md5(path: Path) -> str:
    """Return a file's MD5.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
