import io
import random
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    JPEGBaseline8Bit,
)

from medrecog_core.images import (
    FORMATS,
    PLAIN,
    Rendering,
    UnreadableImageError,
    decode_image,
    dicom,
    is_image_file,
    read_header,
    read_range,
    reading,
)
from medrecog_core.images.dicom import (
    UnusableDicomError,
    is_dicom,
    is_dicom_file,
    keyword_of,
    read_tags,
)
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
    monkeypatch.setattr(dicom, "MAX_INFLATED_BYTES", 2**20)
    monkeypatch.setattr(zlib, "decompress", lambda *_: pytest.fail("it was inflated unboundedly"))
    with pytest.raises(UnreadableImageError, match="more than the 1 MB allowed"):
        decode_image(content)


@given(st.binary(max_size=400))
def test_no_random_bytes_are_a_data_set(content):
    assert not is_dicom(content)


def test_no_random_bytes_after_a_first_tag_are_a_data_set():
    draw = random.Random(0)
    starts = [b"\x08\0\x05\0", b"\x02\0\0\0UL\4\0", b"\x08\0\x16\0UI", b"\x08\0\0\0\4\0\0\0"]
    assert not any(dicom.is_bare(draw.choice(starts) + draw.randbytes(300)) for _ in range(20_000))


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


def grey(made):
    """Decode, and return one of the three channels, which must be alike."""
    pixels = np.asarray(decode_image(dicom_bytes(made))).astype(int)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def refusal(content):
    with pytest.raises(UnreadableImageError) as refused:
        decode_image(content)
    return str(refused.value)


def test_8_bits_keep_their_range():
    pixels = np.arange(64, 128, dtype=np.uint8).reshape(8, 8)
    np.testing.assert_array_equal(grey(dicom_dataset(pixels)), pixels)


def test_12_of_16_bits_without_a_window_are_scaled_from_smallest_to_largest():
    made = dicom_dataset(RAMP // 2 + 100, BitsStored=12, HighBit=11)
    np.testing.assert_allclose(grey(made), RAMP / RAMP.max() * 255, atol=0.51)


def test_padding_is_no_value_and_comes_out_black():
    pixels = (RAMP + 500).astype(np.int16)
    pixels[0, :4] = -2000
    found = grey(dicom_dataset(pixels, PixelPaddingValue=-2000))
    assert found[0, :4].tolist() == [0, 0, 0, 0]
    inner = np.delete(pixels.ravel(), slice(0, 4))
    expected = (inner - inner.min()) / (inner.max() - inner.min()) * 255
    np.testing.assert_allclose(np.delete(found.ravel(), slice(0, 4)), expected, atol=0.51)


def test_monochrome_1_is_inverted():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = grey(dicom_dataset(pixels, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(found, 255 - pixels.astype(int))


def test_window_is_applied_after_the_rescale_as_the_standard_says():
    """PS3.3, C.11.2.1.2.1, computed here without pydicom."""
    made = dicom_dataset(
        RAMP.astype(np.int16),
        RescaleSlope=2,
        RescaleIntercept=-1024,
        WindowCenter=1000,
        WindowWidth=2000,
    )
    units = RAMP * 2.0 - 1024
    expected = (((units - 999.5) / 1999 + 0.5) * 255).clip(0, 255)
    np.testing.assert_allclose(grey(made), expected, atol=0.51)


def test_of_several_windows_the_first_is_taken():
    one = dicom_dataset(RAMP, WindowCenter=1000, WindowWidth=400)
    two = dicom_dataset(RAMP, WindowCenter=[1000, 3000], WindowWidth=[400, 10])
    np.testing.assert_array_equal(grey(one), grey(two))


def test_a_window_narrower_than_its_range_clips_and_does_not_stretch():
    """The picture reaches neither end of the window, and must not be made to."""
    found = grey(dicom_dataset(RAMP, WindowCenter=2048, WindowWidth=65536))
    assert found.min() > 100
    assert found.max() < 150


@pytest.mark.parametrize("width", [0, -5, None])
def test_a_window_that_is_none_is_passed_over(width):
    made = dicom_dataset(RAMP, WindowCenter=100, WindowWidth=width)
    np.testing.assert_array_equal(grey(made), grey(dicom_dataset(RAMP)))


@pytest.mark.parametrize("function", ["SIGMOID", "LINEAR_EXACT"])
def test_other_window_functions_span_the_greys(function):
    made = dicom_dataset(RAMP, WindowCenter=2000, WindowWidth=500, VOILUTFunction=function)
    found = grey(made)
    assert (found.min(), found.max()) == (0, 255)
    assert (np.diff(found.ravel()) >= 0).all()


def test_voi_lut_is_applied():
    lut = Dataset()
    lut.LUTDescriptor = [256, 0, 16]
    lut.LUTData = np.linspace(65535, 0, 256).astype(np.uint16).tobytes()
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    made = dicom_dataset(pixels)
    made.VOILUTSequence = [lut]
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "OW"
    np.testing.assert_allclose(grey(made), 255 - pixels.astype(int), atol=1)


def test_rgb_is_read_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = decode_image(dicom_bytes(dicom_dataset(pixels)))
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_jpeg_in_ycbcr_becomes_rgb():
    picture = Image.new("RGB", (32, 16), (200, 60, 30))
    jpeg = io.BytesIO()
    picture.save(jpeg, "JPEG", quality=95, subsampling=0)
    made = dicom_dataset(np.zeros((16, 32, 3), np.uint8), JPEGBaseline8Bit)
    made.PhotometricInterpretation = "YBR_FULL"
    made.PixelData = encapsulate([jpeg.getvalue()])
    made["PixelData"].VR = "OB"
    found = np.asarray(decode_image(dicom_bytes(made))).astype(int)
    assert np.abs(found - [200, 60, 30]).max() <= 4


def test_palette_becomes_rgb():
    file = get_testdata_file("examples_palette.dcm", download=False)
    found = np.asarray(decode_image(Path(file).read_bytes()))
    made = pydicom.dcmread(file)
    luts = [
        np.frombuffer(getattr(made, f"{c}PaletteColorLookupTableData"), np.uint16)
        for c in ("Red", "Green", "Blue")
    ]
    expected = np.stack([lut[made.pixel_array] for lut in luts], axis=-1) / 65535 * 255
    np.testing.assert_allclose(found, expected, atol=0.51)


def test_of_several_frames_the_first_is_taken_and_it_says_how_many_there_are():
    frames = np.stack([np.full((4, 4), v, np.uint8) for v in (10, 200, 30)])
    made = dicom_dataset(frames[0], NumberOfFrames=3)
    made.PixelData = frames.tobytes()
    image = decode_image(dicom_bytes(made))
    assert image.info["frames"] == 3
    assert image.getextrema() == ((10, 10),) * 3


def test_enhanced_objects_have_their_window_in_the_functional_groups():
    window = Dataset()
    window.WindowCenter, window.WindowWidth = 1000, 400
    group = Dataset()
    group.FrameVOILUTSequence = [window]
    made = dicom_dataset(RAMP)
    made.PerFrameFunctionalGroupsSequence = [group]
    expected = grey(dicom_dataset(RAMP, WindowCenter=1000, WindowWidth=400))
    np.testing.assert_array_equal(grey(made), expected)


def test_a_file_without_pixels_says_what_it_is():
    assert refusal(dicom_bytes(dicom_dataset())) == (
        "the DICOM file has no pixels; it is Secondary Capture Image Storage"
    )


def test_an_encapsulated_pdf_is_refused():
    made = dicom_dataset(SOPClassUID=EncapsulatedPDFStorage, EncapsulatedDocument=b"%PDF-1.4 ")
    assert "the DICOM file contains a document, such as a PDF, and no image" in refusal(
        dicom_bytes(made)
    )


def test_a_compression_without_decompressor_is_named():
    made = dicom_dataset(np.zeros((4, 4), np.uint8), MPEG2MPML)
    made.PixelData = encapsulate([b"\0\0"])
    made["PixelData"].VR = "OB"
    assert refusal(dicom_bytes(made)) == (
        "the pixels are compressed as MPEG2 Main Profile / Main Level, which is not supported; "
        "save the file without compression"
    )


def test_a_damaged_compressed_frame_is_refused():
    made = dicom_dataset(np.zeros((4, 4), np.uint8), JPEGBaseline8Bit)
    made.PixelData = encapsulate([b"not a JPEG"])
    made["PixelData"].VR = "OB"
    assert "compressed as JPEG Baseline (Process 1), cannot be decompressed" in refusal(
        dicom_bytes(made)
    )


def test_too_many_pixels_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(reading, "MAX_PIXELS", 255)
    assert "million pixels, more than the" in refusal(dicom_bytes(dicom_dataset(RAMP)))


def test_floating_point_pixels_are_refused():
    made = dicom_dataset(np.zeros((4, 4), np.uint16), FloatPixelData=b"\0" * 64)
    del made.PixelData
    assert (
        refusal(dicom_bytes(made))
        == "the pixels are floating-point numbers; save them as 8 or 16 bits"
    )


@pytest.mark.parametrize("length", [132, 140, 300, 700])
def test_a_truncated_file_gets_one_sentence(length):
    sentence = refusal(dicom_bytes(dicom_dataset(RAMP))[:length])
    assert "\n" not in sentence
    assert sentence.startswith("the DICOM file")


@pytest.mark.parametrize("tag", ["PatientID", "0010,0020", "(0010,0020)", "00100020"])
def test_a_tag_is_named_by_keyword_or_number(tag):
    assert keyword_of(tag) == "PatientID"


@pytest.mark.parametrize("tag", ["Patient", "", "0010", "zzzzzzzz", "99999999"])
def test_what_is_no_tag_has_no_keyword(tag):
    assert keyword_of(tag) is None


def test_tags_are_read_as_text(tmp_path):
    made = dicom_dataset(RAMP, PatientID=" P1 ", ImageType=["DERIVED", "SECONDARY"])
    (tmp_path / "a.dcm").write_bytes(dicom_bytes(made))
    assert read_tags(tmp_path / "a.dcm", ["PatientID", "ImageType", "Modality"]) == {
        "PatientID": "P1",
        "ImageType": "DERIVED\\SECONDARY",
        "Modality": "",
    }


def test_tags_of_what_is_no_dicom_are_refused(tmp_path):
    (tmp_path / "a.dcm").write_text("no")
    for name in ("a.dcm", "gone.dcm"):
        with pytest.raises(UnusableDicomError):
            read_tags(tmp_path / name, ["PatientID"])


def test_files_without_ending_are_images_when_they_begin_as_dicom(tmp_path):
    content = dicom_bytes(dicom_dataset(RAMP))
    for name in ("IM0001", "1.2.840.113619.2", "a.dcm", "b.txt"):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "LICENSE").write_text("free")
    images = {file.name for file in tmp_path.iterdir() if is_image_file(file)}
    assert images == {"IM0001", "1.2.840.113619.2", "a.dcm"}
    assert is_dicom(content)
    assert not is_dicom(content[:131])


def test_reading_other_images_loads_no_reader_of_rarer_formats(tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    program = (
        "import sys, pathlib; from medrecog_core.images import read_image; "
        f"read_image(pathlib.Path({str(tmp_path / 'a.png')!r})); "
        "print({'pydicom', 'nibabel', 'tifffile', 'imagecodecs', 'pi_heif'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


WINDOW = Rendering(window=(1000, 3000))
OVERRIDING = Rendering(window=(1000, 3000), overrides_own=True)
RAMP_IN_WINDOW = np.rint((RAMP.astype(float).clip(1000, 3000) - 1000) / 2000 * 255)


def grey_under(made, rendering):
    return np.asarray(decode_image(dicom_bytes(made), rendering=rendering))[..., 0]


def test_files_without_a_window_get_that_of_the_data_set():
    np.testing.assert_array_equal(grey_under(dicom_dataset(RAMP), WINDOW), RAMP_IN_WINDOW)


def test_the_window_of_the_data_set_is_one_of_rescaled_values():
    made = dicom_dataset(RAMP, RescaleSlope=2, RescaleIntercept=-1000)
    found = grey_under(made, Rendering(window=(1000, 5000)))
    np.testing.assert_array_equal(found, RAMP_IN_WINDOW)


def test_a_window_of_its_own_wins_unless_it_is_overridden():
    made = dicom_dataset(RAMP, WindowCenter=500, WindowWidth=400)
    np.testing.assert_array_equal(grey_under(made, WINDOW), grey(made))
    np.testing.assert_array_equal(grey_under(made, OVERRIDING), RAMP_IN_WINDOW)


def test_a_lut_of_its_own_wins_unless_it_is_overridden():
    lut = Dataset()
    lut.LUTDescriptor = [256, 0, 16]
    lut.LUTData = np.linspace(65535, 0, 256).astype(np.uint16).tobytes()
    made = dicom_dataset(RAMP)
    made.VOILUTSequence = [lut]
    lut["LUTDescriptor"].VR = "US"
    lut["LUTData"].VR = "OW"
    np.testing.assert_array_equal(grey_under(made, WINDOW), grey(made))
    np.testing.assert_array_equal(grey_under(made, OVERRIDING), RAMP_IN_WINDOW)


def test_8_bits_keep_their_range_under_every_window():
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(grey_under(dicom_dataset(pixels), OVERRIDING), pixels)


def test_monochrome_1_is_inverted_after_the_window_of_the_data_set():
    made = dicom_dataset(RAMP, PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(grey_under(made, WINDOW), 255 - RAMP_IN_WINDOW)
