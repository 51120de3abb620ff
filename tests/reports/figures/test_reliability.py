import numpy as np
import pytest

from medrecog_core.classification import ScoredImages, cross_calibrate
from medrecog_core.reports.figures.reliability import (
    AFTER,
    BEFORE,
    describe_reliability,
    draw_reliability,
)


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
