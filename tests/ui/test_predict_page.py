"""The Predict page without a browser: answers, their reasons, known images, many images."""

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from medrecog_core.features import Cell
from medrecog_core.models import Predictor, train_model
from medrecog_core.ui.predict import kept_model
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
    assert "Teal: supports waves" in told
    assert "56 x 56 positions" in told
    toggle = next(each for each in test.toggle if each.label == "Show evidence map")
    toggle.set_value(False).run()
    assert "Teal: supports waves" not in words(test)
    assert sum(passes) == 1


def test_a_known_image_is_recognised_and_its_copy_is_no_similar_image(model, finished):
    learnt, tested = finished.trained_images()[0], finished.tested_images()[0]
    test = upload(opened("pages/4_Predict.py"), Path(learnt.path))
    (warning,) = (each.value for each in test.warning if "Known image" in each.value)
    assert f"This exact image is in the training data, labelled {learnt.label}." in warning
    assert "(1 copy not counted)" in words(test)
    assert "of 4 labelled" in words(test)
    test = upload(opened("pages/4_Predict.py"), Path(tested.path))
    (warning,) = (each.value for each in test.warning if "Known image" in each.value)
    assert f"This exact image is in the test data, labelled {tested.label}." in warning
    assert "of 5 labelled" in words(test)


def test_a_new_image_is_not_called_known(model, tmp_path):
    slope = np.linspace(0, 255, 96).astype(np.uint8)
    Image.fromarray(np.tile(slope, (96, 1))).save(tmp_path / "new.png")
    test = upload(opened("pages/4_Predict.py"), tmp_path / "new.png")
    assert {metric.label for metric in test.metric} >= {"Label", "Probability"}
    assert "Known image" not in words(test)


def test_the_model_is_read_once(model, monkeypatch, pictures):
    read = []
    load = kept_model.load_model
    monkeypatch.setattr(kept_model, "load_model", lambda name: read.append(name) or load(name))
    st.cache_resource.clear()
    upload(opened("pages/4_Predict.py"), pictures / "waves/waves-0.png")
    assert read == ["my-model"]


def test_many_images_get_a_table_and_the_unreadable_are_listed(model, pictures, tmp_path):
    (tmp_path / "letter.png").write_text("Dear doctor")
    files = [pictures / f"{label}/{label}-0.png" for label in ("noise", "stripes", "waves")]
    test = upload(opened("pages/4_Predict.py"), *files, tmp_path / "letter.png")
    assert not test.exception
    table, unread = (frame.value for frame in test.dataframe)
    assert list(table["file"]) == [file.name for file in files]
    assert list(table["label"]) == ["noise", "stripes", "waves"]
    assert all(each.startswith("data:image/jpeg;base64,") for each in table["image"])
    assert set(table["known image"]) <= {"in the training data", "in the test data"}
    assert list(unread["file"]) == ["letter.png"]
    assert "Download as CSV" in [button.label for button in test.get("download_button")]
    next(each for each in test.selectbox if each.label == "Show details for").set_value(2).run()
    assert {metric.label: metric.value for metric in test.metric}["Label"] == "waves"


def test_only_unreadable_images_get_a_sentence_each(model, tmp_path):
    for name in ("one.png", "two.png"):
        (tmp_path / name).write_text("Dear doctor")
    test = upload(opened("pages/4_Predict.py"), tmp_path / "one.png", tmp_path / "two.png")
    assert not test.exception
    assert "one.png could not be classified: the content is not an image" in words(test)


def test_a_model_without_a_map_says_so(known):
    asked = specification(layers=["block2"], poolings=["average"], classifier="knn", k=1)
    model = train_model(finished_run(asked), Cell("block2", 224, "average"), "my-model")
    learnt = model.training_images.images[0]
    test = upload(opened("pages/4_Predict.py"), Path(learnt.path))
    assert not test.exception
    told = words(test)
    assert "Scores of k-nearest neighbours cannot be attributed to image regions" in told
    assert {metric.label: metric.value for metric in test.metric}["Label"] == learnt.label
    assert "Show evidence map" not in [each.label for each in test.toggle]


def test_images_of_one_patient_get_one_answer(model):
    paths = [Path(image.path) for image in model.training_images.images][:3]
    test = upload(opened("pages/4_Predict.py"), *paths)
    assert "Label of the patient" not in {metric.label for metric in test.metric}
    toggle = next(each for each in test.toggle if each.label == "All images are of one patient")
    toggle.set_value(True).run()
    assert not test.exception
    told = {metric.label: metric.value for metric in test.metric}
    assert told["Label of the patient"] in model.card.classes
    answers = Predictor(model).predict([path.read_bytes() for path in paths])
    for label in model.card.classes:
        mean = sum(answer.scores[label] for answer in answers) / len(answers)
        assert float(told[f"Score of {label}"]) == pytest.approx(mean, abs=6e-4)
