import numpy as np

from medrecog_core.classification import FittedNormalisation, LinearClassifier

SVM = LinearClassifier(
    ("a", "b", "c"), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]), np.array([0.0, 0.1, 0.5])
)


def test_scores_are_those_of_the_normalised_descriptor():
    np.testing.assert_allclose(SVM.scores(np.array([[3.0, 4.0]])), [[0.6, 0.9, -0.9]])


def test_label_is_that_of_the_greatest_score():
    assert list(SVM.predict(np.array([[3.0, 4.0], [9.0, 0.1], [0.0, 0.0]]))) == ["b", "a", "c"]


def test_another_normalisation_takes_the_place_of_l2():
    raw = LinearClassifier(SVM.classes, SVM.weights, SVM.biases, FittedNormalisation("none"))
    np.testing.assert_allclose(raw.scores(np.array([[3.0, 4.0]])), [[3.0, 4.1, -6.5]])
