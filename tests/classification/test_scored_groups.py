import numpy as np
import pandas as pd
import pytest

from medrecog_core.classification import ScoredImages, estimate
from medrecog_core.classification.scored_groups import WAYS, mixed_units, score_units
from medrecog_core.errors import UsageError


def images(classes: tuple[str, ...] = ("benign", "malignant", "other"), n: int = 90):
    rng = np.random.default_rng(3)
    groups = [f"p{i}" for i in rng.integers(25, size=n)]
    labels = [classes[int(group[1:]) % len(classes)] for group in groups]
    scores = rng.normal(size=(n, len(classes)))
    return ScoredImages.of(labels, scores, classes, groups=groups), groups, labels


@pytest.mark.parametrize("how", WAYS)
def test_scores_of_many_classes_are_those_of_pandas(how):
    found, groups, labels = images()
    frame = pd.DataFrame(found.scores).groupby(pd.Series(groups), sort=False)
    expected = (frame.mean() if how == "mean" else frame.max()).to_numpy()
    pooled = score_units(found, how)
    np.testing.assert_allclose(pooled.scores, expected)
    truth = pd.Series(labels).groupby(pd.Series(groups), sort=False).first()
    assert [pooled.classes[i] for i in pooled.truth] == list(truth)
    assert not pooled.is_grouped


def test_of_two_classes_the_most_suspicious_image_answers_for_the_group():
    scores = np.array([[-1.0, 0.2], [3.0, -3.0], [0.5, -0.5]])
    found = ScoredImages.of(
        ["malignant", "malignant", "benign"], scores, ("benign", "malignant"), ["a", "a", ""]
    )
    pooled = score_units(found, "max")
    np.testing.assert_array_equal(pooled.scores, scores[[0, 2]])
    assert pooled.right.all()
    assert not score_units(found, "mean").right[0]


def test_images_without_a_group_are_groups_of_their_own():
    found, *_ = images()
    alone = ScoredImages.of([found.classes[i] for i in found.truth], found.scores, found.classes)
    assert estimate(score_units(alone, "max")) == estimate(alone)


def test_a_unit_of_two_labels_is_found():
    found = ScoredImages.of(["a", "b", "a", "a"], np.eye(4)[:, :2], ("a", "b"), ["x", "y", "y", ""])
    np.testing.assert_array_equal(mixed_units(found), [1])


def test_an_unknown_way_is_refused():
    with pytest.raises(UsageError):
        score_units(images()[0], "median")
