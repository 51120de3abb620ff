import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from medrecog_core.classification import Metrics, measure

CLASSES = ("a", "b", "c")


def case(seed, n=40, classes=CLASSES):
    rng = np.random.default_rng(seed)
    labels = [*classes, *rng.choice(classes, n - len(classes))]
    return labels, rng.normal(size=(n, len(classes)))


@given(st.integers(0, 10_000))
def test_measures_equal_scikit_learn_s(seed):
    labels, scores = case(seed)
    predicted = np.array(CLASSES)[scores.argmax(axis=1)]
    found = measure(labels, scores, CLASSES)
    assert found.accuracy == pytest.approx(oracle.accuracy_score(labels, predicted))
    assert found.balanced_accuracy == pytest.approx(
        oracle.balanced_accuracy_score(labels, predicted)
    )
    np.testing.assert_array_equal(
        found.confusion, oracle.confusion_matrix(labels, predicted, labels=CLASSES)
    )
    expected = oracle.precision_recall_fscore_support(
        labels, predicted, labels=CLASSES, zero_division=0
    )
    rows = [(c.precision, c.recall, c.f1, c.support) for c in found.classes]
    np.testing.assert_allclose(rows, np.transpose(expected))


@given(st.integers(0, 10_000))
def test_auc_of_two_classes_equals_scikit_learn_s(seed):
    labels, scores = case(seed, classes=("a", "b"))
    scores[:, 0] = -scores[:, 1]
    expected = oracle.roc_auc_score(np.array(labels) == "b", scores[:, 1])
    assert measure(labels, scores, ("a", "b")).auc == pytest.approx(expected)


def test_auc_of_several_classes_is_the_mean_of_one_against_the_rest():
    labels, scores = case(3)
    expected = [
        oracle.roc_auc_score(np.array(labels) == name, scores[:, i])
        for i, name in enumerate(CLASSES)
    ]
    assert measure(labels, scores, CLASSES).auc == pytest.approx(np.mean(expected))


def test_class_without_test_images_leaves_the_auc_out_and_the_rest_right():
    found = measure(["a", "b"], np.array([[1.0, 0, 0], [1.0, 0, 0]]), CLASSES)
    assert found.auc is None
    assert found.accuracy == 0.5
    assert found.balanced_accuracy == 0.5
    assert found.classes[2].support == 0


def test_wilson_interval_has_the_published_value():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
    labels = ["a"] * 263
    scores = np.array([[1.0, 0.0]] * 81 + [[0.0, 1.0]] * 182)
    interval = measure(labels, scores, ("a", "b")).accuracy_interval
    assert interval == pytest.approx((0.2553, 0.3662), abs=1e-4)


def test_interval_holds_the_accuracy_even_at_the_ends():
    for right in (0, 5):
        scores = np.array([[1.0, 0.0]] * right + [[0.0, 1.0]] * (5 - right))
        found = measure(["a"] * 5, scores, ("a", "b"))
        low, high = found.accuracy_interval
        assert 0 <= low <= found.accuracy <= high <= 1


def test_metrics_survive_a_json_file():
    labels, scores = case(1)
    found = measure(labels, scores, CLASSES)
    assert Metrics.from_document(json.loads(json.dumps(found.to_document()))) == found


@given(st.integers(0, 10_000))
def test_macro_f1_equals_scikit_learn_s(seed):
    labels, scores = case(seed)
    predicted = np.array(CLASSES)[scores.argmax(axis=1)]
    expected = oracle.f1_score(labels, predicted, average="macro")
    assert measure(labels, scores, CLASSES).macro_f1 == pytest.approx(expected)


@given(st.integers(0, 10_000), st.sampled_from(["normal", "sick"]))
def test_sensitivity_and_specificity_equal_scikit_learn_s_recalls(seed, positive):
    classes = ("normal", "sick")
    labels, scores = case(seed, classes=classes)
    predicted = np.array(classes)[scores.argmax(axis=1)]
    found = measure(labels, scores, classes, positive)
    recalls = [oracle.recall_score(labels, predicted, pos_label=name) for name in classes]
    of_positive, of_negative = recalls if positive == "normal" else recalls[::-1]
    assert found.sensitivity == pytest.approx(of_positive)
    assert found.specificity == pytest.approx(of_negative)


def test_the_positive_class_is_the_one_that_is_not_healthy_unless_chosen():
    labels, scores = case(2, classes=("melanoma", "normal"))
    assert measure(labels, scores, ("melanoma", "normal")).positive == "melanoma"
    assert measure(labels, scores, ("melanoma", "normal"), "normal").positive == "normal"


def test_more_than_two_classes_or_an_untested_one_have_no_sensitivity():
    labels, scores = case(2)
    assert measure(labels, scores, CLASSES).sensitivity is None
    found = measure(["a", "a"], np.eye(2), ("a", "b"))
    assert found.sensitivity is None
    assert found.specificity == 0.5


def test_a_document_written_before_there_was_a_positive_class_is_read():
    labels, scores = case(1, classes=("normal", "sick"))
    document = measure(labels, scores, ("normal", "sick")).to_document()
    old = {
        name: document[name]
        for name in ("accuracy", "accuracy_interval", "balanced_accuracy", "auc")
    } | {"classes": document["classes"], "confusion": document["confusion"]}
    assert Metrics.from_document(old).to_document() == document
