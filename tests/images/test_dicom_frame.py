import io
from pathlib import Path

import imagecodecs
import jpeg_ls
import numpy as np
import pytest
from openjpeg.utils import encode_array
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medrecog_core.images import (
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    read_range,
    reading,
)
from tests.dicom_files import dicom_bytes, dicom_dataset

VALUES = np.random.default_rng(0).integers(0, 4096, (40, 48)).astype(np.uint16)
COLOURS = np.random.default_rng(1).integers(0, 256, (40, 48, 3)).astype(np.uint8)


def with_frames(pixels, syntax, frames, **tags):
    made = dicom_dataset(pixels, syntax, **tags)
    made.PixelData = encapsulate([bytes(frame) for frame in frames])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return made


def jpeg_lossless(pixels, predictor=1):
    return imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=predictor)


def rle(pixels):
    made = dicom_dataset(pixels, BitsStored=12, HighBit=11)
    made.compress(RLELossless)
    return made


TWELVE = {"BitsStored": 12, "HighBit": 11}
GREY = {
    "JPEG lossless": (JPEGLossless, jpeg_lossless),
    "JPEG lossless, another predictor": (JPEGLossless, lambda p: jpeg_lossless(p, 6)),
    "JPEG lossless SV1": (JPEGLosslessSV1, jpeg_lossless),
    "JPEG-LS": (JPEGLSLossless, jpeg_ls.encode),
    "JPEG 2000": (
        JPEG2000Lossless,
        lambda p: encode_array(p, bits_stored=12, photometric_interpretation=2),
    ),
    "HTJ2K": (HTJ2KLossless, imagecodecs.htj2k_encode),
    "HTJ2K RPCL": (HTJ2KLosslessRPCL, imagecodecs.htj2k_encode),
    "HTJ2K, perhaps lossy": (HTJ2K, imagecodecs.htj2k_encode),
}


@pytest.mark.parametrize("kind", GREY)
def test_compressed_grey_is_the_same_as_uncompressed(kind):
    syntax, encode = GREY[kind]
    expected = decode_image(dicom_bytes(dicom_dataset(VALUES, **TWELVE)))
    content = dicom_bytes(with_frames(VALUES, syntax, [encode(VALUES)], **TWELVE))
    assert decode_image(content) == expected
    assert read_range(content) == GreyRange(VALUES.min(), VALUES.max())


def test_run_lengths_are_the_same_as_uncompressed():
    expected = decode_image(dicom_bytes(dicom_dataset(VALUES, **TWELVE)))
    assert decode_image(dicom_bytes(rle(VALUES))) == expected


@pytest.mark.parametrize("kind", ["JPEG lossless", "JPEG-LS"])
def test_signed_values_keep_their_sign(kind):
    syntax, encode = GREY[kind]
    signed = (VALUES.astype(int) - 2048).astype(np.int16)
    content = dicom_bytes(with_frames(signed, syntax, [encode(signed.view(np.uint16))]))
    assert read_range(content) == GreyRange(signed.min(), signed.max(), is_unsigned=False)


def test_8_bits_are_read_without_loss():
    grey = COLOURS[..., 0].copy()
    content = dicom_bytes(with_frames(grey, JPEGLosslessSV1, [jpeg_lossless(grey)]))
    np.testing.assert_array_equal(np.asarray(decode_image(content))[..., 0], grey)


@pytest.mark.parametrize("kind", ["JPEG lossless", "JPEG-LS", "HTJ2K"])
def test_8_bits_in_room_for_16_are_read(kind):
    syntax, encode = GREY[kind]
    grey = COLOURS[..., 0].copy()
    tags = {"BitsStored": 8, "HighBit": 7}
    made = with_frames(grey.astype(np.uint16), syntax, [encode(grey)], **tags)
    np.testing.assert_array_equal(np.asarray(decode_image(dicom_bytes(made)))[..., 0], grey)


def test_colours_are_read_without_loss():
    encoded = imagecodecs.jpeg8_encode(
        COLOURS, lossless=True, predictor=1, colorspace="RGB", outcolorspace="RGB"
    )
    content = dicom_bytes(with_frames(COLOURS, JPEGLosslessSV1, [encoded]))
    np.testing.assert_array_equal(np.asarray(decode_image(content)), COLOURS)


def test_12_bits_of_jpeg_with_loss_are_read():
    row, column = np.mgrid[:40, :48]
    smooth = (row * 40 + column * 30).astype(np.uint16)
    encoded = imagecodecs.jpeg8_encode(smooth, level=95, bitspersample=12)
    content = dicom_bytes(with_frames(smooth, JPEGExtended12Bit, [encoded], **TWELVE))
    expected = np.asarray(decode_image(dicom_bytes(dicom_dataset(smooth, **TWELVE)))).astype(int)
    assert np.abs(np.asarray(decode_image(content)) - expected).max() <= 3


@pytest.mark.parametrize(
    "name", ["JPEG-lossy.dcm", "JPGExtended.dcm", "JPEGLSNearLossless_16.dcm", "JPEG2000.dcm"]
)
def test_files_of_scanners_are_read(name):
    content = Path(get_testdata_file(name, download=False)).read_bytes()
    low, high = decode_image(content).convert("L").getextrema()
    assert low < high


def test_a_frame_of_its_own_file_is_found():
    frames = [jpeg_lossless(VALUES), jpeg_lossless(VALUES // 2)]
    content = dicom_bytes(with_frames(VALUES, JPEGLosslessSV1, frames, NumberOfFrames=2, **TWELVE))
    assert read_range(content, Rendering(frame=1)).high == VALUES.max() // 2


@pytest.mark.parametrize("kind", [*GREY, "baseline"])
def test_a_frame_of_more_pixels_than_the_tags_say_is_refused_before(kind, monkeypatch):
    if kind == "baseline":
        buffer = io.BytesIO()
        Image.new("L", (48, 40)).save(buffer, "JPEG")
        syntax, frame = JPEGBaseline8Bit, buffer.getvalue()
    else:
        syntax, encode = GREY[kind]
        frame = encode(VALUES)
    made = with_frames(np.zeros((8, 8), np.uint16), syntax, [frame], **TWELVE)
    monkeypatch.setattr(reading, "MAX_PIXELS", 40 * 48 - 1)
    with pytest.raises(UnreadableImageError, match="million pixels, more than"):
        decode_image(dicom_bytes(made))
    monkeypatch.setattr(reading, "MAX_PIXELS", 40 * 48)
    with pytest.raises(UnreadableImageError):
        decode_image(dicom_bytes(made))


@pytest.mark.parametrize("kind", GREY)
@pytest.mark.parametrize("share", [0.1, 0.6])
def test_a_cut_frame_is_refused_or_a_picture(kind, share):
    syntax, encode = GREY[kind]
    frame = bytes(encode(VALUES))
    content = dicom_bytes(
        with_frames(VALUES, syntax, [frame[: int(share * len(frame)) // 2 * 2]], **TWELVE)
    )
    try:
        assert decode_image(content).size == (48, 40)
    except UnreadableImageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("syntax", "encode"),
    [
        (JPEGLossless, jpeg_lossless),
        (JPEGLSLossless, jpeg_ls.encode),
        (JPEG2000, lambda p: encode_array(p, bits_stored=12, photometric_interpretation=2)),
    ],
)
def test_a_compressed_file_without_its_transfer_syntax_is_read_by_its_frame(syntax, encode):
    made = with_frames(VALUES, syntax, [encode(VALUES)], **TWELVE)
    expected = decode_image(dicom_bytes(made))
    name = str(syntax).encode()
    name += b"\0" * (len(name) % 2)
    content = dicom_bytes(made)
    element = b"\2\0\x10\0UI" + len(name).to_bytes(2, "little") + name
    assert element in content
    # The group's length stays right for a tag of the same length that nothing asks for.
    content = content.replace(element, element.replace(b"\x10\0UI", b"\x13\0UI"))
    assert decode_image(content) == expected


REQUIRED = {
    "SamplesPerPixel",
    "BitsStored",
    "HighBit",
    "BitsAllocated",
    "PixelRepresentation",
    "PhotometricInterpretation",
}


@pytest.mark.parametrize("keyword", sorted(REQUIRED))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_required_tag_that_the_bytes_show_is_filled_in(keyword, dtype):
    pixels = (VALUES // 16).astype(dtype)
    made = dicom_dataset(pixels)
    expected = decode_image(dicom_bytes(made))
    delattr(made, keyword)
    assert decode_image(dicom_bytes(made)) == expected


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_all_of_them_are_filled_in(dtype):
    made = dicom_dataset((VALUES // 16).astype(dtype))
    expected = decode_image(dicom_bytes(made))
    for keyword in REQUIRED:
        delattr(made, keyword)
    assert decode_image(dicom_bytes(made)) == expected


def test_colours_without_required_tags_are_read():
    made = dicom_dataset(COLOURS)
    for keyword in REQUIRED:
        delattr(made, keyword)
    np.testing.assert_array_equal(np.asarray(decode_image(dicom_bytes(made))), COLOURS)


@pytest.mark.parametrize("n_bytes", [100, 40 * 48 + 2, 40 * 48 * 3 + 2, 40 * 48 * 4])
def test_nothing_is_filled_in_where_the_bytes_do_not_agree(n_bytes):
    made = dicom_dataset(VALUES)
    del made.BitsAllocated
    made.PixelData = bytes(n_bytes)
    with pytest.raises(UnreadableImageError, match="the tag BitsAllocated is missing"):
        decode_image(dicom_bytes(made))


def test_the_size_is_never_filled_in():
    made = dicom_dataset(VALUES)
    del made.Rows
    with pytest.raises(UnreadableImageError, match="the tag Rows is missing"):
        decode_image(dicom_bytes(made))


def test_the_order_of_colours_is_never_filled_in():
    made = dicom_dataset(COLOURS)
    del made.PlanarConfiguration, made.BitsStored
    with pytest.raises(
        UnreadableImageError, match="the tag PlanarConfiguration is missing from the DICOM file"
    ):
        decode_image(dicom_bytes(made))
