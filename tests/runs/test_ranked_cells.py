import numpy as np
import pytest

from medrecog_core.classification import MEASURES
from medrecog_core.runs.ranked_cells import rank_cells, score_images


def test_every_cell_has_its_measure_with_an_interval(finished):
    cells = rank_cells(finished, "balanced_accuracy")
    assert [cell.result for cell in cells] == finished.cells()
    for cell in cells:
        assert cell.estimate.value == pytest.approx(cell.result.metrics.balanced_accuracy)
        assert cell.estimate.low <= cell.estimate.value <= cell.estimate.high
        assert cell.estimate.n_images == cell.result.n_test


def test_one_cell_is_the_best_and_none_beats_it(finished):
    cells = rank_cells(finished)
    (best,) = (cell for cell in cells if cell.ranked.is_best)
    assert best.ranked.is_indistinguishable
    assert best.estimate.value == max(cell.estimate.value for cell in cells)
    # Three test images tell nothing apart.
    assert all(cell.ranked.is_indistinguishable for cell in cells)


def test_scores_stand_beside_the_images_they_are_of(finished):
    result = finished.cells()[0]
    images = score_images(finished, result)
    classes = [row.label for row in result.metrics.classes]
    assert [classes[i] for i in images.truth] == [i.label for i in finished.tested_images()]
    np.testing.assert_array_equal(images.scores, finished.scores(result.cell))
    assert images.confusion.tolist() == [list(row) for row in result.metrics.confusion]


def test_three_classes_have_no_sensitivity(finished):
    with pytest.raises(Exception, match="sensitivity"):
        rank_cells(finished, "sensitivity")
    assert "sensitivity" in MEASURES
