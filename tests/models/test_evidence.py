from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import UsageError
from medrecog_core.features import Cell
from medrecog_core.models import Explainer, Predictor, can_explain, load_model, train_model


@pytest.mark.parametrize("pooling", ["max", "average"])
def test_positions_and_bias_sum_to_the_scores_of_the_model(finished, pooling):
    train_model(finished, Cell("block2", 224, pooling), "my-model")
    model = load_model("my-model")
    content = Path(finished.images()[0].path).read_bytes()
    explained = Explainer(model).explain(content)
    (answer,) = Predictor(model).predict([content])
    expected = [answer.scores[label] for label in explained.classes]
    np.testing.assert_allclose(explained.evidence.scores, expected, rtol=1e-4, atol=1e-4)
    assert explained.pixels.shape == (224, 224, 3)
    assert explained.evidence.contributions.shape == (56, 56, 3)


def test_an_encoding_has_no_sum_over_positions(encoded):
    train_model(encoded, Cell("block2", 224, "vlad"), "my-model")
    model = load_model("my-model")
    assert not can_explain(model)
    with pytest.raises(UsageError, match="reads vlad, whose scores are no sum over positions"):
        Explainer(model)
