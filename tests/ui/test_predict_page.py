"""The Predict page without a browser: answers, their reasons, many images, models as files."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.features import Cell
from medrecog_core.models import (
    Predictor,
    exported_model,
    load_model,
    model_names,
    train_model,
)
from tests.textures import finished_run, specification
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

PICTURE = "image/png"


def upload(test: AppTest, *files: Path) -> AppTest:
    given = [(file.name, file.read_bytes(), PICTURE) for file in files]
    uploader = next(
        each for each in test.get("file_uploader") if each.label == "Images to classify"
    )
    return uploader.set_value(given).run()


@pytest.fixture
def passes(monkeypatch):
    """Count the images that a predictor reads."""
    read = []
    plain_explain, plain_predict = Predictor.explain, Predictor.predict
    monkeypatch.setattr(
        Predictor, "explain", lambda self, c: read.append(1) or plain_explain(self, c)
    )
    monkeypatch.setattr(
        Predictor, "predict", lambda self, c: read.append(len(c)) or plain_predict(self, c)
    )
    return read


def test_an_image_gets_its_label_with_probabilities_and_similar_images(model, passes):
    learnt = next(each for each in model.training_images.images if each.label == "waves")
    test = upload(opened("pages/4_Predict.py"), Path(learnt.path))
    assert not test.exception
    assert {metric.label: metric.value for metric in test.metric}["Label"] == "waves"
    told = words(test)
    assert "For research, not for diagnosis." in told
    assert "Probabilities calibrated on held-out images" in told
    assert "Most similar training images" in told
    assert "waves, 0.000" in told
    assert "Unlike the training images" not in told
    n_read = sum(passes)
    toggle = next(each for each in test.toggle if each.label == "Show evidence map")
    toggle.set_value(True).run()
    assert "Teal: supports waves" in words(test)
    assert "56 x 56 positions" in words(test)
    assert sum(passes) == n_read == 1


def test_many_images_get_a_table_and_the_unreadable_are_listed(model, pictures, tmp_path):
    (tmp_path / "letter.png").write_text("Dear doctor")
    files = [pictures / f"{label}/{label}-0.png" for label in ("noise", "stripes", "waves")]
    test = upload(opened("pages/4_Predict.py"), *files, tmp_path / "letter.png")
    assert not test.exception
    table, unread = (frame.value for frame in test.dataframe)
    assert list(table["file"]) == [file.name for file in files]
    assert list(table["label"]) == ["noise", "stripes", "waves"]
    assert list(unread["file"]) == ["letter.png"]
    assert "Download as CSV" in [button.label for button in test.get("download_button")]
    test.selectbox[-1].set_value(2).run()
    assert {metric.label: metric.value for metric in test.metric}["Label"] == "waves"


def test_only_unreadable_images_get_a_sentence_each(model, tmp_path):
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_text("Dear doctor")
    test = upload(opened("pages/4_Predict.py"), tmp_path / "one.png", tmp_path / "two.png")
    assert not test.exception
    assert "one.png could not be classified: the content is not an image" in words(test)


def test_the_card_of_the_model_can_be_read(model):
    test = opened("pages/4_Predict.py")
    told = words(test)
    assert "Trained on 9 images of **textures**" in told
    assert "##### Limits" in told
    labels = [button.label for button in test.get("download_button")]
    assert labels == ["Download model card", "Export model"]


def test_a_model_is_imported_from_a_file(model):
    content = exported_model("my-model")
    test = opened("pages/4_Predict.py")
    uploader = next(each for each in test.get("file_uploader") if "Model file" in each.label)
    uploader.set_value([("one.medrecog-model", content, "application/zip")])
    next(each for each in test.text_input if each.label == "Model name (optional)").set_value(
        "theirs"
    )
    next(each for each in test.button if each.label == "Import").click().run()
    assert not test.exception
    assert "Model “theirs” imported." in words(test)
    assert model_names() == ["my-model", "theirs"]
    assert load_model("theirs").card.classes == model.card.classes


def test_a_foreign_file_gets_one_sentence(model):
    test = opened("pages/4_Predict.py")
    uploader = next(each for each in test.get("file_uploader") if "Model file" in each.label)
    uploader.set_value([("letter.txt", b"Dear doctor", "text/plain")])
    next(each for each in test.button if each.label == "Import").click().run()
    assert "letter.txt is not a model file" in words(test)
    assert model_names() == ["my-model"]


def test_a_read_only_view_imports_and_deletes_nothing(model, monkeypatch):
    monkeypatch.setenv("MEDRECOG_MODE", "viewer")
    test = opened("pages/4_Predict.py")
    assert not test.exception
    assert [each.label for each in test.get("file_uploader")] == ["Images to classify"]
    assert not test.button


def test_a_model_without_a_map_says_so_and_what_it_contains(known):
    asked = specification(layers=["block2"], poolings=["average"], classifier="knn", k=1)
    model = train_model(finished_run(asked), Cell("block2", 224, "average"), "my-model")
    learnt = model.training_images.images[0]
    test = upload(opened("pages/4_Predict.py"), Path(learnt.path))
    assert not test.exception
    told = words(test)
    assert "Scores of k-nearest neighbours cannot be attributed to image regions" in told
    assert "contains the features of all 9 training images" in told
    assert {metric.label: metric.value for metric in test.metric}["Label"] == learnt.label
    assert "Show evidence map" not in [each.label for each in test.toggle]
