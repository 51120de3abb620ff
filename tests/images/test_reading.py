import contextlib
import io
import os
import struct
import time
import zlib
from functools import cache as once
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from medrecog_core.images import (
    FORMATS,
    PLAIN,
    SUFFIXES,
    UNSUPPORTED_SUFFIXES,
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    is_image_file,
    read_file,
    read_header,
    read_image,
    read_range,
    reading,
    unsupported,
)

LOSSLESS = ("PNG", "TIFF", "BMP", "WEBP", "PPM", "JPEG2000")
SIZE = (37, 23)


def noise(*shape, top=256, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, top, shape, dtype=dtype)


def encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def decode(content):
    image = decode_image(content)
    assert image.mode == "RGB"
    return np.asarray(image)


def grey_as_rgb(pixels):
    return np.repeat(pixels[..., None], 3, axis=2)


def over_white(rgb, alpha):
    share = alpha[..., None] / 255
    return rgb * share + 255 * (1 - share)


def one_bit_png(side):
    """A whole PNG, made row by row, so that a huge one costs no memory."""
    packed = zlib.compressobj(9)
    rows = b"".join(packed.compress(bytes(1 + side // 8)) for _ in range(side)) + packed.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


@pytest.mark.parametrize("format", LOSSLESS)
def test_lossless_formats_give_every_pixel_back(format):
    pixels = noise(*SIZE[::-1], 3)
    options = {"lossless": True} if format == "WEBP" else {}
    content = encode(Image.fromarray(pixels), format, **options)
    np.testing.assert_array_equal(decode(content), pixels)


@pytest.mark.parametrize("format", ["JPEG", "WEBP"])
def test_lossy_formats_stay_close(format):
    row, column = np.mgrid[: SIZE[1], : SIZE[0]]
    pixels = np.dstack([row * 5, column * 4, 128 + row + column]).astype(np.uint8)
    decoded = decode(encode(Image.fromarray(pixels), format, quality=95))
    assert decoded.shape == pixels.shape
    assert np.abs(decoded.astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("format", LOSSLESS)
def test_grey_is_spread_over_three_channels(format):
    grey = noise(*SIZE[::-1])
    options = {"lossless": True} if format == "WEBP" else {}
    decoded = decode(encode(Image.fromarray(grey), format, **options))
    np.testing.assert_array_equal(decoded, grey_as_rgb(grey))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_black_and_white_becomes_0_and_255(format):
    bits = noise(*SIZE[::-1], top=2).astype(bool)
    decoded = decode(encode(Image.fromarray(bits), format))
    np.testing.assert_array_equal(decoded, grey_as_rgb(np.where(bits, 255, 0)))


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_12_bit_grey_is_scaled_from_4095(format):
    values = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    decoded = decode(encode(Image.fromarray(values), format))
    np.testing.assert_array_equal(decoded, grey_as_rgb(np.rint(values / 4095 * 255)))


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_from_65535(format):
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    decoded = decode(encode(Image.fromarray(values), format))
    np.testing.assert_array_equal(decoded, grey_as_rgb(np.rint(values / 65535 * 255)))


@pytest.mark.parametrize(("brightest", "grey_of_4000"), [(4095, 249), (4096, 16)])
def test_one_pixel_above_12_bits_makes_16(brightest, grey_of_4000):
    values = np.array([[4000, brightest]], dtype=np.uint16)
    assert decode(encode(Image.fromarray(values), "PNG"))[0, 0].tolist() == [grey_of_4000] * 3


def test_big_endian_16_bit_tiff_is_read_alike():
    values = noise(*SIZE[::-1], top=4096, dtype=np.uint16)
    frame = Image.frombytes("I;16B", SIZE, values.astype(">u2").tobytes())
    decoded = decode(encode(frame, "TIFF"))
    np.testing.assert_array_equal(decoded, grey_as_rgb(np.rint(values / 4095 * 255)))


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 4095)])
def test_a_tiff_whose_zero_is_white_is_inverted_at_any_depth(dtype, top):
    values = noise(*SIZE[::-1], top=256, dtype=dtype)
    values[0, 0] = top
    stored = Image.fromarray(values)
    content = bytearray(encode(stored, "TIFF"))
    # Pillow itself inverts 8 bits when told to save this, so the tag is set in the bytes.
    tag = content.index(struct.pack("<HHI", 262, 3, 1))
    content[tag + 8 : tag + 10] = struct.pack("<H", 0)
    expected = 255 - np.rint(values / top * 255)
    np.testing.assert_array_equal(decode(bytes(content)), grey_as_rgb(expected))


def test_16_bit_grey_with_a_transparent_value_is_white_there_alone():
    values = np.array([[0, 1000, 4095]], dtype=np.uint16)
    decoded = decode(encode(Image.fromarray(values), "PNG", transparency=1000))
    assert decoded[0, :, 0].tolist() == [0, 255, 255]
    opaque = decode(encode(Image.fromarray(values), "PNG"))
    assert opaque[0, :, 0].tolist() == [0, 62, 255]


def test_palette_colours_are_looked_up():
    palette = noise(4, 3)
    indices = noise(*SIZE[::-1], top=4)
    image = Image.fromarray(indices, "L").convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(palette.ravel().tolist())
    np.testing.assert_array_equal(decode(encode(image, "PNG")), palette[indices])


def test_a_transparent_palette_colour_becomes_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    decoded = decode(encode(image, "PNG", transparency=0))
    assert decoded[0].tolist() == [[255, 255, 255], [200, 100, 50]]


def test_a_palette_with_partial_transparency_is_laid_over_white():
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((1, 0), 1)
    decoded = decode(encode(image, "PNG", transparency=bytes([128, 255])))
    colours = np.array([[[10, 20, 30], [200, 100, 50]]])
    expected = over_white(colours, np.array([[128, 255]]))
    np.testing.assert_allclose(decoded, expected, atol=1)


def test_a_transparent_colour_of_an_rgb_png_becomes_white():
    pixels = np.array([[[1, 2, 3], [4, 5, 6]]], dtype=np.uint8)
    decoded = decode(encode(Image.fromarray(pixels), "PNG", transparency=(1, 2, 3)))
    assert decoded[0].tolist() == [[255, 255, 255], [4, 5, 6]]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_rgba_is_laid_over_white(format):
    pixels = noise(*SIZE[::-1], 4)
    pixels[0, 0, 3], pixels[0, 1, 3] = 0, 255
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    decoded = decode(encode(Image.fromarray(pixels), format, **options))
    np.testing.assert_allclose(decoded, over_white(pixels[..., :3], pixels[..., 3]), atol=1)
    assert decoded[0, 0].tolist() == [255, 255, 255]
    assert decoded[0, 1].tolist() == pixels[0, 1, :3].tolist()


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_grey_with_alpha_is_laid_over_white(format):
    pixels = noise(*SIZE[::-1], 2)
    decoded = decode(encode(Image.fromarray(pixels, "LA"), format))
    expected = over_white(grey_as_rgb(pixels[..., 0]), pixels[..., 1])
    np.testing.assert_allclose(decoded, expected, atol=1)


@pytest.mark.parametrize(
    ("cmyk", "rgb"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 0, 0, 255), (0, 0, 0)),
    ],
)
def test_cmyk_jpegs_show_the_colour_that_their_inks_mix(cmyk, rgb):
    decoded = decode(encode(Image.new("CMYK", (16, 16), cmyk), "JPEG", quality=95))
    np.testing.assert_allclose(decoded, np.broadcast_to(rgb, decoded.shape), atol=3)


UPRIGHT_OF_ORIENTATION = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", UPRIGHT_OF_ORIENTATION)
def test_exif_orientation_is_applied_once(orientation, format):
    stored = noise(*SIZE[::-1], 3)
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if format == "WEBP" else {}
    decoded = decode(encode(Image.fromarray(stored), format, exif=exif, **options))
    np.testing.assert_array_equal(decoded, UPRIGHT_OF_ORIENTATION[orientation](stored))


@pytest.mark.parametrize("orientation", UPRIGHT_OF_ORIENTATION)
def test_exif_orientation_of_a_jpeg_is_that_of_its_decoded_pixels(orientation):
    image = Image.fromarray(noise(24, 40, 3))
    exif = Image.Exif()
    exif[0x0112] = orientation
    as_stored = decode(encode(image, "JPEG"))
    decoded = decode(encode(image, "JPEG", exif=exif))
    np.testing.assert_array_equal(decoded, UPRIGHT_OF_ORIENTATION[orientation](as_stored))


def test_damaged_exif_does_not_cost_the_image():
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = noise(*SIZE[::-1], 3)
    content = encode(Image.fromarray(pixels), "WEBP", lossless=True, exif=exif)
    start = content.index(b"EXIF") + len("EXIF") + 4
    damaged = content[:start] + b"damaged!" + content[start + 8 :]
    np.testing.assert_array_equal(decode(damaged), pixels)


def test_the_first_of_several_frames_is_taken():
    first, second = Image.fromarray(noise(*SIZE[::-1], 3)), Image.new("RGB", (5, 5))
    content = encode(first, "TIFF", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(content)).n_frames == 2
    np.testing.assert_array_equal(decode(content), np.asarray(first))


def test_floating_point_pixels_are_refused():
    content = encode(Image.new("F", (4, 4), 0.5), "TIFF")
    with pytest.raises(
        UnreadableImageError,
        match="the pixels are floating-point numbers; save unsigned 8 or 16 bits",
    ):
        decode_image(content)


@pytest.mark.parametrize("value", [-1, 65536])
def test_pixels_outside_16_bits_are_refused(value):
    content = encode(Image.new("I", (4, 4), value), "TIFF")
    with pytest.raises(
        UnreadableImageError, match="32-bit or negative numbers; save unsigned 8 or 16 bits"
    ):
        decode_image(content)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_jpeg_is_refused(share):
    content = encode(Image.fromarray(noise(64, 64, 3)), "JPEG")
    with pytest.raises(UnreadableImageError, match="damaged or truncated"):
        decode_image(content[: int(share * len(content))])


@once
def sample(format):
    options = {"exif": Image.Exif()} if format in ("JPEG", "PNG", "TIFF", "WEBP") else {}
    if options:
        options["exif"][0x0112] = 1
    return encode(Image.fromarray(noise(*SIZE[::-1], 3)), format, **options)


def decode_or_refuse(content):
    try:
        return decode_image(content)
    except UnreadableImageError as error:
        assert str(error)
        assert not str(error).endswith("()")
        return None


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.sampled_from(FORMATS), st.data())
def test_any_beginning_of_a_file_is_refused_or_has_the_right_size(format, data):
    content = sample(format)
    image = decode_or_refuse(content[: data.draw(st.integers(0, len(content)))])
    assert image is None or (image.mode, image.size) == ("RGB", SIZE)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@given(
    st.sampled_from(FORMATS),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_bytes_are_refused_or_still_an_image(format, damages):
    content = bytearray(sample(format))
    for position, value in damages:
        content[position % min(len(content), 200)] = value
    image = decode_or_refuse(bytes(content))
    assert image is None or image.mode == "RGB"


SIGNATURES = [
    *(b"", b"\x1f\x8b\x08\0", b"\x5c\x01\0\0" + bytes(340) + b"n+1\0", b"\0" * 128 + b"DICM"),
    *(b"\0\0\0\x18ftypheic", b"\x08\0\x05\0\x0a\0\0\0ISO_IR 100"),
    *(sample(format)[:12] for format in FORMATS),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(
    st.binary(max_size=200),
    st.sampled_from(SIGNATURES),
    st.sampled_from([PLAIN, Rendering(window=(0, 99), frame="middle"), Rendering(channel=1)]),
)
def test_random_bytes_are_refused_or_a_picture(content, signature, rendering):
    content = signature + content
    for read in (lambda: decode_image(content, None, rendering), lambda: read_header(content)):
        with contextlib.suppress(UnreadableImageError):
            read()
    with contextlib.suppress(UnreadableImageError):
        read_range(content, rendering)


@pytest.mark.parametrize(("depth", "top"), [(10, 1023), (12, 4095), (16, 65535)])
def test_jpeg_2000_keeps_its_stored_values_and_its_range(depth, top):
    from openjpeg.utils import encode_array

    values = np.linspace(0, top, 4096).astype(np.uint16).reshape(64, 64)
    content = bytes(encode_array(values, bits_stored=depth, photometric_interpretation=2))
    assert read_range(content) == GreyRange(0, top)
    np.testing.assert_array_equal(decode(content), grey_as_rgb(np.rint(values / top * 255)))
    windowed = decode_image(content, rendering=Rendering(window=(100, 355)))
    np.testing.assert_array_equal(
        np.asarray(windowed)[..., 0], values.astype(int).clip(100, 355) - 100
    )


@pytest.mark.parametrize("name", ["a.JFIF", "a.jif", "a.gif", "a.pgm", "a.ppm", "a.jp2", "a.j2k"])
def test_image_files_are_known_by_their_endings(name):
    assert is_image_file(Path(name))


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "a.png").touch()
    with pytest.raises(UnreadableImageError, match="the file is empty"):
        read_image(tmp_path / "a.png")


def test_a_text_file_named_jpg_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_text("not an image\n")
    with pytest.raises(UnreadableImageError, match="not an image in one of the formats"):
        read_image(tmp_path / "a.jpg")


def test_another_format_is_refused_and_the_formats_are_named():
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(encode(Image.new("RGB", (4, 4)), "ICO"))
    for format in FORMATS:
        assert format in str(caught.value)


def test_the_ending_of_the_name_does_not_matter(tmp_path):
    (tmp_path / "a.jpg").write_bytes(sample("PNG"))
    assert read_image(tmp_path / "a.jpg").size == SIZE


BOMB_WARNING = "PIL.Image.DecompressionBombWarning"


@pytest.mark.parametrize(
    "bomb_warning",
    [
        pytest.param("error", marks=pytest.mark.filterwarnings(f"error::{BOMB_WARNING}")),
        pytest.param("ignore", marks=pytest.mark.filterwarnings(f"ignore::{BOMB_WARNING}")),
    ],
)
@pytest.mark.parametrize("side", [8_000, 30_000])
def test_an_image_of_too_many_pixels_is_refused_without_decoding(side, bomb_warning, monkeypatch):
    content = one_bit_png(side)
    monkeypatch.setattr(PngImageFile, "load", lambda image: pytest.fail("it was decoded"))
    start = time.perf_counter()
    with pytest.raises(UnreadableImageError, match=r"has (\d+.\d million pixels,)? ?more than"):
        decode_image(content)
    assert time.perf_counter() - start < 0.5


def test_the_hand_made_png_is_whole():
    assert not decode(one_bit_png(48)).any()


def test_the_bound_of_pixels_itself_is_allowed(monkeypatch):
    content = encode(Image.new("L", (20, 10)), "PNG")
    monkeypatch.setattr(reading, "MAX_PIXELS", 200)
    assert decode_image(content).size == (20, 10)
    monkeypatch.setattr(reading, "MAX_PIXELS", 199)
    with pytest.raises(UnreadableImageError):
        decode_image(content)


def test_the_bound_of_bytes_itself_is_allowed(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(bytes(3 * 2**20))
    monkeypatch.setattr(reading, "MAX_BYTES", 3 * 2**20)
    assert len(read_file(tmp_path / "a.png")) == 3 * 2**20
    monkeypatch.setattr(reading, "MAX_BYTES", 2 * 2**20)
    with pytest.raises(UnreadableImageError, match="the file has 3 MB, more than the 2 allowed"):
        read_file(tmp_path / "a.png")


def test_a_path_that_no_file_can_have_is_refused():
    with pytest.raises(UnreadableImageError, match="invalid path"):
        read_file(Path("a\0.png"))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableImageError, match="the file does not exist"):
        read_image(tmp_path / "a.png")


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(UnreadableImageError, match="cannot be read"):
        read_image(tmp_path / "a" / "b.png")


def test_a_folder_in_place_of_a_file_is_refused(tmp_path):
    with pytest.raises(UnreadableImageError, match="directory"):
        read_image(tmp_path)


@pytest.mark.timeout(20)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(UnreadableImageError, match="not a regular file"):
        read_image(tmp_path / "a.png")


def test_a_small_copy_of_a_jpeg_shows_the_same(tmp_path):
    smooth = Image.radial_gradient("L").resize((1600, 1200)).convert("RGB")
    smooth.save(tmp_path / "a.jpg", quality=90)
    content = (tmp_path / "a.jpg").read_bytes()
    small = decode_image(content, at_least=256)
    assert small.size == (400, 300)
    whole = decode_image(content).resize(small.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(small, float) - np.asarray(whole, float)).max() < 4


def test_a_cut_jpeg_is_noticed_in_a_small_copy_too(tmp_path):
    Image.effect_noise((1600, 1200), 50).save(tmp_path / "a.jpg")
    content = (tmp_path / "a.jpg").read_bytes()
    with pytest.raises(UnreadableImageError, match="truncated"):
        decode_image(content[: len(content) // 2], at_least=256)


@pytest.mark.parametrize("suffix", sorted(UNSUPPORTED_SUFFIXES))
def test_every_ending_is_named_with_a_remedy(suffix):
    sentence = unsupported(Path(f"a{suffix.upper()}"))
    assert sentence.startswith(f"{suffix} is a")
    assert "; " in sentence
    assert not is_image_file(Path(f"a{suffix}"))


def test_no_ending_is_read_and_not_read():
    assert UNSUPPORTED_SUFFIXES.isdisjoint(SUFFIXES)
    wanted = (".svs", ".ndpi", ".mrxs", ".czi", ".nd2", ".psd", ".dng", ".mha", ".nrrd", ".img")
    assert set(wanted) <= UNSUPPORTED_SUFFIXES


@pytest.mark.parametrize("name", ["a.jpg", "a.nii.gz", "a.txt", "a", "labels.csv", "a.dcm"])
def test_other_files_are_not_named(name):
    assert unsupported(Path(name)) == ""
