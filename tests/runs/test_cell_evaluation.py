import json

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

from medrecog_core.classification import ScoredImages, estimate, measure
from medrecog_core.datasets import ImageRecord, Protocol, split_images
from medrecog_core.errors import StoppedError
from medrecog_core.features import Cell
from medrecog_core.runs import CellResult, RunSpecification
from medrecog_core.runs.cell_evaluation import INNER_FOLDS, CellData, FoldResult, evaluate_cell

CLASSES = ("a", "b", "c")
N = 90


@pytest.fixture(scope="module")
def images():
    return [ImageRecord(f"{i:03}.png", CLASSES[i % 3], "", f"g{i // 6}-{i % 3}") for i in range(N)]


@pytest.fixture(scope="module")
def descriptors(images):
    rng = np.random.default_rng(0)
    centres = rng.random((3, 12))
    return np.array(
        [np.abs(centres[CLASSES.index(i.label)] + 0.35 * rng.normal(size=12)) for i in images]
    ).astype(np.float32)


def evaluated(images, descriptors, **changes):
    asked = RunSpecification(dataset="demo", layers=("block1",), poolings=("max",), **changes)
    split = split_images(images, asked.split_protocol)
    data = CellData(images, split, lambda fold: descriptors)
    return asked, split, *evaluate_cell(asked.cells[0], data, asked)


def test_every_fold_is_scored_as_scikit_learn_scores_it(images, descriptors):
    _, split, result, scores = evaluated(images, descriptors, protocol="k-fold", n_folds=3, C=2)
    labels = np.array([image.label for image in images])
    row = 0
    for fold, of_fold in zip(split.folds, result.folds, strict=True):
        train, test = list(fold.train), list(fold.test)
        oracle = make_pipeline(Normalizer(), LinearSVC(C=2, tol=1e-8, max_iter=100_000))
        expected = oracle.fit(descriptors[train], labels[train]).decision_function(
            descriptors[test]
        )
        np.testing.assert_allclose(scores[row : row + len(test)], expected, atol=1e-4)
        assert of_fold.accuracy == oracle.score(descriptors[test], labels[test])
        assert (of_fold.n_train, of_fold.n_test, of_fold.value) == (len(train), len(test), 2)
        row += len(test)
    assert row == len(scores) == N
    assert (result.n_test, result.n_train) == (N, min(len(f.train) for f in split.folds))


def test_c_is_chosen_inside_the_training_part_of_each_fold(images, descriptors):
    Cs = (0.01, 0.1, 1.0, 10.0)
    _, split, result, _ = evaluated(images, descriptors, protocol="k-fold", n_folds=3, C=Cs)
    labels = np.array([image.label for image in images])
    groups = np.array([image.group for image in images])
    for fold, of_fold in zip(split.folds, result.folds, strict=True):
        train = list(fold.train)
        search = GridSearchCV(
            make_pipeline(Normalizer(), LinearSVC(tol=1e-8, max_iter=100_000)),
            {"linearsvc__C": Cs},
            cv=StratifiedGroupKFold(INNER_FOLDS, shuffle=True, random_state=0),
        )
        search.fit(descriptors[train], labels[train], groups=groups[train])
        means = search.cv_results_["mean_test_score"]
        # Ours weighs images alike, scikit-learn folds: near ties may fall either way.
        assert means[Cs.index(of_fold.value)] >= means.max() - 0.03


def test_the_interval_takes_a_group_for_one(images, descriptors):
    _, split, result, scores = evaluated(images, descriptors, protocol="k-fold", n_folds=3)
    tested = [images[i] for i in split.tested]
    scored = ScoredImages.of(
        [i.label for i in tested], scores, CLASSES, groups=[i.group for i in tested]
    )
    expected = estimate(scored, ["accuracy"])["accuracy"]
    assert result.metrics.accuracy_interval == (expected.low, expected.high)


def test_an_image_tested_in_every_repeat_is_counted_once(images, descriptors):
    alone = [ImageRecord(i.path, i.label) for i in images]
    _, _, once, _ = evaluated(alone, descriptors, protocol="k-fold", n_folds=3)
    _, _, result, scores = evaluated(alone, descriptors, protocol="k-fold", n_folds=3, n_repeats=4)
    assert (result.n_test, len(scores), len(result.folds)) == (N, 4 * N, 12)
    assert sum(map(sum, result.metrics.confusion)) == 4 * N
    wide, narrow = (
        high - low
        for low, high in (once.metrics.accuracy_interval, result.metrics.accuracy_interval)
    )
    assert narrow > 0.6 * wide


def test_descriptors_that_depend_on_the_fold_are_asked_for_each_fold(images, descriptors):
    asked = RunSpecification(dataset="demo", layers=("block1",), poolings=("max",))
    split = split_images(images, Protocol("k-fold", n_folds=3))
    seen = []

    def of_fold(fold):
        seen.append(fold)
        return descriptors

    data = CellData(images, split, of_fold, same_in_all_folds=False)
    result, scores = evaluate_cell(asked.cells[0], data, asked)
    assert tuple(seen) == split.folds
    same, same_scores = evaluate_cell(
        asked.cells[0], CellData(images, split, lambda fold: descriptors), asked
    )
    np.testing.assert_allclose(scores, same_scores, atol=1e-6)
    assert result.metrics.confusion == same.metrics.confusion


def test_a_stop_ends_it_in_the_midst(images, descriptors):
    asked = RunSpecification(dataset="demo", layers=("block1",), poolings=("max",))
    split = split_images(images, Protocol("k-fold", n_folds=3))
    data = CellData(images, split, lambda fold: descriptors, same_in_all_folds=False)
    answers = iter([False, False])
    with pytest.raises(StoppedError):
        evaluate_cell(asked.cells[0], data, asked, lambda: next(answers, True))


def test_a_result_is_read_as_it_was_written_flat() -> None:
    scores = np.array([[1.5, -1.5], [-0.25, 0.25], [-2, 2]])
    metrics = measure(["a", "b", "a"], scores, ["a", "b"])
    result = CellResult(Cell("block1", 224, "max"), metrics, n_train=9, n_test=3, seconds=0.5)
    document = json.loads(json.dumps(result.to_document()))
    assert (document["layer"], document["scale"], document["pooling"]) == ("block1", 224, "max")
    assert document["accuracy"] == metrics.accuracy
    assert (document["n_train"], document["n_test"], document["seconds"]) == (9, 3, 0.5)
    assert CellResult.from_document(document) == result


def test_a_fold_has_its_hyper_parameter_by_its_own_name() -> None:
    for fold in (FoldResult(8, 2, 0.5, 0.1), FoldResult(8, 2, 0.5, 3, "k")):
        document = fold.to_document()
        assert document[fold.parameter] == fold.value
        assert FoldResult.from_document(document) == fold
