"""The Models page without a browser: the table, a card, and models as files."""

import pytest

from medrecog_core import models
from medrecog_core.features import Cell
from medrecog_core.models import (
    exported_model,
    load_model,
    model_names,
    train_model,
)
from medrecog_core.models.storage import CARD
from tests.textures import finished_run, specification
from tests.ui.test_pages import opened, words

pytestmark = pytest.mark.slow

PAGE = "pages/6_Models.py"


def pressed(test, label):
    return next(each for each in test.button if each.label == label).click().run()


def test_every_model_is_a_row_with_its_accuracy_interval_and_size(model):
    test = opened(PAGE)
    assert not test.exception
    (row,) = test.dataframe[0].value.to_dict("records")
    low, high = model.card.accuracy_interval
    assert (row["Model"], row["Accuracy"]) == ("my-model", model.card.accuracy)
    assert row["95 % CI"] == f"{low:.3f}–{high:.3f}"
    assert (row["Test images"], row["Data set"]) == (model.card.n_test, "textures")
    assert row["Features"] == "block2 · 224 · average"
    assert row["Created"].timestamp() == pytest.approx(model.card.created)
    assert "##### Limits" not in words(test)


def test_the_card_of_the_address_is_open(model):
    test = opened(PAGE, card="my-model")
    told = words(test)
    assert "trained on 9 images of **textures**" in told
    assert "##### Limits" in told
    labels = [button.label for button in test.get("download_button")]
    assert labels == ["Download model card", "Export model"]
    (link,) = (each.proto for each in test.main.get("page_link"))
    assert link.query_string == "model=my-model"


def test_a_model_that_is_gone_is_said_to_be_and_the_others_are_listed(model):
    test = opened(PAGE, card="gone")
    assert "Model “gone” not found." in words(test)
    assert len(test.dataframe[0].value) == 1


def test_a_deleted_model_leaves_the_table_and_the_address(model):
    test = pressed(opened(PAGE, card="my-model"), "Delete")
    assert not test.exception
    assert model_names() == []
    assert not test.query_params.get("card")
    assert "No models yet" in words(test)


def test_deleted_models_are_restored_by_undo_or_from_the_trash(model):
    test = pressed(pressed(opened(PAGE, card="my-model"), "Delete"), "Undo")
    assert not test.exception
    assert list(test.dataframe[0].value["Model"]) == ["my-model"]
    assert "Moved" not in words(test)
    models.delete_model("my-model")
    test = opened(PAGE)
    test.session_state["model-trash-open"] = True
    (deleted,) = models.MODEL_TRASH.contents()
    test.run().multiselect(key="model-trash-chosen").set_value([deleted.id]).run()
    pressed(test, "Restore")
    assert not test.exception
    assert model_names() == ["my-model"]


def test_a_damaged_model_gets_a_sentence_and_can_be_deleted(model, cache):
    (cache.models / "bad").mkdir()
    (cache.models / "bad" / CARD).write_text("{")
    test = opened(PAGE)
    assert len(test.dataframe[0].value) == 1
    assert "is damaged" in words(test)
    test.button(key="delete-bad").click().run()
    assert model_names() == ["my-model"]


def test_a_model_is_imported_from_a_file_and_listed(model):
    content = exported_model("my-model")
    test = opened(PAGE)
    uploader = next(each for each in test.get("file_uploader") if "Model file" in each.label)
    uploader.set_value([("one.medrecog-model", content, "application/zip")])
    next(each for each in test.text_input if each.label == "Model name (optional)").set_value(
        "theirs"
    )
    pressed(test, "Import")
    assert not test.exception
    assert "Model “theirs” imported." in words(test)
    assert set(test.dataframe[0].value["Model"]) == {"my-model", "theirs"}
    assert load_model("theirs").card.classes == model.card.classes


def test_a_foreign_file_gets_one_sentence(model):
    test = opened(PAGE)
    uploader = next(each for each in test.get("file_uploader") if "Model file" in each.label)
    uploader.set_value([("letter.txt", b"Dear doctor", "text/plain")])
    pressed(test, "Import")
    assert "letter.txt is not a model file" in words(test)
    assert model_names() == ["my-model"]


def test_a_read_only_view_imports_exports_and_deletes_nothing(model, monkeypatch):
    monkeypatch.setenv("MEDRECOG_MODE", "viewer")
    test = opened(PAGE, card="my-model")
    assert not test.exception
    assert not test.get("file_uploader")
    assert not test.button
    assert [each.label for each in test.get("download_button")] == ["Download model card"]


def test_a_model_of_neighbours_says_what_it_contains(known):
    asked = specification(layers=["block2"], poolings=["average"], classifier="knn", k=1)
    train_model(finished_run(asked), Cell("block2", 224, "average"), "my-model")
    told = words(opened(PAGE, card="my-model"))
    assert "contains the features of all 9 training images" in told
