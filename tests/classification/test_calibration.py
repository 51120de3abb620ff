import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as oracle
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, train_test_split

from medrecog_core.classification import (
    Calibration,
    ScoredImages,
    calibrate,
    choose_calibration,
    cross_calibrate,
    decision_curve,
    log_loss,
    reliability_curve,
)
from medrecog_core.classification.calibration import BARE, FITTED, SHARES, grouped_folds
from medrecog_core.errors import MedrecogError
from tests.svms import train_svm

CLASSES = ("ill", "well")
LETTERS = ("a", "b", "c")


def divide(labels, units, n_folds=5, seed=0):
    truth, numbers = np.array(labels), np.array(units)
    return grouped_folds(truth, numbers, CLASSES, n_folds, seed, "test images", "calibrate with")


@given(
    st.lists(st.tuples(st.sampled_from(CLASSES), st.integers(0, 9)), min_size=8, max_size=40),
    st.integers(0, 3),
)
def test_every_image_is_held_once_and_groups_are_whole(images, seed):
    labels, units = zip(*images, strict=True)
    groups = [len({u for label, u in images if label == each}) for each in CLASSES]
    if min(groups) < 2:
        return
    folds = divide(labels, units, seed=seed)
    assert len(folds) == min(5, *groups)
    assert sorted(i for _, held in folds for i in held) == list(range(len(images)))
    for rest, held in folds:
        assert not {units[i] for i in rest} & {units[i] for i in held}


def test_a_class_of_a_single_group_is_named():
    with pytest.raises(
        MedrecogError,
        match="The class “ill” has test images of fewer than two groups, too few to calibrate with",
    ):
        divide(["ill", "ill", "well", "well"], [0, 0, 1, 2])


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


def held_out(seed, n, slope, n_classes=3):
    """Scores of which softmax(slope * scores + biases) is the true probability."""
    rng = np.random.default_rng(seed)
    classes = LETTERS[:n_classes]
    scores = rng.normal(size=(n, n_classes))
    true = Calibration(classes, slope, np.linspace(-1, 1, n_classes)).probabilities(scores)
    labels = [classes[rng.choice(n_classes, p=row)] for row in true]
    labels[: 2 * n_classes] = 2 * classes
    return scores, labels, classes


@settings(max_examples=20)
@given(
    st.integers(0, 10_000),
    st.integers(8, 60),
    st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    st.sampled_from([2, 3]),
)
def test_probabilities_lower_the_log_loss_or_leave_it(seed, n, slope, n_classes):
    chosen = choose_calibration(*held_out(seed, n, slope, n_classes))
    assert chosen.log_loss_after <= chosen.log_loss_before


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_chosen_calibration_never_raises_the_log_loss_of_new_images(n_classes):
    gains = []
    for seed in range(2):
        for slope in (0.0, 1.0, 5.0):
            scores, labels, classes = held_out(seed, 700, slope, n_classes)
            chosen = choose_calibration(scores[:200], labels[:200], classes)
            bare = Calibration(classes, 1.0, np.zeros(n_classes))
            before, after = (
                log_loss(one.probabilities(scores[200:]), labels[200:], classes)
                for one in (bare, chosen.calibration)
            )
            gains.append(before - after)
    assert min(gains) > -0.02
    assert np.mean(gains) > 0.1


def test_useful_scores_are_fitted():
    chosen = choose_calibration(*held_out(0, 400, 5.0))
    assert (chosen.kind, chosen.n_images) == (FITTED, 400)
    assert chosen.calibration.slope == pytest.approx(5, rel=0.3)


def test_the_classes_shares_are_taken_where_scores_say_nothing():
    labels = ["a", "b"] * 3 + ["a"] * 6
    scores = 5 * np.random.default_rng(1).normal(size=(12, 2))
    chosen = choose_calibration(scores, labels, ("a", "b"))
    assert chosen.kind == SHARES
    found = chosen.calibration.probabilities(scores)
    np.testing.assert_allclose(found, [[10 / 14, 4 / 14]] * 12)


def test_bare_scores_that_are_right_and_few_are_left():
    scores = np.repeat([[4.0, -4.0], [-4.0, 4.0]], 2, axis=0)
    chosen = choose_calibration(scores, ["a", "a", "b", "b"], ("a", "b"))
    assert chosen.kind == BARE
    assert chosen.log_loss_after == chosen.log_loss_before


def test_groups_are_not_split_between_fitting_and_telling():
    scores = np.repeat([[4.0, -4.0], [-4.0, 4.0]], 4, axis=0)
    groups = ["a1"] * 2 + ["a2"] * 2 + ["b1"] * 2 + ["b2"] * 2
    chosen = choose_calibration(scores, [*"aaaabbbb"], ("a", "b"), groups)
    assert chosen.n_images == 8
    with pytest.raises(MedrecogError, match="The class “b” has held-out images of fewer"):
        choose_calibration(scores, [*"aaaabbbb"], ("a", "b"), groups[:4] + ["b1"] * 4)


def test_unscored_images_play_no_part_in_the_choice():
    scores, labels, classes = held_out(4, 100, 2.0)
    more = np.vstack([scores, np.full((5, 3), np.nan)])
    assert choose_calibration(more, [*labels, *"aaaaa"], classes).n_images == 100


def scored(n=600, n_classes=3, slope=4.0, n_groups=0, seed=0):
    """Scores of which softmax(slope * scores) is the true probability."""
    rng = np.random.default_rng(seed)
    classes = LETTERS[:n_classes]
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
    images, _ = scored(n_classes=n_classes, slope=slope)
    found = cross_calibrate(images)
    assert found.after.log_loss < found.before.log_loss
    assert found.after.brier < found.before.brier
    assert found.after.curve.calibration_error < found.before.curve.calibration_error / 2


def test_scores_that_are_calibrated_stay_nearly_so():
    images, _ = scored(n=3000, slope=1.0)
    found = cross_calibrate(images)
    assert found.after.log_loss == pytest.approx(found.before.log_loss, abs=0.01)


def test_figures_of_two_classes_are_scikit_learn_s():
    images, labels = scored(n_classes=2)
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
    images, labels = scored()
    before = cross_calibrate(images).before
    powers = np.exp(images.scores)
    shares = powers / powers.sum(axis=1, keepdims=True)
    assert before.log_loss == pytest.approx(oracle(labels, shares, labels=LETTERS))
    total = sum(
        brier_score_loss(np.array(labels) == label, shares[:, i]) for i, label in enumerate(LETTERS)
    )
    assert before.brier == pytest.approx(total)
    assert np.nansum(before.curve.frequencies * before.curve.counts) == images.right.sum()


def test_no_image_is_calibrated_on_itself_or_its_group():
    images, labels = scored(n=150, n_groups=40)
    expected = np.empty_like(images.scores)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for learnt, held in folds.split(images.truth, images.truth, images.units):
        assert set(images.units[learnt]).isdisjoint(images.units[held])
        one = calibrate(images.scores[learnt], [labels[i] for i in learnt], LETTERS)
        expected[held] = one.probabilities(images.scores[held])
    found = cross_calibrate(images)
    assert found.after.log_loss == pytest.approx(oracle(labels, expected, labels=LETTERS))
    assert (found.n_images, found.n_units, found.n_folds) == (150, images.n_units, 5)


def test_two_classes_have_the_decision_curve_of_probabilities_of_other_images():
    images, labels = scored(n=200, n_classes=2)
    expected = np.empty(200)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for learnt, held in folds.split(images.truth, images.truth, images.units):
        one = calibrate(images.scores[learnt], [labels[i] for i in learnt], ("a", "b"))
        expected[held] = one.probabilities(images.scores[held])[:, 1]
    found = cross_calibrate(images)
    assert found.decision == decision_curve(expected, np.array(labels) == "b")
    assert cross_calibrate(scored()[0]).decision is None


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
