import io
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medrecog_core.images import (
    GreyRange,
    Rendering,
    UnreadableImageError,
    channels,
    decode_image,
    read_header,
    read_range,
    reading,
)


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
    assert channels.is_tiff(tiff(stain()))
    assert not channels.is_tiff(b"II*")
