import itertools

import numpy as np
import pytest

from medrecog_core.classification import precision_recall_curve, roc_curve
from medrecog_core.reports.figures.curves import draw_folds, draw_precision_recall, draw_roc
from medrecog_core.runs.cell_result import FoldResult


@pytest.fixture
def scored():
    generator = np.random.default_rng(0)
    is_member = generator.random(4000) < 0.3
    return generator.normal(is_member, 1.0), is_member


@pytest.mark.parametrize(
    ("compute", "draw"), [(roc_curve, draw_roc), (precision_recall_curve, draw_precision_recall)]
)
def test_a_curve_of_thousands_of_points_keeps_some_hundred_and_both_ends(
    scored, compute, draw, rows_of
):
    curve = compute(*scored)
    rows = [row for row in rows_of(draw(curve)) if "step" in row]
    assert len(rows) <= 300
    assert (rows[0]["x"], rows[-1]["x"]) == (0, 1)
    assert all(first["x"] <= second["x"] for first, second in itertools.pairwise(rows))


def test_guessing_is_the_diagonal_of_a_roc_and_the_prevalence_of_the_other(scored, rows_of):
    _, is_member = scored
    guess = [r for r in rows_of(draw_roc(roc_curve(*scored))) if "step" not in r]
    assert [(r["x"], r["y"]) for r in guess] == [(0, 0), (1, 1)]
    other = draw_precision_recall(precision_recall_curve(*scored))
    levels = [r["y"] for r in rows_of(other) if "step" not in r]
    assert levels == pytest.approx([is_member.mean()] * 2)


def test_folds_are_points_at_their_accuracies(rows_of):
    folds = [FoldResult(8, 4, 0.75, 1.0), FoldResult(8, 4, 0.5, 10.0)]
    rows = rows_of(draw_folds(folds))
    assert [(r["fold"], r["accuracy"], r["C"]) for r in rows] == [(1, 0.75, 1.0), (2, 0.5, 10.0)]
