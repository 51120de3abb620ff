"""What holds for every classifier, a new one too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medrecog_core.classification import (
    CLASSIFIERS,
    DEFAULT_CLASSIFIER,
    HYPER_PARAMETERS,
    LinearClassifier,
    Normalisation,
    TrainingOptions,
    choose_calibration,
    choose_threshold,
    find_classifier,
)
from medrecog_core.errors import StoppedError, UsageError
from tests.classification.clouds import clouds

OPTIONS = TrainingOptions()
every_classifier = pytest.mark.parametrize(
    "classifier", CLASSIFIERS.values(), ids=list(CLASSIFIERS)
)


def values_of(classifier):
    return classifier.parameter.check(list(classifier.parameter.usual[:3]))


def trained(classifier, descriptors, labels, options=OPTIONS):
    (found,) = classifier.train_path(descriptors, labels, [classifier.parameter.default], options)
    return found


def test_a_name_finds_its_classifier():
    assert find_classifier("linear-svm").name == DEFAULT_CLASSIFIER
    with pytest.raises(UsageError, match="Unknown classifier “forest”"):
        find_classifier("forest")


@every_classifier
def test_what_people_read_is_there(classifier):
    assert all((classifier.title, classifier.description, classifier.about_scores))
    parameter = classifier.parameter
    assert HYPER_PARAMETERS[parameter.name] == parameter
    assert parameter.check([parameter.default]) == (parameter.default,)
    assert parameter.check(list(parameter.usual)) == parameter.usual


@every_classifier
@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("kind", ["none", "l2", "standardise", "pca"])
def test_arrays_keep_what_was_trained_bit_for_bit(classifier, n_classes, kind):
    descriptors, labels = clouds(n_classes, 40, 12)
    options = TrainingOptions(normalisation=Normalisation(kind, 5))
    given = trained(classifier, descriptors, labels, options)
    length = given.normalisation.apply(descriptors[:1]).shape[1]
    read = classifier.read(given.classes, given.normalisation, length, given.to_arrays())
    np.testing.assert_array_equal(read.scores(descriptors), given.scores(descriptors))
    assert isinstance(given, LinearClassifier) == classifier.is_linear


@every_classifier
def test_damaged_arrays_are_refused(classifier):
    descriptors, labels = clouds(3, 30, 6)
    given = trained(classifier, descriptors, labels)
    arrays = given.to_arrays()
    for name, array in arrays.items():
        spoilt = np.array(array, dtype=float)
        spoilt.flat[0] = np.nan
        for wrong in (spoilt, np.zeros((2, 2, 2))):
            with pytest.raises((KeyError, ValueError)):
                classifier.read(given.classes, given.normalisation, 6, {**arrays, name: wrong})
        without = {other: values for other, values in arrays.items() if other != name}
        with pytest.raises((KeyError, ValueError)):
            classifier.read(given.classes, given.normalisation, 6, without)


@every_classifier
@pytest.mark.parametrize("weight", ["none", "balanced"])
def test_folds_are_scored_as_each_training_part_alone(classifier, weight):
    descriptors, labels = clouds(3, 60, 12)
    part = np.arange(60) % 3
    folds = [(np.flatnonzero(part != i), np.flatnonzero(part == i)) for i in range(3)]
    values, options = values_of(classifier), TrainingOptions(weight)
    paths = classifier.score_folds(descriptors, labels, folds, values[::-1], options)
    for path, (train, test) in zip(paths, folds, strict=True):
        assert path.values == values
        own = classifier.train_path(descriptors[train], np.array(labels)[train], values, options)
        for value, alone in zip(values, own, strict=True):
            assert path.at(value).dtype == np.float64
            np.testing.assert_allclose(path.at(value), alone.scores(descriptors[test]), atol=1e-4)


@every_classifier
def test_a_class_that_a_part_lacks_is_never_predicted(classifier):
    descriptors, labels = clouds(3, 30, 6)
    known = [i for i, label in enumerate(labels) if label != "class 1"]
    (path,) = classifier.score_folds(
        descriptors, labels, [(known, range(30))], [classifier.parameter.default], OPTIONS
    )
    assert path.classes == ("class 0", "class 1", "class 2")
    assert 1 not in path.scores[0].argmax(axis=1)


@every_classifier
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), n_classes=st.integers(2, 4), repeated=st.booleans())
def test_order_changes_nothing(classifier, seed, n_classes, repeated):
    rng = np.random.default_rng(seed)
    # Small whole numbers, so that images repeat and distances tie.
    descriptors = rng.integers(0, 3 if repeated else 1000, size=(24, 4)).astype(np.float32)
    labels = np.array([f"class {i % n_classes}" for i in range(24)])
    new = rng.integers(0, 3 if repeated else 1000, size=(10, 4)).astype(np.float32)
    scores = trained(classifier, descriptors, labels).scores(new)
    images = rng.permutation(10)
    shuffled = trained(classifier, descriptors, labels).scores(new[images])
    np.testing.assert_allclose(shuffled, scores[images], atol=1e-8)
    order = rng.permutation(24)
    again = trained(classifier, descriptors[order], labels[order]).scores(new)
    np.testing.assert_allclose(again, scores, atol=1e-3)
    best = np.sort(scores, axis=1)
    clear = best[:, -1] - best[:, -2] > (2e-3 if classifier.is_linear else -1)
    np.testing.assert_array_equal(again.argmax(axis=1)[clear], scores.argmax(axis=1)[clear])


@every_classifier
@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_can_be_calibrated_and_have_a_threshold(classifier, n_classes):
    descriptors, labels = clouds(n_classes, 120, 40)
    found = trained(classifier, descriptors[:60], labels[:60])
    scores, truth = found.scores(descriptors[60:]), list(labels[60:])
    choice = choose_calibration(scores, truth, found.classes)
    probabilities = choice.calibration.probabilities(scores)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert choice.log_loss_after <= choice.log_loss_before
    assert np.mean(np.array(found.classes)[probabilities.argmax(axis=1)] == truth) > 0.6
    if n_classes == 2:
        threshold = choose_threshold(scores[:, 1], truth, "class 1")
        assert threshold.sensitivity + threshold.specificity > 1.2


@every_classifier
def test_one_class_and_an_interruption_end_the_training(classifier):
    with pytest.raises(UsageError, match="at least two classes"):
        trained(classifier, np.eye(3), ["a"] * 3)

    def check():
        raise StoppedError("stopped")

    descriptors, labels = clouds(2, 20, 4)
    with pytest.raises(StoppedError):
        trained(classifier, descriptors, labels, TrainingOptions(check=check))
