from pathlib import Path

import numpy as np
import pytest

from medrecog_core.errors import UsageError
from medrecog_core.features import Cell, with_evidence
from medrecog_core.models import Predictor, can_explain, finished_cell, load_model, train_model
from tests.textures import finished_run, specification

pytestmark = pytest.mark.slow


def test_positions_and_bias_sum_to_the_scores_of_the_model(known):
    run = finished_run(specification(layers=["block2"], poolings=with_evidence()))
    content = Path(run.images()[0].path).read_bytes()
    for pooling in with_evidence():
        train_model(run, Cell("block2", 224, pooling), pooling)
        predictor = Predictor(load_model(pooling))
        told, explained = predictor.explain(content)
        np.testing.assert_allclose(
            explained.evidence.scores, list(told.scores.values()), rtol=1e-4, atol=1e-5
        )
        assert explained.classes == tuple(told.scores)
        assert explained.pixels.shape == (224, 224, 3)
        assert explained.evidence.contributions.shape == (56, 56, 3)
        (alone,) = predictor.predict([content])
        assert alone.label == told.label
        assert alone.scores == pytest.approx(told.scores, abs=1e-5)


def test_positions_of_a_fusion_s_maps_and_bias_sum_to_its_scores(fused):
    train_model(fused, finished_cell(fused, "block1+block2", 224, "max+average"), "my-model")
    predictor = Predictor(load_model("my-model"))
    for image in fused.images()[:3]:
        told, explained = predictor.explain(Path(image.path).read_bytes())
        np.testing.assert_allclose(
            explained.evidence.scores, list(told.scores.values()), rtol=1e-4, atol=1e-5
        )
        assert explained.evidence.contributions.shape == (112, 112, 3)


def test_an_encoding_has_no_sum_over_positions(trained, pictures):
    model = load_model("vlad")
    assert not can_explain(model)
    content = (pictures / "waves/waves-0.png").read_bytes()
    with pytest.raises(UsageError, match="of vlad features cannot be attributed"):
        Predictor(model).explain(content)
