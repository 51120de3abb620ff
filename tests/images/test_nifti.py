import gzip
import io
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from medrecog_core.images import (
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    image_suffix,
    is_image_file,
    nifti,
    read_header,
    read_range,
    reading,
)

VOLUME = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)


def nifti_bytes(volume, packed=False, kind=nibabel.Nifti1Image, **scaling):
    image = kind(volume, np.eye(4))
    if scaling:
        image.header.set_slope_inter(**scaling)
    content = image.to_bytes()
    return gzip.compress(content) if packed else content


def grey(content, **choices):
    pixels = np.asarray(decode_image(content, rendering=Rendering(**choices)))
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def upright(plane):
    """First axis to the right, second axis up."""
    return plane.T[::-1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_along_each_axis(axis, packed):
    content = nifti_bytes(VOLUME, packed)
    n_slices = VOLUME.shape[axis]
    for frame, index in (("first", 0), ("middle", n_slices // 2), (n_slices - 1, n_slices - 1)):
        found = grey(content, window=(0, 255), axis=axis, frame=frame)
        np.testing.assert_array_equal(found, upright(VOLUME.take(index, axis)).clip(0, 255))
    with pytest.raises(UnreadableImageError, match=f"the file has {n_slices} frames"):
        grey(content, axis=axis, frame=n_slices)


def test_without_a_window_a_slice_goes_from_its_smallest_to_its_largest_value():
    plane = upright(VOLUME[..., 3]).astype(float)
    expected = np.rint((plane - plane.min()) / (plane.max() - plane.min()) * 255)
    np.testing.assert_array_equal(grey(nifti_bytes(VOLUME), frame=3), expected)


def test_a_slice_of_one_value_is_black():
    assert not grey(nifti_bytes(np.full((4, 4, 4), 9, np.int16))).any()


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=3, max_side=9)),
    st.sampled_from([np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64]),
    st.booleans(),
    st.sampled_from([nibabel.Nifti1Image, nibabel.Nifti2Image]),
)
def test_stored_values_come_back_whatever_their_type(volume, dtype, packed, kind):
    content = nifti_bytes(volume.astype(dtype), packed, kind)
    found = grey(content, window=(0, 255))
    np.testing.assert_array_equal(found, upright(volume.reshape((*volume.shape, 1)[:3])[..., 0]))


def test_big_endian_files_are_read_alike():
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(VOLUME.astype(">i2"), np.eye(4), header)
    content = image.to_bytes()
    assert content[:4] == b"\0\0\x01\x5c"
    np.testing.assert_array_equal(grey(content, frame=3), grey(nifti_bytes(VOLUME), frame=3))


def test_values_are_scaled_by_the_header():
    content = nifti_bytes(VOLUME, slope=2.0, inter=-100.0)
    plane = VOLUME[..., 2]
    low, high = plane.min() * 2 - 100, plane.max() * 2 - 100
    found = read_range(content, Rendering(frame=2))
    assert found == GreyRange(low, high, is_unsigned=False)
    np.testing.assert_array_equal(
        grey(content, frame=2, window=(-100, 155)), upright(plane * 2).clip(0, 255)
    )


def test_of_several_volumes_the_first_is_read_or_that_of_the_channel():
    volumes = np.stack([VOLUME, VOLUME + 7], axis=-1)
    for packed in (False, True):
        content = nifti_bytes(volumes, packed)
        first = grey(nifti_bytes(VOLUME), window=(0, 255), frame=4)
        second = grey(nifti_bytes(VOLUME + 7), window=(0, 255), frame=4)
        np.testing.assert_array_equal(grey(content, window=(0, 255), frame=4), first)
        found = grey(content, window=(0, 255), frame=4, channel=1)
        np.testing.assert_array_equal(found, second)
        with pytest.raises(UnreadableImageError, match="there is no channel 2"):
            grey(content, channel=2)


def test_colours_are_read():
    rgb = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    colours = np.random.default_rng(0).integers(0, 256, (4, 5, 6, 3)).astype(np.uint8)
    content = nifti_bytes(colours.copy().view(rgb).reshape(4, 5, 6))
    found = np.asarray(decode_image(content, rendering=Rendering(frame=2)))
    np.testing.assert_array_equal(found, colours[:, :, 2].swapaxes(0, 1)[::-1])
    assert read_range(content) is None


def test_complex_numbers_are_refused():
    with pytest.raises(UnreadableImageError, match="type complex64, which is not supported"):
        decode_image(nifti_bytes(np.zeros((3, 3, 3), np.complex64)))


@pytest.mark.parametrize("packed", [False, True])
def test_the_header_has_the_slices_along_an_axis(packed):
    content = nifti_bytes(VOLUME, packed)
    for axis, (n_slices, width, height) in enumerate([(5, 6, 7), (6, 5, 7), (7, 5, 6)]):
        header = read_header(content, axis)
        assert (header.format, header.mode, header.n_frames) == ("NIfTI", "", n_slices)
        assert (header.width, header.height) == (width, height)
        image = decode_image(content, rendering=Rendering(axis=axis))
        assert image.size == (width, height)
        assert image.info["frames"] == n_slices


def test_a_packed_file_that_unpacks_to_too_much_is_refused(monkeypatch):
    content = nifti_bytes(np.zeros((50, 50, 50), np.int16), packed=True)
    monkeypatch.setattr(nifti, "MAX_UNPACKED_BYTES", 1000)
    with pytest.raises(UnreadableImageError, match="the uncompressed volume has"):
        decode_image(content)


def test_a_packed_file_is_unpacked_no_further_than_it_is_read():
    tail = gzip.compress(bytes(10**7))
    content = nifti_bytes(VOLUME, packed=True) + tail
    np.testing.assert_array_equal(grey(content), grey(nifti_bytes(VOLUME)))
    assert len(nifti._unpacked(content, 400)) == 400


def test_slices_of_too_many_pixels_are_refused(monkeypatch):
    monkeypatch.setattr(reading, "MAX_PIXELS", 29)
    with pytest.raises(UnreadableImageError, match="million pixels, more than"):
        decode_image(nifti_bytes(VOLUME))


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_without_voxels_is_refused(packed):
    content = b"\x5c\x01\0\0" + bytes(340) + b"n+1\0"
    for read in (decode_image, read_header, read_range):
        with pytest.raises(UnreadableImageError):
            read(gzip.compress(content) if packed else content)


def test_negative_and_huge_extents_are_refused():
    for extents in ((-1, 4, 4), (32767, 32767, 32767), (0, 4, 4)):
        content = bytearray(nifti_bytes(VOLUME))
        content[42:48] = struct.pack("<3h", *extents)
        with pytest.raises(UnreadableImageError):
            decode_image(bytes(content))


@given(st.data())
def test_any_beginning_and_any_damage_is_refused_or_a_picture(data):
    content = bytearray(nifti_bytes(VOLUME, data.draw(st.booleans())))
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, min(len(content), 360) - 1))
        content[place] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(0, len(content)))])
    for read in (decode_image, read_header, read_range):
        try:
            found = read(content)
        except UnreadableImageError as error:
            assert str(error)
        else:
            assert not isinstance(found, Image.Image) or found.mode == "RGB"


def test_both_endings_are_one_each():
    assert image_suffix(Path("a/Sub-1.NII.GZ")) == ".nii.gz"
    assert image_suffix(Path("a.tar.gz")) == ".gz"
    assert is_image_file(Path("a.nii"))
    assert is_image_file(Path("a.b.nii.gz"))
    assert not is_image_file(Path("a.gz"))


def test_other_packed_files_are_none():
    assert not nifti.is_nifti(gzip.compress(b"hello"))
    assert not nifti.is_nifti(b"\x1f\x8b")
    buffer = io.BytesIO()
    Image.new("L", (600, 9)).save(buffer, "PNG")
    assert not nifti.is_nifti(buffer.getvalue())
