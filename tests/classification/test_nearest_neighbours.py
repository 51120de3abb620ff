import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from medrecog_core.classification import Normalisation, TrainingOptions, find_classifier
from medrecog_core.errors import UsageError
from tests.classification.clouds import clouds

OURS = find_classifier("knn")
KS = (1, 3, 15, 60)


def similarity(distances):
    return np.maximum(0, 1 - distances)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(("kind", "scaler"), [("l2", Normalizer), ("standardise", StandardScaler)])
def test_scores_are_the_probabilities_of_scikit_learn(n_classes, kind, scaler):
    descriptors, labels = clouds(n_classes, 60, 12)
    new, _ = clouds(n_classes, 300, 12, seed=1)
    options = TrainingOptions(normalisation=Normalisation(kind))
    trained = OURS.train_path(descriptors, labels, KS, options)
    together = OURS.score_path(trained, new)
    for k, ours, scores in zip(KS, trained, together, strict=True):
        oracle = make_pipeline(
            scaler(), KNeighborsClassifier(k, metric="cosine", weights=similarity)
        ).fit(descriptors.astype(float), labels)
        np.testing.assert_allclose(scores, oracle.predict_proba(new.astype(float)), atol=1e-6)
        np.testing.assert_array_equal(scores, ours.scores(new))


def test_balanced_votes_count_for_how_rare_their_class_is():
    descriptors, labels = clouds(3, 60, 8)
    (plain,) = OURS.train_path(descriptors, labels, [60], TrainingOptions("none"))
    (balanced,) = OURS.train_path(descriptors, labels, [60], TrainingOptions("balanced"))
    counts = np.array([labels.count(label) for label in plain.classes])
    expected = plain.scores(descriptors) / counts
    np.testing.assert_allclose(
        balanced.scores(descriptors), expected / expected.sum(axis=1, keepdims=True), atol=1e-8
    )


def test_neighbours_that_are_equally_far_share_the_votes():
    descriptors = np.array([[1, 0], [1, 1], [1, 1], [1, 1], [0, 1]], dtype=np.float32)
    labels = ["a", "b", "b", "c", "c"]
    (two,) = OURS.train_path(descriptors, labels, [2], TrainingOptions())
    near = 1 / np.sqrt(2)
    expected = np.array([1, near * 2 / 3, near / 3]) / (1 + near)
    np.testing.assert_allclose(two.scores(descriptors[:1]), [expected], atol=1e-7)


def test_of_equal_shares_the_first_class_is_predicted_and_zeros_are_no_harm():
    descriptors = np.array([[1, 0], [0, 1]], dtype=np.float32)
    (both,) = OURS.train_path(descriptors, ["b", "a"], [2], TrainingOptions())
    new = np.array([[1, 1], [0, 0]])
    np.testing.assert_array_equal(both.scores(new), [[0.5, 0.5], [0.5, 0.5]])


def test_more_neighbours_than_images_are_refused():
    with pytest.raises(UsageError, match="k = 4 is more than the 3 images"):
        OURS.train_path(np.eye(3), ["a", "b", "b"], [1, 4], TrainingOptions())


def test_what_it_holds_is_known_before():
    descriptors, labels = clouds(2, 30, 7)
    (trained,) = OURS.train_path(descriptors, labels, [5], TrainingOptions())
    assert trained.rows.nbytes == OURS.bytes_kept(30, 7)


@pytest.mark.parametrize(
    "changes",
    [
        {"k": np.array(0)},
        {"k": np.array(31)},
        {"positions": np.zeros(30, np.int32)},
        {"positions": np.zeros(29, np.int32)},
        {"rows": np.ones((30, 7), np.float32)},
        {"vote_weights": np.array([1.0, -1.0])},
    ],
)
def test_arrays_of_no_such_model_are_refused(changes):
    descriptors, labels = clouds(2, 30, 7)
    (given,) = OURS.train_path(descriptors, labels, [5], TrainingOptions())
    arrays = {**given.to_arrays(), **changes}
    with pytest.raises(ValueError, match="the "):
        OURS.read(given.classes, given.normalisation, 7, arrays)
