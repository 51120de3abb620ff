import pytest

from medrecog_core.errors import MedrecogError
from medrecog_core.models import delete_model
from medrecog_core.ui.predict.kept_model import load_kept_model


def test_a_model_is_read_once_until_it_is_written_again(model, cache):
    first = load_kept_model("my-model")
    assert load_kept_model("my-model") is first
    (cache.models / "my-model" / "model.json").touch()
    assert load_kept_model("my-model") is not first


def test_a_model_that_is_gone_is_not_shown_from_memory(model):
    load_kept_model("my-model")
    delete_model("my-model")
    with pytest.raises(MedrecogError, match="Unknown model “my-model”"):
        load_kept_model("my-model")
