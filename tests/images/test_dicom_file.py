import io
import random
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medrecog_core.images import (
    FORMATS,
    PLAIN,
    Rendering,
    UnreadableImageError,
    decode_image,
    dicom_file,
    is_image_file,
    read_header,
    read_range,
)
from medrecog_core.images.dicom import is_dicom, is_dicom_file, read_tags
from tests.dicom_files import dicom_bytes, dicom_dataset

RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16) * 16


def stored(name):
    return Path(get_testdata_file(name, download=False)).read_bytes()


def bare(made, implicit=True):
    """A data set without preamble and without meta information."""
    buffer = io.BytesIO()
    made.preamble = None
    made.file_meta.clear()
    made.save_as(buffer, implicit_vr=implicit, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


def pixels(content):
    return np.asarray(decode_image(content))


@pytest.mark.parametrize("implicit", [True, False])
def test_a_data_set_without_preamble_is_read(implicit, tmp_path):
    expected = pixels(dicom_bytes(dicom_dataset(RAMP, PatientID="P1")))
    content = bare(dicom_dataset(RAMP, PatientID="P1"), implicit)
    assert content[:2] == b"\x08\0"
    np.testing.assert_array_equal(pixels(content), expected)
    assert read_header(content).width == 16
    for name in ("a.dcm", "b.DICOM", "IM1", "1.2.840.1"):
        (tmp_path / name).write_bytes(content)
        assert is_dicom_file(tmp_path / name)
        assert is_image_file(tmp_path / name)
        assert read_tags(tmp_path / name, ["PatientID"]) == {"PatientID": "P1"}
    (tmp_path / "a.txt").write_bytes(content)
    assert not is_dicom_file(tmp_path / "a.txt")


def test_meta_information_without_preamble_is_read():
    content = dicom_bytes(dicom_dataset(RAMP))
    assert content[132:134] == b"\2\0"
    np.testing.assert_array_equal(pixels(content[132:]), pixels(content))


def test_a_deflated_data_set_is_read(tmp_path):
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    content = dicom_bytes(dicom_dataset(values, DeflatedExplicitVRLittleEndian, PatientID="P1"))
    np.testing.assert_array_equal(pixels(content)[..., 0], values)
    (tmp_path / "a.dcm").write_bytes(content)
    assert read_tags(tmp_path / "a.dcm", ["PatientID"]) == {"PatientID": "P1"}


def test_what_inflates_to_too_much_is_refused_before_it_is_inflated(monkeypatch):
    made = dicom_dataset(np.zeros((2000, 2000), np.uint8), DeflatedExplicitVRLittleEndian)
    content = dicom_bytes(made)
    assert len(content) < 20_000
    assert pixels(content).shape == (2000, 2000, 3)
    monkeypatch.setattr(dicom_file, "MAX_INFLATED_BYTES", 2**20)
    monkeypatch.setattr(zlib, "decompress", lambda *_: pytest.fail("it was inflated unboundedly"))
    with pytest.raises(UnreadableImageError, match="more than the 1 MB allowed"):
        decode_image(content)


@given(st.binary(max_size=400))
def test_no_random_bytes_are_a_data_set(content):
    assert not is_dicom(content)


def test_no_random_bytes_after_a_first_tag_are_a_data_set():
    draw = random.Random(0)
    starts = [b"\x08\0\x05\0", b"\x02\0\0\0UL\4\0", b"\x08\0\x16\0UI", b"\x08\0\0\0\4\0\0\0"]
    assert not any(
        dicom_file.is_bare(draw.choice(starts) + draw.randbytes(300)) for _ in range(20_000)
    )


@pytest.mark.parametrize("format", FORMATS)
def test_no_other_format_is_a_data_set(format):
    for mode in ("RGB", "L"):
        for side in (1, 8, 16, 520, 2050):
            buffer = io.BytesIO()
            Image.new(mode, (side, 8), 8).save(buffer, format)
            assert not is_dicom(buffer.getvalue())


@pytest.mark.parametrize(
    "content",
    [b"", b"\x08\0" * 300, b"\0" * 600, b"\x08\0\x05\0" + b"\0" * 600, b"a,b\n1,2\n" * 99],
)
def test_no_other_content_is_a_data_set(content):
    assert not is_dicom(content)


@pytest.mark.parametrize("implicit", [True, False])
def test_a_file_without_its_transfer_syntax_is_read(implicit):
    made = dicom_dataset(RAMP)
    expected = pixels(dicom_bytes(made))
    content = bytes(128) + b"DICM" + bare(made, implicit)
    np.testing.assert_array_equal(pixels(content), expected)


def test_big_endian_files_are_read():
    little, big = (stored(name) for name in ("MR_small.dcm", "MR_small_bigendian.dcm"))
    np.testing.assert_array_equal(pixels(big), pixels(little))


def test_the_reason_of_a_damaged_file_stays_on_one_line():
    dataset = dicom_dataset(RAMP)
    dataset.SOPClassUID = "1.2.840\n\x18p"
    del dataset.PixelData

    with pytest.raises(UnreadableImageError) as refused:
        decode_image(bare(dataset))

    assert str(refused.value).isprintable()


SAMPLES = {
    "bare": bare(dicom_dataset(RAMP)),
    "explicit": dicom_bytes(dicom_dataset(RAMP)),
    "deflated": dicom_bytes(dicom_dataset(RAMP, DeflatedExplicitVRLittleEndian)),
    **{name: stored(name) for name in ("MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm")},
}


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_damaged_files_are_refused_or_a_picture(name, data):
    content = bytearray(SAMPLES[name])
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(0, len(content)))])
    rendering = data.draw(st.sampled_from([PLAIN, Rendering(window=(0, 9), frame="middle")]))
    for read in (
        lambda: decode_image(content, rendering=rendering),
        lambda: read_header(content),
        lambda: read_range(content, rendering),
    ):
        try:
            found = read()
        except UnreadableImageError as error:
            assert str(error)
            assert "\n" not in str(error)
        else:
            assert not isinstance(found, Image.Image) or found.mode == "RGB"
