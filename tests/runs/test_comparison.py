from dataclasses import replace

import numpy as np
import pytest

from medrecog_core.classification import MEASURES, compare
from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.locations import CacheFolder
from medrecog_core.runs import Run, create_run
from medrecog_core.runs.comparison import compare_runs, rank_cells, score_images
from tests.made_runs import made_run
from tests.textures import specification


@pytest.fixture
def one(cache: CacheFolder) -> Run:
    return made_run(n=120)


def test_each_run_has_its_best_cell_with_its_interval(one: Run) -> None:
    other = made_run(n=120, C=0.01, separations=(2.5, 0.5, 0.2))
    found = compare_runs([one, other], "balanced_accuracy")
    assert found.settings == ("layers", "C")
    assert [run.settings for run in found.runs] == [
        ("block1, block2", "1"),
        ("block1, block2, block3", "0.01"),
    ]
    for compared, run in zip(found.runs, (one, other), strict=True):
        values = [result.metrics.balanced_accuracy for result in run.cells()]
        assert compared.estimate.value == pytest.approx(max(values))
        assert compared.best == run.cells()[int(np.argmax(values))]
        assert compared.estimate.low <= compared.estimate.value <= compared.estimate.high
        assert compared.n_cells == len(values)


def test_a_leak_is_told_of_the_run_that_has_it(one: Run) -> None:
    other = made_run(seed=1)
    other.write_split(replace(other.split(), n_leaking_groups=3))
    found = compare_runs([one, other], "accuracy", None)
    assert [run.n_leaking_groups for run in found.runs] == [0, 3]


def test_the_same_images_are_compared_in_pairs(one: Run) -> None:
    other = made_run(n=120, separations=(0.2,), seed=1)
    (pair,) = compare_runs([one, other]).pairs
    expected = compare(score_images(one, one.cells()[1]), score_images(other, other.cells()[0]))
    assert pair.comparison is not None
    assert pair.comparison.difference == pytest.approx(expected.difference)
    assert pair.adjusted_p_value == pytest.approx(expected.p_value)
    assert pair.is_told_apart == (expected.p_value <= 0.05)


def test_the_order_of_the_images_does_not_matter(cache: CacheFolder) -> None:
    folds = {"n_folds": 3, "n": 60, "n_groups": 20}
    one, other = made_run(**folds), made_run(**folds, seed=1)
    shuffled = made_run(**folds, seed=1, order=list(range(60))[::-1])
    straight, turned = (compare_runs([one, run]).pairs[0] for run in (other, shuffled))
    assert straight.comparison is not None and turned.comparison is not None
    assert turned.comparison.n_units == straight.comparison.n_units == 20
    # The shuffled run has other folds, so other SVMs; but it pairs each image with itself.
    (same,) = compare_runs([shuffled, made_run(**folds, seed=1, order=list(range(60))[::-1])]).pairs
    assert same.comparison is not None
    assert (same.comparison.difference, same.comparison.n_only_one_right) == (0, 0)


def test_p_values_are_corrected_for_all_pairs(one: Run) -> None:
    runs = [one, *(made_run(n=120, separations=(s,), seed=1) for s in (0.1, 0.4))]
    pairs = compare_runs(runs).pairs
    assert [(pair.one, pair.other) for pair in pairs] == [
        (runs[0].id, runs[1].id),
        (runs[0].id, runs[2].id),
        (runs[1].id, runs[2].id),
    ]
    least = min(pairs, key=lambda pair: pair.adjusted_p_value or 0)
    assert least.comparison is not None
    assert least.adjusted_p_value == pytest.approx(min(1, 3 * least.comparison.p_value))


def test_other_images_are_not_compared_in_pairs(one: Run) -> None:
    (pair,) = compare_runs([one, made_run(n=60)]).pairs
    assert (pair.comparison, pair.adjusted_p_value, pair.is_told_apart) == (None, None, False)
    (pair,) = compare_runs([one, made_run(n=120, n_groups=7)]).pairs
    assert pair.comparison is None


def test_cells_in_common_stand_side_by_side(one: Run) -> None:
    other = made_run(n=120, separations=(1.0, 1.0, 1.0), seed=2)
    cells = compare_runs([one, other]).cells
    assert [cell.cell.name for cell in cells] == ["block1-224-average", "block2-224-average"]
    accuracies = [[r.metrics.accuracy for r in run.cells()[:2]] for run in (one, other)]
    assert [cell.values for cell in cells] == list(zip(*accuracies, strict=True))
    assert cells[0].difference == accuracies[0][0] - accuracies[1][0]


def test_the_positive_class_is_that_asked_for(one: Run) -> None:
    found = compare_runs([one, made_run(n=120, seed=3)], "sensitivity", "NORMAL")
    for compared in found.runs:
        assert compared.estimate.value == pytest.approx(compared.best.metrics.classes[0].recall)


def test_a_positive_class_is_taken_where_there_is_one(one: Run) -> None:
    colours = made_run(classes=("green", "red"), seed=3)
    found = compare_runs([one, colours], "sensitivity", "NORMAL")
    assert [run.best.metrics.positive for run in found.runs] == ["NORMAL", "red"]
    with pytest.raises(UsageError, match="Unknown positive class"):
        compare_runs([one, colours], "sensitivity", "BLUE")


def test_what_cannot_be_compared_gives_a_sentence(one: Run) -> None:
    with pytest.raises(UsageError, match="two runs or more"):
        compare_runs([one])
    with pytest.raises(UsageError, match="each once"):
        compare_runs([one, one])
    with pytest.raises(UsageError, match="Unknown measure “beauty”"):
        compare_runs([one, made_run()], "beauty")
    with pytest.raises(UsageError, match="sensitivity is not available for the run"):
        compare_runs([one, made_run(classes=("a", "b", "c"))], "sensitivity")
    with pytest.raises(MedrecogError, match="has no finished cell yet"):
        compare_runs([one, create_run(specification())])


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
