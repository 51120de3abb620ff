import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from medrecog_core.images import (
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    read_header,
    read_range,
)


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
