import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medrecog_core.classification import Calibration, choose_calibration, log_loss
from medrecog_core.classification.calibration_choice import BARE, FITTED, SHARES
from medrecog_core.errors import MedrecogError

CLASSES = ("a", "b", "c")


def simulated(seed, n, slope, n_classes=3):
    """Scores of which softmax(slope * scores + biases) is the true probability."""
    rng = np.random.default_rng(seed)
    classes = CLASSES[:n_classes]
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
    chosen = choose_calibration(*simulated(seed, n, slope, n_classes))
    assert chosen.log_loss_after <= chosen.log_loss_before


@pytest.mark.parametrize("n_classes", [2, 3])
def test_log_loss_of_new_images_goes_down_or_stays(n_classes):
    gains = []
    for seed in range(2):
        for slope in (0.0, 1.0, 5.0):
            scores, labels, classes = simulated(seed, 700, slope, n_classes)
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
    chosen = choose_calibration(*simulated(0, 400, 5.0))
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


def test_unscored_images_are_left_out():
    scores, labels, classes = simulated(4, 100, 2.0)
    more = np.vstack([scores, np.full((5, 3), np.nan)])
    assert choose_calibration(more, [*labels, *"aaaaa"], classes).n_images == 100
