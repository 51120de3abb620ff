"""Archives, good and bad."""

import io
import tarfile
import zipfile
from pathlib import Path

from PIL import Image


def _png() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    return buffer.getvalue()


PNG = _png()
"""A picture, whatever the name it is given."""


def pack(path: Path, members: list[tuple[str, bytes]]) -> Path:
    """Write an archive of (name, content); a name may stand twice."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in members:
                opened.writestr(zipfile.ZipInfo(name), content)
    else:
        compression = "gz" if path.name.endswith("gz") else ""
        with tarfile.open(path, f"w:{compression}") as opened:
            for name, content in members:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                opened.addfile(info, io.BytesIO(content))
    return path
