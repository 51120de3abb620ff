import pytest

from medrecog_core.errors import MedrecogError, UsageError
from medrecog_core.reports.run_figures import (
    FIGURES,
    curve_classes,
    draw_figure,
    find_class,
    find_result,
)
from medrecog_core.runs.comparison import score_images
from tests.made_runs import made_run
from tests.textures import CLASSES


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_a_width_and_words(cache, figure):
    chart = draw_figure(made_run(n_folds=3), figure).to_dict()
    assert chart["width"] >= 200
    assert chart["description"]


def test_folds_are_told_in_words(cache):
    run = made_run(n_folds=3)
    told = ", ".join(f"{fold.accuracy:.3f}" for fold in run.cells()[0].folds)
    chart = draw_figure(run, "folds", cell=run.cells()[0].cell.name)
    assert chart.to_dict()["description"] == f"Accuracy of each fold: {told}"


def test_too_few_test_images_have_no_reliability(finished):
    with pytest.raises(MedrecogError):
        draw_figure(finished, "reliability")


def test_curve_is_of_the_cell_and_class_that_were_asked_for(finished):
    words = draw_figure(finished, "roc", cell="block1-224-max", label="waves").description
    result = find_result(finished.cells(), "block1-224-max")
    images = score_images(finished, result)
    position = images.classes.index("waves")
    pairs = [
        (own > other) + 0.5 * (own == other)
        for own in images.scores[images.truth == position, position]
        for other in images.scores[images.truth != position, position]
    ]
    assert words == f"ROC of waves, area {sum(pairs) / len(pairs):.3f}"


def test_without_a_class_the_first_with_a_curve_is_drawn(finished):
    images = score_images(finished, finished.cells()[0])
    assert curve_classes(images) == list(CLASSES)
    assert find_class(images) == CLASSES[0]


def test_without_a_name_the_best_cell_is_found(finished):
    best = find_result(finished.cells(), "", "macro_f1")
    assert best.metrics.macro_f1 == max(r.metrics.macro_f1 for r in finished.cells())


def test_what_there_is_not_is_named(finished):
    with pytest.raises(UsageError, match="This run has no finished cell “block9”"):
        draw_figure(finished, "confusion", cell="block9")
    with pytest.raises(UsageError, match=r"measure “luck” is not available .*: accuracy, "):
        draw_figure(finished, measure="luck")


def test_run_without_a_finished_cell_has_no_figure(finished):
    finished.discard_cells()
    with pytest.raises(MedrecogError, match="has no finished cells yet"):
        draw_figure(finished)
