"""A model's tests on other data sets on its card, without a browser."""

import pytest

from medrecog_core.jobs.job import all_jobs
from medrecog_core.jobs.kinds import EVALUATE
from medrecog_core.models import read_outside_tests
from medrecog_core.models.evaluation import carry_out_evaluation
from medrecog_core.ui.models import outside_tests
from tests.textures import add_textures, write_textures
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

PAGE = "pages/6_Models.py"


@pytest.fixture
def others(tmp_path, model):
    folder = write_textures(tmp_path / "others", n=2)
    (folder / "waves").rename(folder / "ripples")
    add_textures(folder, "others")


def pressed(test, label):
    return next(each for each in test.button if each.label == label).click().run()


def test_a_kept_test_is_on_the_card_and_is_deleted(model, others):
    carry_out_evaluation("my-model", "others", {"ripples": "waves"})
    (kept,) = read_outside_tests("my-model")
    test = opened(PAGE, card="my-model")
    assert not test.exception
    table = next(
        frame.value for frame in test.dataframe if "own test images" in frame.value.columns
    )
    assert len(table) == len(kept.estimates)
    assert any(
        "copies of training images" in warning.value or "near-copies of" in warning.value
        for warning in test.warning
    )
    test = pressed(test, "Delete test")
    assert not test.exception
    assert read_outside_tests("my-model") == ()
    assert "has not been tested on another data set" in words(test)


def test_classes_are_matched_before_it_starts(model, others, monkeypatch):
    started = []
    monkeypatch.setattr(outside_tests, "start_evaluation", lambda *order: started.append(order))
    monkeypatch.setattr(outside_tests, "note_started", lambda job: None)
    test = opened(PAGE, card="my-model")
    next(box for box in test.selectbox if box.label == "Data set").set_value("others").run()
    assert "Classes of the same name: noise, stripes" in words(test)
    match = next(box for box in test.selectbox if box.label == "Class ripples is")
    match.set_value("waves").run()
    pressed(test, "Start test")
    assert started == [("my-model", "others", {"ripples": "waves"})]
    assert all_jobs(EVALUATE) == []
