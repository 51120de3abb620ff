"""Classes and folder of a kept data set are changed on its page, without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from medrecog_core.datasets import add_dataset, library
from tests.textures import CLASSES, PER_CLASS, write_textures

pytestmark = pytest.mark.slow

APP = str(Path(__file__).parents[3] / "app.py")


def opened(tmp_path):
    add_dataset("textures", [write_textures(tmp_path / "images")])
    test = AppTest.from_file(APP, default_timeout=60)
    test.query_params["dataset"] = "textures"
    test.switch_page("pages/1_Datasets.py").run()
    assert not test.exception
    return test


def one(elements, label):
    (found,) = [each for each in elements if each.label == label]
    return found


def figure(test, label):
    return one(test.metric, label).value


def test_classes_are_excluded_and_restored(tmp_path):
    test = opened(tmp_path)
    one(test.multiselect, "Exclude classes").set_value([CLASSES[0]]).run()
    one(test.button, "Apply").click().run()
    assert not test.exception
    assert (figure(test, "Classes"), figure(test, "Excluded")) == ("2", str(PER_CLASS))
    one(test.button, "Restore all classes").click().run()
    assert figure(test, "Classes") == "3"


def test_a_merge_that_cannot_be_gets_one_sentence(tmp_path):
    test = opened(tmp_path)
    one(test.text_area, "Merge classes").set_value("stripes").run()
    one(test.button, "Apply").click().run()
    assert not test.exception
    assert "Write it as OLD=NEW" in test.error[0].value.replace("&#61;", "=")


def test_images_that_were_moved_are_found_again(tmp_path):
    test = opened(tmp_path)
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    one(test.text_input, "New image folder (path on the server)").set_value(
        str(tmp_path / "elsewhere")
    ).run()
    one(test.button, "Use this folder").click().run()
    assert not test.exception
    assert library.load("textures").root == tmp_path / "elsewhere"
