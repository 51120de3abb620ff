import itertools

import numpy as np
import pytest

from medrecog_core.classification import (
    ScoredImages,
    cross_calibrate,
    precision_recall_curve,
    roc_curve,
)
from medrecog_core.reports.figures.curves import (
    AFTER,
    BEFORE,
    describe_decision,
    describe_reliability,
    draw_decision,
    draw_folds,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
)
from medrecog_core.runs.cell_evaluation import FoldResult


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


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=200)
    scores = 0.3 * (rng.normal(size=200) + 2 * truth - 1)
    return cross_calibrate(
        ScoredImages.of(
            [("no", "yes")[i] for i in truth], np.column_stack([-scores, scores]), ("no", "yes")
        )
    )


def test_every_bin_with_images_is_a_point_and_no_image_is_lost(found, rows_of):
    rows = [row for row in rows_of(draw_reliability(found, "yes")) if "kind" in row]
    for kind, reliability in ((BEFORE, found.before), (AFTER, found.after)):
        points = [row for row in rows if row["kind"] == kind]
        assert len(points) == (reliability.curve.counts > 0).sum()
        assert sum(row["images"] for row in points) == 200
        assert all(0 <= row["probability"] <= 1 and 0 <= row["share"] <= 1 for row in points)


def test_it_says_whose_probabilities_they_are(found):
    def title(positive):
        return draw_reliability(found, positive).to_dict()["layer"][1]["encoding"]["x"]["title"]

    assert title("yes") == "probability of yes"
    assert title(None) == "probability of the predicted class"


def test_words_tell_both_errors(found):
    words = describe_reliability(found, "yes")
    assert f"{found.before.curve.calibration_error:.3f} before" in words
    assert f"{found.after.curve.calibration_error:.3f} after calibration" in words


def test_decision_curve_has_three_strategies(found, rows_of):
    rows = rows_of(draw_decision(found.decision, "yes"))
    assert {row["strategy"] for row in rows} == {"this cell", "treat all", "treat none"}
    benefits = {(r["strategy"], r["threshold"]): r["benefit"] for r in rows}
    point = found.decision.at(0.3)
    assert benefits["this cell", point.threshold] == pytest.approx(point.model)
    assert benefits["treat all", point.threshold] == pytest.approx(point.treat_all)
    low, high = found.decision.useful_range
    assert f"{low:.2f} to {high:.2f}" in describe_decision(found.decision, "yes")
