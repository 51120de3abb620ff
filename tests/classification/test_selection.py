import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from medrecog_core.classification import (
    Normalisation,
    TrainingOptions,
    choose_value,
    find_classifier,
    score_choosing_value,
)
from medrecog_core.classification.normalisation import L2
from medrecog_core.errors import UsageError
from tests.classification.clouds import clouds

CS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
SVM = find_classifier("linear-svm")


def choose_c(descriptors, labels, Cs, *, seed=0, normalisation=L2, **how):
    options = TrainingOptions(normalisation=normalisation, seed=seed)
    return choose_value(SVM, descriptors, labels, Cs, options=options, **how)


def score_choosing_c(descriptors, labels, folds, *, seed, normalisation, **how):
    options = TrainingOptions(normalisation=normalisation, seed=seed)
    return score_choosing_value(SVM, descriptors, labels, folds, CS, options=options, **how)


def search(folds, scaler, descriptors, labels, groups=None):
    svc = LinearSVC(tol=1e-8, max_iter=10**6, dual=True, random_state=0)
    grid = {"linearsvc__C": list(CS)}
    # Folds of one size each, so that the mean over folds is the part of all images.
    return GridSearchCV(make_pipeline(scaler, svc), grid, cv=folds).fit(
        descriptors.astype(float), labels, groups=groups
    )


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(("kind", "scaler"), [("l2", Normalizer), ("standardise", StandardScaler)])
def test_choice_is_that_of_scikit_learn_s_grid_search(n_classes, kind, scaler):
    descriptors, labels = clouds(n_classes, 80, 12)
    oracle = search(StratifiedKFold(4, shuffle=True, random_state=3), scaler(), descriptors, labels)
    chosen = choose_c(
        descriptors, labels, CS[::-1], n_folds=4, seed=3, normalisation=Normalisation(kind)
    )
    assert chosen.values == CS
    assert chosen.n_folds == 4
    np.testing.assert_allclose(chosen.results, oracle.cv_results_["mean_test_score"])
    assert oracle.best_params_["linearsvc__C"] == chosen.value


def test_groups_are_kept_whole():
    descriptors, labels = clouds(3, 60, 12)
    groups = [f"patient {i // 3}" for i in range(60)]
    folds = list(
        StratifiedGroupKFold(4, shuffle=True, random_state=0).split(descriptors, labels, groups)
    )
    oracle = search(folds, Normalizer(), descriptors, labels)
    sizes = np.array([len(test) for _, test in folds])
    scores = [oracle.cv_results_[f"split{i}_test_score"] for i in range(4)]
    chosen = choose_c(descriptors, labels, CS, groups=groups, n_folds=4)
    np.testing.assert_allclose(chosen.results, sizes @ np.array(scores) / 60)


def test_images_without_a_group_stand_alone():
    descriptors, labels = clouds(3, 60, 12)
    alone = choose_c(descriptors, labels, CS, groups=[""] * 60)
    assert alone == choose_c(descriptors, labels, CS)


def test_smallest_c_is_chosen_where_several_do_equally_well():
    descriptors = np.repeat(np.eye(2), 10, axis=0)
    chosen = choose_c(descriptors, ["a"] * 10 + ["b"] * 10, [10, 1, 100])
    assert chosen.results == (1.0, 1.0, 1.0)
    assert chosen.value == 1


def test_balanced_accuracy_weighs_classes_alike():
    descriptors, labels = clouds(2, 90, 5)
    rare = [i for i, label in enumerate(labels) if label == "class 0"][8:]
    kept = np.delete(np.arange(90), rare)
    labels = np.array(labels)[kept]
    chosen = choose_c(descriptors[kept], labels, [1e-6], criterion="balanced_accuracy")
    # So weak an SVM always says the larger class.
    assert chosen.results == (0.5,)
    assert choose_c(descriptors[kept], labels, [1e-6]).results[0] > 0.8


@pytest.mark.parametrize("kind", ["l2", "standardise"])
def test_choice_in_each_fold_sees_its_training_part_alone(kind):
    descriptors, labels = clouds(3, 60, 70)
    groups = [f"{i // 2}" for i in range(60)]
    fold = np.arange(60) // 2 % 3
    folds = [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(3)]
    how = {"n_folds": 3, "seed": 1, "normalisation": Normalisation(kind)}
    spoilt = descriptors.copy()
    found = score_choosing_c(descriptors, labels, folds, groups=groups, **how)
    for (chosen, path), (train, test) in zip(found, folds, strict=True):
        alone = choose_c(
            descriptors[train],
            np.array(labels)[train],
            CS,
            groups=np.array(groups)[train],
            **how,
        )
        assert chosen == alone
        (svm,) = SVM.train_path(
            descriptors[train],
            np.array(labels)[train],
            [chosen.value],
            TrainingOptions(normalisation=Normalisation(kind)),
        )
        scores = svm.scores(descriptors[test])
        np.testing.assert_allclose(path.at(chosen.value), scores, atol=1e-5)
    spoilt[folds[0][1]] = 7
    again = score_choosing_c(spoilt, labels, folds[:1], groups=groups, **how)
    assert again[0][0] == found[0][0]


def test_class_of_a_single_image_is_no_obstacle():
    descriptors, labels = clouds(3, 40, 10)
    labels = ["lonely", *("class 1" if label == "class 0" else label for label in labels[1:])]
    assert choose_c(descriptors, labels, CS).value in CS


def test_fewer_groups_than_folds_make_fewer_folds():
    descriptors, labels = clouds(2, 12, 5)
    assert choose_c(descriptors, labels, CS, groups=[str(i % 3) for i in range(12)]).n_folds <= 3


@pytest.mark.parametrize("groups", [["g"] * 10, ["g"] * 5 + ["h"] * 5])
def test_part_that_cannot_be_divided_is_refused(groups):
    with pytest.raises(UsageError, match="too few images or groups of a class"):
        choose_c(np.eye(10), ["a"] * 5 + ["b"] * 5, CS, groups=groups)


def test_unknown_criterion_is_refused():
    with pytest.raises(UsageError, match=r"criterion “luck”\. Available: accuracy, balanced"):
        choose_c(*clouds(2), CS, criterion="luck")
