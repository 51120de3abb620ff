import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from medrecog_core.images import (
    PLAIN,
    GreyRange,
    Rendering,
    UnreadableImageError,
    choose_window,
    decode_image,
    is_without_content,
    read_header,
    read_range,
)
from medrecog_core.images.frames import in_window
from medrecog_core.images.properties import estimate_jpeg_quality
from tests.dicom_files import dicom_bytes, dicom_dataset


def encoded(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("form", "mode"),
    [("JPEG", "L"), ("JPEG", "RGB"), ("PNG", "RGBA"), ("PNG", "I;16"), ("TIFF", "L"), ("BMP", "L")],
)
def test_size_and_mode_are_those_of_the_stored_pixels(form, mode):
    header = read_header(encoded(Image.new(mode, (30, 20)), form))
    assert (header.format, header.width, header.height, header.mode) == (form, 30, 20, mode)


def test_a_cut_file_still_has_its_header():
    content = encoded(Image.effect_noise((200, 100), 50), "PNG")
    assert read_header(content[:500]).width == 200


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff"])
def test_what_has_no_header_is_refused(content):
    with pytest.raises(UnreadableImageError, match="the file has no valid image header"):
        read_header(content)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("quality", [10, 35, 50, 75, 90, 95, 100])
def test_the_quality_is_the_one_that_pillow_was_asked_for(quality, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    content = encoded(Image.fromarray(pixels).convert(mode), "JPEG", quality=quality)
    assert read_header(content).jpeg_quality == quality


def test_other_files_have_no_quality():
    assert read_header(encoded(Image.new("L", (9, 9)), "PNG")).jpeg_quality == 0
    assert estimate_jpeg_quality({}) == 0


RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16


def encode(pixels, format="PNG", **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def grey(content, rendering):
    pixels = np.asarray(decode_image(content, rendering=rendering))
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def expected(values, low, high):
    return np.rint((np.clip(values.astype(float), low, high) - low) / (high - low) * 255)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_one_16_bit_file_looks_as_each_window_says(format):
    content = encode(RAMP, format)
    for low, high in ((0, 4095), (1000, 2000), (-500, 65535)):
        rendering = Rendering(window=(low, high))
        np.testing.assert_array_equal(grey(content, rendering), expected(RAMP, low, high))


@pytest.mark.parametrize(("top", "window"), [(4095, (0, 4095)), (65535, (0, 65535))])
def test_the_window_of_the_old_rule_gives_the_same_picture(top, window):
    values = np.linspace(0, top, 4096).astype(np.uint16).reshape(64, 64)
    content = encode(values)
    np.testing.assert_array_equal(grey(content, PLAIN), grey(content, Rendering(window=window)))


def test_images_around_12_bits_look_alike_under_the_window_of_their_data_set():
    """Under the rule of each file, one of them was sixteen times as dark."""
    first, second = (np.full((8, 8), 2000, np.uint16) for _ in range(2))
    first[0, 0], second[0, 0] = 4050, 4150
    contents = [encode(first), encode(second)]
    window = choose_window(map(read_range, contents))
    assert window == (0, 2**13 - 1)
    pictures = [grey(content, Rendering(window=window))[1:] for content in contents]
    np.testing.assert_array_equal(*pictures)
    assert (grey(contents[0], PLAIN)[1:] != grey(contents[1], PLAIN)[1:]).all()


@pytest.mark.parametrize("rendering", [Rendering(window=(0, 100)), Rendering(frame=3)])
@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
def test_plain_images_look_the_same_under_all_renderings(mode, rendering):
    buffer = io.BytesIO()
    Image.effect_noise((9, 7), 60).convert("RGB").convert(mode).save(buffer, "PNG")
    content = buffer.getvalue()
    assert read_range(content) is None
    assert decode_image(content, rendering=rendering) == decode_image(content)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_floating_point_and_32_bits_are_read_with_a_window_alone(dtype):
    values = np.linspace(-1000, 3000, 64).astype(dtype).reshape(8, 8)
    content = encode(values, "TIFF")
    with pytest.raises(UnreadableImageError, match="grey window"):
        decode_image(content, rendering=Rendering(frame="middle"))
    found = grey(content, Rendering(window=(-1000, 3000)))
    np.testing.assert_array_equal(found, expected(values, -1000, 3000))
    assert read_range(content) == GreyRange(-1000, 3000, is_unsigned=False)


def test_what_is_not_a_number_is_black():
    values = np.array([[np.nan, np.inf, -np.inf, 0.5]], np.float32)
    found = grey(encode(values, "TIFF"), Rendering(window=(0, 1)))
    assert found.tolist() == [[0, 255, 0, 128]]
    assert read_range(encode(values, "TIFF")) == GreyRange(0.5, 0.5, is_unsigned=False)


@given(
    st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20),
    st.integers(-(2**31), 2**31),
    st.integers(1, 2**31),
)
def test_a_window_keeps_the_order_of_values(values, low, width):
    found = in_window(np.array(sorted(values), np.int64), low, low + width).astype(int)
    assert (np.diff(found) >= 0).all()
    np.testing.assert_allclose(found, expected(np.array(sorted(values)), low, low + width), atol=1)


def test_the_range_of_16_bits_is_that_of_the_stored_values():
    assert read_range(encode(RAMP + 5)) == GreyRange(5, 4085)
    assert read_range(encode(RAMP.astype(np.int32), "TIFF")) == GreyRange(0, 4080, False, False)


def test_the_range_of_dicom_is_that_after_the_rescale_without_padding():
    pixels = RAMP.astype(np.int16)
    pixels[0, 0] = -2000
    made = dicom_dataset(pixels, PixelPaddingValue=-2000, RescaleSlope=2, RescaleIntercept=-1024)
    assert read_range(dicom_bytes(made)) == GreyRange(16 * 2 - 1024, 4080 * 2 - 1024, False, False)


def test_dicom_whose_rescale_changes_nothing_is_unsigned():
    made = dicom_dataset(RAMP, RescaleSlope=1, RescaleIntercept=0)
    assert read_range(dicom_bytes(made)) == GreyRange(0, 4080)


def test_a_dicom_files_own_window_is_known():
    made = dicom_dataset(RAMP, WindowCenter=100, WindowWidth=50)
    assert read_range(dicom_bytes(made)) == GreyRange(0, 4080, has_own_window=True)


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 3)])
def test_8_bit_dicom_needs_no_window(shape):
    assert read_range(dicom_bytes(dicom_dataset(np.zeros(shape, np.uint8)))) is None


def test_colours_of_16_bits_need_no_window():
    assert read_range(dicom_bytes(dicom_dataset(np.zeros((4, 4, 3), np.uint16)))) is None


@pytest.mark.parametrize(
    ("ranges", "window"),
    [
        ([], None),
        ([None, None], None),
        ([GreyRange(100, 900)], (0, 4095)),
        ([GreyRange(0, 4095), None], (0, 4095)),
        ([GreyRange(0, 4095), GreyRange(3, 4096)], (0, 8191)),
        ([GreyRange(0, 65535)], (0, 65535)),
        ([GreyRange(0, 2**20)], (0, 2**21 - 1)),
        ([GreyRange(0, 0.75, is_unsigned=False)], (0, 0.75)),
        ([GreyRange(-1024, 3071, is_unsigned=False), GreyRange(0, 4095)], (-1024, 4095)),
        ([GreyRange(7, 7, is_unsigned=False)], (7, 8)),
        ([GreyRange(0, 65535, True), GreyRange(0, 99)], (0, 4095)),
        ([GreyRange(0, 65535, True), None], (0, 65535)),
    ],
)
def test_one_window_is_chosen_for_all(ranges, window):
    assert choose_window(ranges) == window


@given(
    st.lists(
        st.builds(
            lambda low, width, unsigned: GreyRange(low, low + width, is_unsigned=unsigned),
            st.floats(-1e6, 1e6),
            st.floats(0, 1e6),
            st.booleans(),
        ),
        min_size=1,
    )
)
def test_the_chosen_window_is_valid_and_holds_every_value(ranges):
    low, high = Rendering(window=choose_window(ranges)).window
    assert low <= min(one.low for one in ranges)
    assert high >= max(one.high for one in ranges)


def picture_of(pixels):
    return Image.fromarray(pixels.astype(np.uint8)).convert("RGB")


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (10, 200, 90), (254, 0, 255)])
def test_one_colour_is_no_content(colour):
    assert is_without_content(Image.new("RGB", (30, 20), colour))


def test_faint_noise_and_a_few_dead_pixels_are_no_content():
    pixels = np.random.default_rng(0).integers(100, 103, (100, 100))
    pixels[0, :5] = 255
    assert is_without_content(picture_of(pixels))
    pixels[0, :6] = 255
    assert not is_without_content(picture_of(pixels))


def test_three_grey_levels_apart_are_content():
    pixels = np.full((100, 100), 100)
    pixels[:1] = 103
    assert not is_without_content(picture_of(pixels))


def test_a_small_bright_spot_on_black_is_content():
    pixels = np.zeros((224, 224))
    pixels[100:106, 100:106] = 200
    assert not is_without_content(picture_of(pixels))


def test_content_in_one_channel_is_content():
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10, :, 2] = 50
    assert not is_without_content(Image.fromarray(pixels))


@given(st.integers(0, 255), st.integers(0, 60), st.integers(1, 12), st.integers(1, 12))
def test_the_rule_is_the_spread_where_no_pixel_may_differ(low, spread, width, height):
    high = min(low + spread, 255)
    pixels = np.full((height, width), low)
    pixels[-1, -1] = high
    assert is_without_content(picture_of(pixels)) == (high - low <= 2 or pixels.size == 1)
