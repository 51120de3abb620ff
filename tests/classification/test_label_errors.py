import numpy as np
import pytest

from medrecog_core.classification.label_errors import RANKINGS, RULES, find_label_errors
from medrecog_core.errors import UsageError


def noisy(seed, n=600, n_classes=5, share=0.06, separation=4.0):
    """Return probabilities, labels of which a share is wrong, and which are."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, n_classes, n)
    wrong = rng.random(n) < share
    labels = np.where(wrong, (true + rng.integers(1, n_classes, n)) % n_classes, true)
    scores = rng.normal(size=(n, n_classes)) + separation * np.eye(n_classes)[true]
    powers = np.exp(scores)
    return powers / powers.sum(axis=1, keepdims=True), labels, wrong


def joint_of(probabilities, labels):
    """The confident joint by the letter of the paper (equations 1 and 2), image by image."""
    n_classes = probabilities.shape[1]
    t = [probabilities[labels == j, j].mean() for j in range(n_classes)]
    joint, off_diagonal = np.zeros((n_classes, n_classes), dtype=int), []
    for i, row in enumerate(probabilities):
        confident = [j for j in range(n_classes) if row[j] >= t[j]]
        if confident:
            j = max(confident, key=lambda each: row[each])
            joint[labels[i], j] += 1
            if j != labels[i]:
                off_diagonal.append(i)
    return joint, set(off_diagonal)


@pytest.mark.parametrize("seed", range(5))
def test_joint_and_its_off_diagonal_are_those_of_the_paper(seed):
    probabilities, labels, _ = noisy(seed, separation=2.0)
    found = find_label_errors(probabilities, labels, "off-diagonal")
    joint, off_diagonal = joint_of(probabilities, labels)
    assert found.joint.tolist() == joint.tolist()
    contradicted = {i for i in off_diagonal if probabilities[i].argmax() != labels[i]}
    assert set(found.positions.tolist()) == contradicted


@pytest.mark.parametrize("seed", range(5))
def test_by_class_finds_as_many_as_the_joint_estimates_those_of_least_self_confidence(seed):
    probabilities, labels, _ = noisy(seed)
    found = find_label_errors(probabilities, labels)
    joint, _ = joint_of(probabilities, labels)
    for k in range(5):
        members = np.flatnonzero(labels == k)
        n = round(len(members) * (1 - joint[k, k] / joint[k].sum()))
        lowest = members[np.argsort(probabilities[members, k])][:n]
        expected = {i for i in lowest if probabilities[i].argmax() != k}
        assert set(found.positions[labels[found.positions] == k]) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("ranking", RANKINGS)
def test_wrong_labels_come_first(rule, ranking):
    probabilities, labels, wrong = noisy(7)
    found = find_label_errors(probabilities, labels, rule, ranking)
    first = found.positions[: wrong.sum()]
    assert wrong[first].mean() > 0.8
    assert (found.suggested != labels[found.positions]).all()


def test_rankings_put_the_most_contradicted_first():
    probabilities, labels, _ = noisy(3)
    own = probabilities[np.arange(len(labels)), labels]
    by_confidence = own[find_label_errors(probabilities, labels).positions]
    assert (np.diff(by_confidence) >= 0).all()
    found = find_label_errors(probabilities, labels, ranking="margin").positions
    assert (np.diff((probabilities.max(axis=1) - own)[found]) <= 0).all()


def test_a_class_without_images_and_one_with_a_single_image_are_no_error():
    probabilities = np.full((4, 3), 1 / 3)
    probabilities[3] = (0.9, 0.05, 0.05)
    found = find_label_errors(probabilities, np.array([0, 0, 0, 1]))
    assert np.isnan(found.thresholds[2])
    assert found.positions.size == 0


@pytest.mark.parametrize("choice", [{"rule": "x"}, {"ranking": "x"}])
def test_unknown_choices_are_refused(choice):
    with pytest.raises(UsageError):
        find_label_errors(np.full((2, 2), 0.5), np.array([0, 1]), **choice)
