import base64
import importlib.util
import io
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from medrecog_core.images import (
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    formats,
    is_image_file,
    read_header,
    read_range,
    reading,
    unsupported,
)
from medrecog_core.images.formats import is_heic


def tiff(pixels, **options):
    buffer = io.BytesIO()
    options = {"photometric": "minisblack", "planarconfig": "contig", **options}
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def stain(n_channels=5, dtype=np.uint16, top=4000, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, top, (8, 9, n_channels)).astype(dtype)


def shown(content, **choices):
    return np.asarray(decode_image(content, rendering=Rendering(**choices)))


def in_window(values, low, high):
    return np.rint((np.clip(values.astype(float), low, high) - low) / (high - low) * 255)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "lzw"}])
def test_a_channel_or_the_first_three_are_read(planar, options):
    pixels = stain()
    stored = np.moveaxis(pixels, -1, 0) if planar == "separate" else pixels
    content = tiff(stored, planarconfig=planar, **options)
    expected = in_window(pixels, 0, 4095)
    # Pillow reads compressed planes one by one, and the first alone is what version 0.1.0 showed.
    is_read_in_part = planar == "separate" and options
    first = np.repeat(expected[..., :1], 3, axis=2) if is_read_in_part else expected[..., :3]
    np.testing.assert_array_equal(shown(content), first)
    assert read_header(content).mode == ""
    for channel in range(5):
        found = shown(content, channel=channel, window=(0, 4095))
        np.testing.assert_array_equal(found, np.repeat(expected[..., [channel]], 3, axis=2))
    with pytest.raises(UnreadableImageError, match="5 channels, so there is no channel 5"):
        shown(content, channel=5)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_channels_that_pillow_passes_over_can_be_chosen(options):
    for n_channels, photometric in ((2, "minisblack"), (5, "rgb")):
        pixels = stain(n_channels, np.uint8, 256)
        content = tiff(pixels, photometric=photometric, **options)
        for channel in range(n_channels):
            found = shown(content, channel=channel)
            np.testing.assert_array_equal(found, np.repeat(pixels[..., [channel]], 3, axis=2))


def test_of_two_channels_blue_is_empty():
    pixels = stain(2)
    found = shown(tiff(pixels))
    np.testing.assert_array_equal(found[..., :2], in_window(pixels, 0, 4095))
    assert not found[..., 2].any()


def test_channels_of_8_bits_are_shown_as_they_are():
    pixels = stain(6, np.uint8, 256)
    content = tiff(pixels)
    np.testing.assert_array_equal(shown(content, window=(0, 4095)), pixels[..., :3])
    assert read_range(content) is None


def test_floating_point_colours_need_a_window():
    pixels = np.random.default_rng(0).random((8, 9, 3)).astype(np.float32)
    content = tiff(pixels, photometric="rgb")
    with pytest.raises(UnreadableImageError, match="floating-point numbers"):
        decode_image(content)
    np.testing.assert_array_equal(shown(content, window=(0, 1)), np.rint(pixels * 255.0))


def test_grey_in_double_precision_is_read():
    values = np.linspace(-1, 1, 72).reshape(8, 9)
    content = tiff(values, planarconfig=None)
    expected = in_window(values, -1, 1)
    np.testing.assert_array_equal(shown(content, window=(-1, 1))[..., 0], expected)
    assert read_range(content) == GreyRange(-1, 1, is_unsigned=False)


def test_the_range_is_that_of_what_is_shown():
    pixels = stain()
    for channel in (None, 3):
        of = pixels[..., :3] if channel is None else pixels[..., channel]
        found = read_range(tiff(pixels), Rendering(channel=channel))
        assert found == GreyRange(of.min(), of.max())


def test_pages_are_frames():
    buffer = io.BytesIO()
    pages = [stain(seed=seed) for seed in range(3)]
    with tifffile.TiffWriter(buffer) as file:
        for page in pages:
            file.write(page, photometric="minisblack", planarconfig="contig")
    content = buffer.getvalue()
    header = read_header(content)
    assert (header.format, header.width, header.height, header.mode) == ("TIFF", 9, 8, "")
    assert header.n_frames == 3
    found = shown(content, frame="middle", window=(0, 4095))
    np.testing.assert_array_equal(found, in_window(pages[1], 0, 4095)[..., :3])


def test_32_bits_without_a_sign_are_read_as_such():
    values = np.array([[0, 2**31, 2**32 - 1]], np.uint32)
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values)
    assert read_range(buffer.getvalue()) == GreyRange(0, 2**32 - 1)
    assert shown(buffer.getvalue(), window=(0, 2**32))[0, :, 0].tolist() == [0, 128, 255]


def test_too_many_pixels_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_PIXELS", 71)
    with pytest.raises(UnreadableImageError, match="million pixels, more than"):
        decode_image(tiff(stain()))


def test_a_part_that_unpacks_to_too_much_is_refused_before():
    content = tiff(np.zeros((8, 9, 5), np.uint16), compression="zlib")
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        (start,), (n_bytes,) = file.pages[0].dataoffsets, file.pages[0].databytecounts
        place = content.index(n_bytes.to_bytes(4, "little"), 8, 400) if n_bytes > 255 else None
    bomb = zlib.compress(bytes(10**6))
    content = content[:start] + bomb
    if place is None:
        entry = content.index((279).to_bytes(2, "little"))
        content = content[: entry + 8] + len(bomb).to_bytes(4, "little") + content[entry + 12 :]
    with pytest.raises(
        UnreadableImageError, match=r"the image is damaged \(a part expands to too many bytes"
    ):
        decode_image(content)


def test_other_compressions_are_named():
    content = tiff(stain(5), compression="zstd")
    with pytest.raises(UnreadableImageError, match="5 channels of uint16 compressed as ZSTD"):
        decode_image(content)


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
def test_any_damage_is_refused_or_a_picture(data):
    options = data.draw(st.sampled_from([{}, {"compression": "zlib"}, {"compression": "lzw"}]))
    content = bytearray(tiff(stain(), **options))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(4, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(4, len(content)))])
    for read in (decode_image, read_header, read_range):
        try:
            found = read(content)
        except UnreadableImageError as error:
            assert str(error)
        else:
            assert not isinstance(found, Image.Image) or found.mode == "RGB"


def test_other_files_are_none():
    assert formats.is_tiff(tiff(stain()))
    assert not formats.is_tiff(b"II*")


def pgm(values, largest, kind=b"P5"):
    head = b"%b\n%d %d\n%d\n" % (kind, values.shape[1], values.shape[0], largest)
    if kind == b"P2":
        return head + b"\n".join(b" ".join(b"%d" % v for v in row) for row in values)
    return head + values.astype(">u2" if largest > 255 else "u1").tobytes()


@pytest.mark.parametrize("kind", [b"P2", b"P5"])
@given(arrays(np.uint16, array_shapes(min_dims=2, max_dims=2, max_side=6)), st.data())
def test_stored_values_and_the_range_of_the_header_are_kept(kind, values, data):
    largest = data.draw(st.integers(max(int(values.max()), 256), 65535))
    content = pgm(values, largest, kind)
    found = np.asarray(decode_image(content))[..., 0]
    np.testing.assert_allclose(found, values / largest * 255, atol=0.5001)
    assert read_range(content) == GreyRange(values.min(), values.max())
    windowed = np.asarray(decode_image(content, rendering=Rendering(window=(10, 265))))[..., 0]
    np.testing.assert_array_equal(windowed, values.astype(int).clip(10, 265) - 10)


@pytest.mark.parametrize("kind", [b"P2", b"P5"])
def test_8_bits_are_plain(kind):
    values = np.arange(256).reshape(16, 16)
    content = pgm(values, 255, kind)
    np.testing.assert_array_equal(np.asarray(decode_image(content))[..., 0], values)
    assert read_header(content).mode == "L"
    assert read_range(content) is None


def test_colours_and_bits_are_read():
    colours = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    found = decode_image(b"P6\n# a comment\n4 2\n255\n" + colours.tobytes())
    np.testing.assert_array_equal(np.asarray(found), colours)
    bits = np.asarray(decode_image(b"P1\n3 1\n1 0 1\n"))[..., 0]
    assert bits.tolist() == [[0, 255, 0]]


@pytest.mark.parametrize("kind", [b"P2", b"P5"])
def test_missing_values_are_refused(kind):
    content = pgm(np.full((6, 6), 4000), 4095, kind)
    for read in (decode_image, read_range):
        with pytest.raises(UnreadableImageError, match="damaged or truncated"):
            read(content[:-9])


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


def test_other_files_are_no_heic():
    assert is_heic(PHOTO)
    assert not is_heic(PHOTO[:11])
    assert not is_heic(b"\0\0\0\x20ftypavif" + bytes(20))
