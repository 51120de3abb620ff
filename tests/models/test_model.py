import json
from typing import Any

import pytest

from medrecog_core.features import Fusion
from medrecog_core.models import Model, ModelCard


def test_a_card_survives_its_way_through_json(model: Model) -> None:
    assert ModelCard.from_document(json.loads(json.dumps(model.card.to_document()))) == model.card


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"accuracy": "high"},
        {"classes": ["b", "a"]},
        {"classes": ["a"]},
        {"trained_on": "test"},
        {"cell": {"layers": ["block1"], "scales": [224], "poolings": ["max"]}},
        {"calibration": {"kind": "fitted"}},
        {"estimates": [{"measure": "accuracy"}]},
    ],
)
def test_what_is_no_card_is_refused(model: Model, changes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        ModelCard.from_document({**model.card.to_document(), **changes})


def test_the_cell_may_be_a_fusion(model: Model) -> None:
    sides = {"layers": ["block1", "block2"], "scales": [224], "poolings": ["max"]}
    card = ModelCard.from_document({**model.card.to_document(), "cell": sides})
    assert card.cell == Fusion(("block1", "block2"), (224,), ("max",))
