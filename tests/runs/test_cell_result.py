import json

import numpy as np

from medrecog_core.classification import measure
from medrecog_core.features import Cell
from medrecog_core.runs import CellResult
from medrecog_core.runs.cell_result import FoldResult


def test_a_result_is_read_as_it_was_written_flat() -> None:
    scores = np.array([[1.5, -1.5], [-0.25, 0.25], [-2, 2]])
    metrics = measure(["a", "b", "a"], scores, ["a", "b"])
    result = CellResult(Cell("block1", 224, "max"), metrics, n_train=9, n_test=3, seconds=0.5)
    document = json.loads(json.dumps(result.to_document()))
    assert (document["layer"], document["scale"], document["pooling"]) == ("block1", 224, "max")
    assert document["accuracy"] == metrics.accuracy
    assert (document["n_train"], document["n_test"], document["seconds"]) == (9, 3, 0.5)
    assert CellResult.from_document(document) == result


def test_a_fold_has_its_hyper_parameter_by_its_own_name() -> None:
    for fold in (FoldResult(8, 2, 0.5, 0.1), FoldResult(8, 2, 0.5, 3, "k")):
        document = fold.to_document()
        assert document[fold.parameter] == fold.value
        assert FoldResult.from_document(document) == fold
