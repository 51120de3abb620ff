import hashlib
from pathlib import Path

import pytest

from medrecog_core.errors import StoppedError
from medrecog_core.features import HashedImage, hash_images, hashed_image
from medrecog_core.images import Rendering


def test_missing_file_is_listed_by_hashing(tmp_path, write_image):
    present = write_image("a.png", 1)
    hashed, skipped = hash_images([present.path, tmp_path / "gone.png"])
    assert hashed == [present]
    assert skipped[0].path.endswith("gone.png")
    assert "the file does not exist" in skipped[0].reason


def test_hashes_are_sha256_of_the_bytes_in_the_given_order(write_image):
    images = [write_image(f"{i}.png", i) for i in range(20)]
    hashed, _ = hash_images([image.path for image in images])
    assert hashed == images
    content = hashed[7].path.read_bytes()
    assert hashed[7].sha256 == hashlib.sha256(content).hexdigest()


def test_hashing_stops_when_asked(write_image):
    images = [write_image(f"{i}.png", i) for i in range(5)]
    with pytest.raises(StoppedError):
        hash_images([image.path for image in images], should_stop=lambda: True)


def test_a_file_of_several_images_is_read_once(write_image, monkeypatch):
    paths = [write_image(f"{i}.png", i).path for i in range(2)]
    read = []
    monkeypatch.setattr(
        hashed_image, "read_file", lambda path: read.append(path) or path.read_bytes()
    )
    hashed, skipped = hash_images([paths[0], paths[1], paths[0]])
    assert [each.path for each in hashed] == paths
    assert sorted(read) == sorted(paths)
    assert skipped == []


def test_an_image_is_known_by_its_content_and_its_rendering():
    path = Path("a.tif")
    one, other = HashedImage(path, "00"), HashedImage(path, "00", Rendering(frame=2))
    assert one.identity != other.identity
    assert (one.name, other.name) == ("a.tif", "a.tif#2")
