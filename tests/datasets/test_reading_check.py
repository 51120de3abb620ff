import pytest

from medrecog_core.datasets import LeftOut, library, reading_check, unreadable_images
from medrecog_core.images import read_image


@pytest.fixture
def skin(write_files):
    names = [f"{label}/{i}.png" for label in ("mel", "nv") for i in range(10)]
    return library.read_folder("skin", write_files(*names))


def test_a_data_set_of_whole_images_has_none_unreadable(skin):
    assert unreadable_images(skin) == []


def test_every_unreadable_image_is_given_with_its_reason(skin):
    (skin.root / "nv/3.png").write_text("not an image")
    (skin.root / "mel/7.png").unlink()
    (skin.root / "nv/5.png").write_bytes(b"")
    assert unreadable_images(skin) == [
        LeftOut("mel/7.png", "the file is not there"),
        LeftOut(
            "nv/3.png",
            "the content is not an image in one of the formats JPEG, PNG, TIFF, BMP, WEBP, DICOM",
        ),
        LeftOut("nv/5.png", "the file is empty"),
    ]


def test_progress_is_reported_image_by_image(skin):
    reported = []
    unreadable_images(skin, lambda done, total: reported.append((done, total)))
    assert reported == [(i, 20) for i in range(1, 21)]


def test_a_check_that_is_interrupted_does_not_read_the_rest(write_files, monkeypatch):
    root = write_files(*(f"{label}/{i}.png" for label in ("mel", "nv") for i in range(300)))
    dataset = library.read_folder("skin", root)
    read = []
    monkeypatch.setattr(
        reading_check, "read_image", lambda path: read.append(path) or read_image(path)
    )

    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unreadable_images(dataset, interrupt)
    assert 0 < len(read) < 600
