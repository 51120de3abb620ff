import io

import numpy as np
import pytest
from PIL import Image

from medrecog_core.images import UnreadableImageError, read_header
from medrecog_core.images.header import estimate_jpeg_quality


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
