import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset

from medrecog_core.images import (
    GreyRange,
    Rendering,
    UnreadableImageError,
    decode_image,
    frames,
    read_header,
    read_range,
)
from tests.dicom_files import dicom_bytes, dicom_dataset

ANIMATED = {
    "GIF": {},
    "TIFF": {},
    "PNG": {},
    "WEBP": {"lossless": True},
}
GREYS = [10, 60, 110, 160, 210]


def animation(format, greys=GREYS, mode="RGB"):
    pictures = [Image.new("L", (6, 4), grey).convert(mode) for grey in greys]
    buffer = io.BytesIO()
    options = {"save_all": True, "append_images": pictures[1:], **ANIMATED[format]}
    pictures[0].save(buffer, format, **options)
    return buffer.getvalue()


def cine(greys=GREYS, dtype=np.uint8, **tags):
    stack = np.stack([np.full((4, 6), grey, dtype) for grey in greys])
    made = dicom_dataset(stack[0], NumberOfFrames=len(greys), **tags)
    made.PixelData = stack.tobytes()
    return made


def grey_of(content, **choices):
    image = decode_image(content, rendering=Rendering(**choices))
    ((low, high), *_) = image.getextrema()
    assert low == high
    return low, image.info.get("frame"), image.info.get("frames")


@pytest.mark.parametrize("format", [*ANIMATED, "DICOM"])
def test_first_middle_or_the_frame_of_a_number_is_read(format):
    content = dicom_bytes(cine()) if format == "DICOM" else animation(format)
    assert grey_of(content) == (10, 0, 5)
    assert grey_of(content, frame="middle") == (110, 2, 5)
    for index, grey in enumerate(GREYS):
        assert grey_of(content, frame=index) == (grey, index, 5)
    with pytest.raises(UnreadableImageError, match="the file has 5 frames, so there is no frame 5"):
        decode_image(content, rendering=Rendering(frame=5))


@pytest.mark.parametrize("format", [*ANIMATED, "DICOM"])
def test_the_header_has_the_number_of_frames(format):
    content = dicom_bytes(cine()) if format == "DICOM" else animation(format)
    header = read_header(content)
    assert (header.format, header.width, header.height) == (format, 6, 4)
    assert header.n_frames == 5


def test_the_header_of_dicom_leaves_its_mode_open():
    header = read_header(dicom_bytes(dicom_dataset(np.zeros((3, 5), np.uint8))))
    assert (header.format, header.width, header.height) == ("DICOM", 5, 3)
    assert (header.mode, header.jpeg_quality, header.n_frames) == ("", 0, 1)


@pytest.mark.parametrize("rendering", [Rendering(frame="middle"), Rendering(frame=7)])
def test_a_single_frame_is_read_under_every_choice(rendering):
    pixels = np.arange(24, dtype=np.uint16).reshape(4, 6) * 100
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    for content in (buffer.getvalue(), dicom_bytes(dicom_dataset(pixels))):
        image = decode_image(content, rendering=rendering)
        assert image == decode_image(content)


def test_views_in_one_jpeg_count_as_one():
    pictures = [Image.new("L", (8, 8), grey) for grey in (20, 200)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, "MPO", save_all=True, append_images=pictures[1:])
    assert read_header(buffer.getvalue()).n_frames == 1
    assert grey_of(buffer.getvalue(), frame="middle")[0] == 20


def test_pages_of_16_bits_have_a_frame_and_a_window():
    pages = [Image.fromarray(np.full((4, 6), v, np.uint16)) for v in (0, 1000, 2000)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    content = buffer.getvalue()
    assert grey_of(content, frame=1, window=(0, 2000))[0] == 128
    assert read_range(content, Rendering(frame=2)) == GreyRange(2000, 2000)


def test_the_window_of_a_data_set_leaves_frames_of_8_bits_alone():
    assert grey_of(animation("GIF"), frame=1, window=(0, 4095))[0] == 60
    assert grey_of(dicom_bytes(cine()), frame=1, window=(0, 4095))[0] == 60


def with_groups(made, *windows):
    groups = []
    for center, width in windows:
        window, group = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, width
        group.FrameVOILUTSequence = [window]
        groups.append(group)
    made.PerFrameFunctionalGroupsSequence = groups
    return made


def test_each_frame_of_an_enhanced_object_has_its_own_window():
    made = with_groups(cine([500, 500], np.uint16), (500.5, 1001), (1000.5, 2001))
    content = dicom_bytes(made)
    assert [grey_of(content, frame=index)[0] for index in (0, 1)] == [128, 64]
    assert grey_of(content, frame=1, window=(0, 500), overrides_own=True)[0] == 255


def test_each_frame_of_an_enhanced_object_has_its_own_rescale():
    made = cine([500, 500], np.uint16)
    groups = []
    for slope in (1, 2):
        rescale, group = Dataset(), Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept = slope, 0
        group.PixelValueTransformationSequence = [rescale]
        groups.append(group)
    made.PerFrameFunctionalGroupsSequence = groups
    content = dicom_bytes(made)
    assert read_range(content, Rendering(frame=1)) == GreyRange(1000, 1000)
    assert grey_of(content, frame=1, window=(0, 2000))[0] == 128


def test_frames_that_are_too_far_in_are_refused(monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAME_PIXELS", 24 * 3)
    assert grey_of(animation("GIF"), frame=2)[0] == 110
    with pytest.raises(UnreadableImageError, match="only be read after all frames before it"):
        decode_image(animation("GIF"), rendering=Rendering(frame=3))
    assert grey_of(animation("TIFF"), frame=4)[0] == 210


@pytest.mark.parametrize("format", ANIMATED)
def test_of_too_many_frames_only_the_first_is_read(format, monkeypatch):
    monkeypatch.setattr(frames, "MAX_FRAMES", 3)
    assert read_header(animation(format)).n_frames == 4
    assert grey_of(animation(format))[0] == 10
    with pytest.raises(UnreadableImageError, match="more than 3 frames"):
        decode_image(animation(format), rendering=Rendering(frame="middle"))


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("format", ["GIF", "TIFF"])
@given(
    st.lists(st.integers(0, 255), min_size=1, max_size=12, unique=True),
    st.sampled_from(["L", "RGB", "P"]),
    st.integers(0, 2000),
)
def test_frames_are_counted_as_pillow_counts_them(format, greys, mode, cut):
    content = animation(format, greys, mode)
    assert read_header(content).n_frames == len(greys)
    content = content[: max(len(content) - cut, 0)]
    try:
        with Image.open(io.BytesIO(content)) as image:
            n_frames = image.n_frames
    except Exception:
        return
    assert read_header(content).n_frames == n_frames


def test_a_tiff_whose_pages_link_in_a_circle_has_an_end():
    content = bytearray(animation("TIFF"))
    with Image.open(io.BytesIO(content)) as image:
        places = [image.seek(index) or image._frame_pos[index] for index in range(5)]
    n_entries = int.from_bytes(content[places[4] : places[4] + 2], "little")
    link = places[4] + 2 + 12 * n_entries
    assert content[link : link + 4] == bytes(4)
    content[link : link + 4] = places[1].to_bytes(4, "little")
    assert read_header(bytes(content)).n_frames == 5
