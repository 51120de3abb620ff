import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss as oracle
from sklearn.model_selection import StratifiedKFold, train_test_split

from medrecog_core.classification import (
    Calibration,
    calibrate,
    log_loss,
    reliability_curve,
)
from medrecog_core.errors import MedrecogError
from tests.svms import train_svm


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose decision values are what it is given."""

    def fit(self, scores, labels):
        self.classes_ = np.unique(labels)
        return self

    def decision_function(self, scores):
        return scores[:, 0]

    def predict(self, scores):
        return self.classes_[(scores[:, 0] > 0).astype(int)]


def simulated(seed, n_classes=3, n=500, slope=3.0):
    """Scores of which softmax(slope * scores + biases) is the true probability."""
    rng = np.random.default_rng(seed)
    classes = tuple("abcdefg"[:n_classes])
    scores = rng.normal(size=(n, n_classes))
    if n_classes == 2:
        scores[:, 0] = -scores[:, 1]
    biases = np.linspace(-1, 1, n_classes)
    true = Calibration(classes, slope, biases).probabilities(scores)
    labels = [classes[rng.choice(n_classes, p=row)] for row in true]
    return scores, labels, classes, biases


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
def test_two_classes_are_calibrated_as_scikit_learn_s_sigmoid_does(scale):
    scores, labels, classes, _ = simulated(0, n_classes=2, n=200)
    scores *= scale
    sigmoid = CalibratedClassifierCV(FrozenEstimator(Given().fit(scores, labels)), method="sigmoid")
    sigmoid.fit(scores[:, 1:], labels)
    expected = sigmoid.predict_proba(scores[:, 1:])
    found = calibrate(scores, labels, classes).probabilities(scores)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_the_true_slope_and_biases_are_found(n_classes):
    scores, labels, classes, biases = simulated(1, n_classes, n=20_000)
    found = calibrate(scores, labels, classes)
    assert found.slope == pytest.approx(3, rel=0.1)
    np.testing.assert_allclose(found.biases, biases, atol=0.15)


@pytest.mark.parametrize("n_classes", [2, 4])
def test_log_loss_of_new_images_goes_down_or_stays(n_classes):
    for seed in range(5):
        for slope in (0.3, 1.0, 5.0):
            scores, labels, classes, _ = simulated(seed, n_classes, n=800, slope=slope)
            plain = Calibration(classes, 1.0, np.zeros(n_classes))
            found = calibrate(scores[:400], labels[:400], classes)
            before, after = (
                log_loss(one.probabilities(scores[400:]), labels[400:], classes)
                for one in (plain, found)
            )
            assert after < before + 0.01


def test_probabilities_of_a_real_svm_are_better_than_those_of_its_bare_scores():
    pixels, digits = load_digits(return_X_y=True)
    labels = digits.astype(str)
    train, test, known, new = train_test_split(
        pixels, labels, test_size=0.5, stratify=labels, random_state=0
    )
    svm = train_svm(train, known)
    held = np.empty((len(train), 10))
    for learnt, rest in StratifiedKFold(5).split(train, known):
        held[rest] = train_svm(train[learnt], known[learnt]).scores(train[rest])
    found = calibrate(held, known, svm.classes)
    scores = svm.scores(test)
    probabilities = found.probabilities(scores)
    bare = Calibration(svm.classes, 1.0, np.zeros(10)).probabilities(scores)
    assert log_loss(probabilities, new, svm.classes) < log_loss(bare, new, svm.classes) / 3
    error = [
        reliability_curve(probabilities[:, i], new == svm.classes[i]).calibration_error
        for i in range(10)
    ]
    assert max(error) < 0.03


def test_scores_without_a_mistake_give_no_certainty():
    scores = np.repeat([[5.0, -5.0], [-5.0, 5.0]], 10, axis=0)
    labels = ["a"] * 10 + ["b"] * 10
    found = calibrate(scores, labels, ("a", "b"))
    np.testing.assert_allclose(found.probabilities(scores)[0], [11 / 12, 1 / 12], atol=1e-4)


def test_scores_that_point_the_wrong_way_are_not_turned_round():
    scores, labels, classes, _ = simulated(3)
    found = calibrate(-scores, labels, classes)
    assert found.slope == 0
    shares = [labels.count(label) / len(labels) for label in classes]
    np.testing.assert_allclose(found.probabilities(-scores)[0], shares, atol=0.01)


def test_unscored_images_are_left_out():
    scores, labels, classes, _ = simulated(4)
    more = np.vstack([scores, np.full((5, 3), np.nan)])
    found = calibrate(more, [*labels, *"aaaaa"], classes)
    np.testing.assert_array_equal(found.biases, calibrate(scores, labels, classes).biases)


def test_log_loss_equals_scikit_learn_s():
    scores, labels, classes, _ = simulated(5)
    probabilities = calibrate(scores, labels, classes).probabilities(scores)
    assert log_loss(probabilities, labels, classes) == pytest.approx(oracle(labels, probabilities))


def test_a_class_without_an_image_is_refused():
    with pytest.raises(MedrecogError, match="“b”"):
        calibrate(np.eye(2), ["a", "a"], ("a", "b"))


def test_calibration_survives_as_arrays_and_damaged_ones_are_refused():
    scores, labels, classes, _ = simulated(6)
    found = calibrate(scores, labels, classes)
    again = Calibration.from_arrays(classes, found.to_arrays())
    np.testing.assert_array_equal(again.probabilities(scores), found.probabilities(scores))
    for broken in (
        {"slope": np.array(-1.0)},
        {"slope": np.ones(2)},
        {"biases": np.zeros(2)},
        {"biases": np.full(3, np.nan)},
    ):
        with pytest.raises(ValueError, match="calibration"):
            Calibration.from_arrays(classes, found.to_arrays() | broken)
