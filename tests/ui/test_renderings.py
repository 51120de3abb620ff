"""Pages show images under the rendering of their data set or model, without a browser."""

import io

import numpy as np
import pytest
from PIL import Image

from medrecog_core.datasets import Dataset, ImageRecord, library
from medrecog_core.ui import gallery
from medrecog_core.ui.datasets import image_detail
from tests.deep_images import MODEL, NAME, WINDOW
from tests.ui.test_pages import opened, words
from tests.ui.test_predict_page import upload

pytestmark = pytest.mark.slow

DATASETS, RESULTS, PREDICT = "pages/1_Datasets.py", "pages/3_Results.py", "pages/4_Predict.py"


def recorded(monkeypatch, module):
    """Record the renderings of the thumbnails that a module shows."""
    shown = []
    thumbnail = module.thumbnail

    def recording(path, *args, **named):
        shown.append((path.suffix, named["rendering"]))
        return thumbnail(path, *args, **named)

    monkeypatch.setattr(module, "thumbnail", recording)
    return shown


def test_galleries_show_images_in_the_window(deep_run, monkeypatch):
    shown = recorded(monkeypatch, gallery)
    for page, query in (
        (DATASETS, {"dataset": NAME, "view": "Images"}),
        (RESULTS, {"run": deep_run.id}),
    ):
        shown.clear()
        test = opened(page, **query)
        assert not test.exception
        assert all((rendering == WINDOW) == (suffix == ".png") for suffix, rendering in shown)
    assert WINDOW.title in words(test)
    assert WINDOW.title in words(opened(DATASETS, dataset=NAME))


def test_an_image_in_full_says_how_it_is_rendered(deep_run, monkeypatch):
    shown = recorded(monkeypatch, image_detail)
    test = opened(DATASETS, dataset=NAME, image="dark/1.png")
    assert not test.exception
    assert shown == [(".png", WINDOW)]
    assert WINDOW.title in test.table[0].value.to_string()


def test_frames_of_one_file_are_shown_apart(cache, tmp_path):
    frames = [
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16), dtype=np.uint8))
        for i in range(4)
    ]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    images = tuple(ImageRecord(f"a.tif#{i}", "ab"[i % 2], frame=i) for i in range(4))
    library.save(Dataset("stack", tmp_path, images, "made"))
    test = opened(DATASETS, dataset="stack", view="Images")
    assert not test.exception
    opens = [button for button in test.button if button.help == "Open image"]
    assert len(opens) == 4
    opens[-1].click().run()
    assert not test.exception
    assert "frame 3" in test.table[0].value.to_string()


def test_predict_says_which_frame_it_read(deep_run, tmp_path):
    frames = [
        Image.fromarray(np.random.default_rng(i).integers(0, 256, (16, 16), dtype=np.uint8))
        for i in range(3)
    ]
    buffer = io.BytesIO()
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    (tmp_path / "stack.tif").write_bytes(buffer.getvalue())
    test = upload(opened(PREDICT, model=MODEL), tmp_path / "stack.tif")
    assert not test.exception
    assert "3 frames. Frame 0 was used" in words(test)


def test_predict_refuses_a_picture_without_content(deep_run, tmp_path):
    Image.new("L", (16, 16), 0).save(tmp_path / "black.png")
    test = upload(opened(PREDICT, model=MODEL), tmp_path / "black.png")
    assert not test.exception
    assert not test.metric
    assert "no content" in words(test)
