import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from medrecog_core.classification import Normalisation, TrainingOptions, find_classifier
from medrecog_core.classification.evidence import linear_score
from medrecog_core.errors import MedrecogError
from tests.classification.clouds import clouds

OURS = find_classifier("logistic-regression")
CS = (0.01, 1.0, 100.0)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("weight", ["none", "balanced"])
@pytest.mark.parametrize(("kind", "scaler"), [("l2", Normalizer), ("standardise", StandardScaler)])
def test_probabilities_along_the_path_are_scikit_learn_s(n_classes, weight, kind, scaler):
    descriptors, labels = clouds(n_classes, 80, 12)
    options = TrainingOptions(weight, Normalisation(kind))
    for C, ours in zip(CS, OURS.train_path(descriptors, labels, CS, options), strict=True):
        oracle = make_pipeline(
            scaler(),
            LogisticRegression(
                C=C,
                class_weight=None if weight == "none" else weight,
                tol=1e-9,
                max_iter=100_000,
            ),
        ).fit(descriptors.astype(float), labels)
        scores = ours.scores(descriptors)
        np.testing.assert_allclose(
            softmax(scores, axis=1), oracle.predict_proba(descriptors.astype(float)), atol=2e-4
        )
        clear = np.ptp(np.sort(scores, axis=1)[:, -2:], axis=1) > 1e-3
        predicted = np.array(ours.classes)[scores.argmax(axis=1)]
        assert (predicted == oracle.predict(descriptors.astype(float)))[clear].all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_no_step_away_makes_the_loss_less(n_classes):
    descriptors, labels = clouds(n_classes, 50, 6)
    (ours,) = OURS.train_path(descriptors, labels, [2.0], TrainingOptions())
    rows = ours.normalisation.apply(descriptors)
    truth = [ours.classes.index(label) for label in labels]

    def loss(weights, biases):
        logs = log_softmax(rows @ weights.T + biases, axis=1)[np.arange(50), truth]
        # Of two classes scikit-learn penalises the one logit, which is twice each half.
        penalty = (weights**2).sum() * (2 if n_classes == 2 else 1) / 2
        return penalty - 2.0 * logs.sum()

    rng, best = np.random.default_rng(0), loss(ours.weights, ours.biases)
    for _ in range(20):
        step = rng.normal(scale=0.05, size=(n_classes, 6)), rng.normal(scale=0.05, size=n_classes)
        if n_classes == 2:
            step = tuple(part - part[::-1] for part in step)
        assert loss(ours.weights + step[0], ours.biases + step[1]) > best


def test_scores_are_linear_in_the_descriptor():
    descriptors, labels = clouds(2, 40, 6)
    (ours,) = OURS.train_path(descriptors, labels, [1.0], TrainingOptions())
    found = linear_score(ours, descriptors[3]).scores(descriptors[3])
    np.testing.assert_allclose(found, ours.scores(descriptors[3:4])[0])


def test_what_does_not_converge_is_refused(monkeypatch):
    monkeypatch.setattr("medrecog_core.classification.logistic_regression._MOST_STEPS", 1)
    with pytest.raises(MedrecogError, match="C = 1 does not converge"):
        OURS.train_path(*clouds(3), [1.0], TrainingOptions())
