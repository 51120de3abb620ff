import struct
import zlib
from pathlib import Path

import pytest


def png(number: int) -> bytes:
    """A grey PNG of one pixel; every number gives other bytes, of one length."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(bytes([0, number % 256]), 0)
    text = b"n\0" + str(number).zfill(8).encode()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"tEXt", text)
        + chunk(b"IDAT", pixel)
        + chunk(b"IEND", b"")
    )


def write_tree(root: Path, *paths: str, start: int = 0) -> Path:
    """Write files with different contents below a folder."""
    for number, path in enumerate(paths, start):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(png(number))
    return root


@pytest.fixture
def tree(tmp_path):
    """Write images of different contents below a folder, and return it."""

    def write(*paths: str, folder: str = "set") -> Path:
        (tmp_path / folder).mkdir(exist_ok=True)
        start = sum(1 for file in tmp_path.rglob("*") if file.is_file())
        return write_tree(tmp_path / folder, *paths, start=start)

    return write


@pytest.fixture
def folder(tree):
    """Write images, and tables by their names, and return the folder."""

    def write(*images, **tables):
        root = tree(*images)
        for name, text in tables.items():
            stem, _, suffix = name.rpartition("_")
            file = root / f"{stem.replace('__', '/')}.{suffix}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return root

    return write
