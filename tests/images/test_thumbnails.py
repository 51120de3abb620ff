import hashlib
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from medrecog_core import atomic_file
from medrecog_core.images import Rendering, UnreadableImageError, thumbnail, thumbnails
from medrecog_core.images.thumbnails import bundled_thumbnail, thumbnail_name
from medrecog_core.locations import cache_folder
from medrecog_core.settings import CACHE_VARIABLE


@pytest.fixture
def photo(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 600, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def kept(cache):
    return [file for file in cache.thumbnails.rglob("*") if file.is_file()]


def test_a_thumbnail_is_a_small_jpeg_of_the_same_proportions(photo):
    drawn = Image.open(io.BytesIO(thumbnail(photo)))
    assert (drawn.format, drawn.mode, drawn.size) == ("JPEG", "RGB", (256, 128))


def test_a_small_image_is_not_enlarged(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    assert Image.open(io.BytesIO(thumbnail(tmp_path / "a.png"))).size == (30, 20)


def test_a_thumbnail_is_drawn_once(photo, cache, monkeypatch):
    first = thumbnail(photo)
    assert [file.read_bytes() for file in kept(cache)] == [first]
    monkeypatch.setattr(thumbnails, "decode_image", None)
    assert thumbnail(photo) == first


def test_a_changed_file_has_a_thumbnail_of_its_own(photo, cache):
    first = thumbnail(photo)
    Image.new("RGB", (600, 300), "red").save(photo)
    assert thumbnail(photo) != first
    assert len(kept(cache)) == 2


def test_a_cache_that_cannot_be_written_does_not_empty_the_gallery(photo, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    assert Image.open(io.BytesIO(thumbnail(photo))).size == (256, 128)


def test_an_unreadable_image_has_no_thumbnail(tmp_path, cache):
    (tmp_path / "a.jpg").write_text("not an image")
    with pytest.raises(UnreadableImageError):
        thumbnail(tmp_path / "a.jpg")
    assert kept(cache) == []


def test_a_kept_thumbnail_of_a_known_file_is_found_without_reading_it(photo, monkeypatch):
    first = thumbnail(photo)
    sha256 = hashlib.sha256(photo.read_bytes()).hexdigest()
    monkeypatch.setattr(thumbnails, "read_file", None)
    assert thumbnail(photo, sha256=sha256) == first


def test_a_known_file_without_a_thumbnail_is_read(photo):
    known = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert thumbnail(photo, sha256=known) == thumbnail(photo)


def test_a_file_of_other_content_than_is_known_is_not_shown(photo):
    with pytest.raises(UnreadableImageError, match="the file has changed since"):
        thumbnail(photo, sha256="0" * 64)


def test_a_bundled_thumbnail_stands_in_for_a_file_that_is_not_there_alone(photo):
    known = hashlib.sha256(photo.read_bytes()).hexdigest()
    atomic_file.write_bytes(bundled_thumbnail(known), b"from elsewhere")
    assert thumbnail(photo, sha256=known) == thumbnail(photo)
    gone = photo.with_name("gone.png")
    shutil.rmtree(cache_folder().thumbnails)
    assert thumbnail(gone, sha256=known) == b"from elsewhere"
    with pytest.raises(UnreadableImageError, match="the file does not exist"):
        thumbnail(gone, sha256="0" * 64)
    with pytest.raises(UnreadableImageError, match="the file does not exist"):
        thumbnail(gone)


def test_another_side_has_a_thumbnail_of_its_own(photo, cache):
    assert Image.open(io.BytesIO(thumbnail(photo, 512))).size == (512, 256)
    assert Image.open(io.BytesIO(thumbnail(photo))).size == (256, 128)
    assert len(kept(cache)) == 2


@pytest.fixture
def scan(tmp_path):
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 60).save(tmp_path / "scan.png")
    return tmp_path / "scan.png"


def middle(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))[4, 4]


def test_each_rendering_of_a_file_has_a_thumbnail_of_its_own(scan, cache):
    dark, bright = Rendering(window=(0, 65535)), Rendering(window=(0, 1000))
    found = [middle(thumbnail(scan, rendering=one)) for one in (dark, bright)]
    assert found[0] < 30
    assert found[1] > 240
    assert len(kept(cache)) == 2
    known = hashlib.sha256(scan.read_bytes()).hexdigest()
    for rendering, level in zip((dark, bright), found, strict=True):
        assert middle(thumbnail(scan, sha256=known, rendering=rendering)) == level
    assert len(kept(cache)) == 2


def test_plain_files_have_one_thumbnail_under_all_renderings(photo, cache):
    first = thumbnail(photo)
    assert thumbnail(photo, rendering=Rendering(window=(0, 100), frame="middle")) == first
    assert len(kept(cache)) == 1


def test_the_names_of_plain_thumbnails_are_those_of_earlier_versions():
    assert thumbnail_name("ab" * 32) == f"ab/{'ab' * 32}-256.jpg"
    assert thumbnail_name("ab" * 32, rendering=Rendering(frame=2)) != thumbnail_name("ab" * 32)


def test_a_bundled_thumbnail_stands_in_under_its_rendering_alone(tmp_path):
    rendering = Rendering(window=(0, 100))
    atomic_file.write_bytes(bundled_thumbnail("cd" * 32, rendering=rendering), b"from elsewhere")
    gone = tmp_path / "gone.png"
    assert thumbnail(gone, sha256="cd" * 32, rendering=rendering) == b"from elsewhere"
    with pytest.raises(UnreadableImageError, match="the file does not exist"):
        thumbnail(gone, sha256="cd" * 32)
