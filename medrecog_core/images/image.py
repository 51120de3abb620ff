"""An image: a file known by its content, how it is rendered, and what it shows."""

from dataclasses import dataclass
from pathlib import Path

from medrecog_core.images.rendering import PLAIN, Rendering


@dataclass(frozen=True)
class Image:
    """An image as it is read, trained on, tested and shown.

    Attributes
    ----------
    path
        Path of its file; empty if it is not known, as in a model imported without paths.
    sha256
        SHA-256 of its file, in hexadecimal.
    label, group
        Its class, and its patient or lesion; empty if not known.
    rendering
        How the stored values of the file become an image; `PLAIN` for plain images.
    """

    path: str
    sha256: str
    label: str = ""
    group: str = ""
    rendering: Rendering = PLAIN

    @property
    def file(self) -> Path:
        """Its file."""
        return Path(self.path)

    @property
    def identity(self) -> tuple[str, str]:
        """What determines its pixels: the content and the identity of the rendering."""
        return self.sha256, self.rendering.identity

    @property
    def name(self) -> str:
        """The path, followed by the frame if one is chosen by number."""
        frame = self.rendering.frame
        return f"{self.path}#{frame}" if isinstance(frame, int) else self.path
