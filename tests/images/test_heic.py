import base64
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medrecog_core.images import (
    UnreadableImageError,
    decode_image,
    is_image_file,
    read_header,
    read_range,
    unsupported,
)
from medrecog_core.images.heic import is_heic

# 64 x 64 pixels, red on the left and blue on the right, made by pillow-heif.
PHOTO = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAA"
    "AAAAAAAAAAAAACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAACsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAA"
    "AAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34"
    "+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmu"
    "bgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAA"
    "QAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAADNtZGF0AAAAJygBrxOA5TPAn//sSo//"
    "bnzw+7sQqv/3J10fzg+P/w+M3KRX/9KK8A=="
)
IS_INSTALLED = importlib.util.find_spec("pi_heif") is not None


@pytest.mark.skipif(not IS_INSTALLED, reason="pi-heif is optional")
def test_a_photo_is_read():
    pixels = np.asarray(decode_image(PHOTO)).astype(int)
    assert np.abs(pixels[:, :28] - [200, 40, 40]).max() < 12
    assert np.abs(pixels[:, 36:] - [40, 40, 200]).max() < 12
    header = read_header(PHOTO)
    assert (header.width, header.height, header.mode, header.n_frames) == (64, 64, "RGB", 1)
    assert read_range(PHOTO) is None


@pytest.mark.skipif(not IS_INSTALLED, reason="pi-heif is optional")
@pytest.mark.parametrize("length", [13, 100, 300, 400])
def test_a_truncated_photo_is_refused(length):
    with pytest.raises(UnreadableImageError):
        decode_image(PHOTO[:length])


def test_without_the_package_a_photo_is_refused_and_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    for read in (decode_image, read_header):
        with pytest.raises(UnreadableImageError, match="pi-heif"):
            read(PHOTO)


def test_the_ending_is_either_read_or_named_as_not():
    for name in ("a.heic", "IMG_1.HEIF"):
        assert is_image_file(Path(name)) == IS_INSTALLED
        assert bool(unsupported(Path(name))) != IS_INSTALLED


def test_other_files_are_none():
    assert is_heic(PHOTO)
    assert not is_heic(PHOTO[:11])
    assert not is_heic(b"\0\0\0\x20ftypavif" + bytes(20))
