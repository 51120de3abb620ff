import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as oracle
from sklearn.model_selection import StratifiedGroupKFold

from medrecog_core.classification import Calibration, ScoredImages, calibrate, cross_calibrate
from medrecog_core.errors import MedrecogError

CLASSES = ("a", "b", "c")


def simulated(n=600, n_classes=3, slope=4.0, n_groups=0, seed=0):
    """Scores of which softmax(slope * scores) is the true probability."""
    rng = np.random.default_rng(seed)
    classes = CLASSES[:n_classes]
    scores = rng.normal(size=(n, n_classes))
    if n_classes == 2:
        scores[:, 0] = -scores[:, 1]
    true = Calibration(classes, slope, np.zeros(n_classes)).probabilities(scores)
    labels = [classes[rng.choice(n_classes, p=row)] for row in true]
    groups = [f"group {i}" for i in rng.integers(n_groups, size=n)] if n_groups else ()
    return ScoredImages.of(labels, scores, classes, groups), labels


@pytest.mark.parametrize("slope", [0.2, 4.0])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_a_wrong_spread_are_mended(n_classes, slope):
    images, _ = simulated(n_classes=n_classes, slope=slope)
    found = cross_calibrate(images)
    assert found.after.log_loss < found.before.log_loss
    assert found.after.brier < found.before.brier
    assert found.after.curve.calibration_error < found.before.curve.calibration_error / 2


def test_scores_that_are_calibrated_stay_nearly_so():
    images, _ = simulated(n=3000, slope=1.0)
    found = cross_calibrate(images)
    assert found.after.log_loss == pytest.approx(found.before.log_loss, abs=0.01)


def test_figures_of_two_classes_are_scikit_learn_s():
    images, labels = simulated(n_classes=2)
    before = cross_calibrate(images).before
    scores = images.scores
    positive = 1 / (1 + np.exp(scores[:, 0] - scores[:, 1]))
    is_b = np.array(labels) == "b"
    assert before.brier == pytest.approx(brier_score_loss(is_b, positive))
    assert before.log_loss == pytest.approx(oracle(is_b, positive))
    frequencies, means = calibration_curve(is_b, positive, n_bins=10)
    told = before.curve.counts > 0
    assert before.curve.frequencies[told] == pytest.approx(frequencies)
    assert before.curve.mean_probabilities[told] == pytest.approx(means)


def test_more_classes_are_judged_by_the_predicted_one():
    images, labels = simulated()
    before = cross_calibrate(images).before
    powers = np.exp(images.scores)
    shares = powers / powers.sum(axis=1, keepdims=True)
    assert before.log_loss == pytest.approx(oracle(labels, shares, labels=CLASSES))
    total = sum(
        brier_score_loss(np.array(labels) == label, shares[:, i]) for i, label in enumerate(CLASSES)
    )
    assert before.brier == pytest.approx(total)
    assert np.nansum(before.curve.frequencies * before.curve.counts) == images.right.sum()


def test_no_image_is_calibrated_on_itself_or_its_group():
    images, labels = simulated(n=150, n_groups=40)
    expected = np.empty_like(images.scores)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for learnt, held in folds.split(images.truth, images.truth, images.units):
        assert set(images.units[learnt]).isdisjoint(images.units[held])
        one = calibrate(images.scores[learnt], [labels[i] for i in learnt], CLASSES)
        expected[held] = one.probabilities(images.scores[held])
    found = cross_calibrate(images)
    assert found.after.log_loss == pytest.approx(oracle(labels, expected, labels=CLASSES))
    assert (found.n_images, found.n_units, found.n_folds) == (150, images.n_units, 5)


def test_the_rarest_class_decides_how_many_parts_there_are():
    scores = np.array([[1.0, -1], [0.5, -0.5], [-1, 1], [-2, 2], [0.2, -0.2], [0.3, -0.3]])
    images = ScoredImages.of(list("aabbba"), scores, ("a", "b"), ["", "", "g", "h", "h", ""])
    assert cross_calibrate(images).n_folds == 2


def test_too_few_images_give_a_sentence():
    scores = np.array([[1.0, -1], [0.5, -0.5], [-1, 1], [-2, 2]])
    for labels, groups in (("aaab", ()), ("aaaa", ()), ("aabb", ["", "", "g", "g"])):
        images = ScoredImages.of(list(labels), scores, ("a", "b"), groups)
        with pytest.raises(MedrecogError, match="“b” has test images of fewer than two groups"):
            cross_calibrate(images)
