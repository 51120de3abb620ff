from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from medrecog_core.datasets import Dataset, FileState, ImageRecord
from medrecog_core.datasets.health.measurements import ImageMeasurement
from medrecog_core.datasets.health.shortcuts import (
    FEATURES,
    TOGETHER,
    measure_shortcuts,
    shortcut_findings,
)


def drawn(labels, widths, groups=None, n_bytes=None):
    """Return a data set and measurements whose images differ in width and file size alone."""
    images, measurements = [], {}
    for i, (label, width) in enumerate(zip(labels, widths, strict=True)):
        path = f"{i:05d}.png"
        state = FileState(str(i), int(n_bytes[i]) if n_bytes is not None else 1000, 1)
        group = str(groups[i]) if groups is not None else ""
        images.append(ImageRecord(path, str(label), group=group, file=state))
        measurements[path] = ImageMeasurement("", int(width), 100, "RGB", 75)
    return Dataset("skin", Path("/images"), tuple(images), "x"), measurements


def by_feature(shortcuts):
    return {shortcut.feature: shortcut for shortcut in shortcuts}


def test_a_width_that_gives_the_class_away_is_found_and_the_rest_is_chance():
    labels = np.array(["a", "b"] * 60)
    widths = np.where(labels == "a", 300, 400)
    found = by_feature(measure_shortcuts(*drawn(labels, widths)))
    assert set(found) == {*FEATURES, TOGETHER}
    for feature in ("width", "aspect", TOGETHER):
        assert found[feature].balanced_accuracy == 1
        assert found[feature].auc == 1
        assert found[feature].gain == 1
    for feature in ("height", "mode", "file size", "JPEG quality"):
        assert found[feature].gain == 0
    (finding,) = shortcut_findings(tuple(found.values()))
    assert finding.severity == "severe"
    assert "balanced accuracy 1.00 (chance 0.50" in finding.words


def test_figures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b", "c"] * 50)
    widths = 300 + 20 * (labels == "a") + rng.integers(0, 40, len(labels))
    found = by_feature(measure_shortcuts(*drawn(labels, widths)))["width"]
    tree = DecisionTreeClassifier(
        max_depth=4, min_samples_leaf=3, class_weight="balanced", random_state=0
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    table = widths[:, None].astype(np.float32)
    scores = cross_val_predict(tree, table, labels, cv=folds, method="predict_proba")
    predicted = np.unique(labels)[scores.argmax(axis=1)]
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert found.auc == pytest.approx(roc_auc_score(labels, scores, multi_class="ovr"))
    assert found.chance == pytest.approx(1 / 3)
    assert (found.n_images, found.n_classes) == (150, 3)


def test_widths_drawn_by_chance_are_no_shortcut():
    gains = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        labels = rng.permutation(["a", "b"] * 40)
        shortcuts = measure_shortcuts(*drawn(labels, rng.integers(200, 400, 80)))
        gains.append(by_feature(shortcuts)["width"].gain)
        assert shortcut_findings(shortcuts) == [] or gains[-1] > 0
    assert sum(gain > 0 for gain in gains) <= 1, "one in 40 is expected"


def test_a_feature_of_the_group_alone_is_no_shortcut_where_groups_are_kept_whole():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10)
    labels = rng.permutation(["a", "b"] * 20)[groups]
    widths = rng.permutation(np.arange(200, 1000, 20))[groups]
    dataset, measurements = drawn(labels, widths, groups)
    assert by_feature(measure_shortcuts(dataset, measurements))["width"].gain == 0
    ungrouped, measurements = drawn(labels, widths)
    assert by_feature(measure_shortcuts(ungrouped, measurements))["width"].gain > 0.2


def test_the_size_of_the_files_alone_is_never_severe():
    labels = np.array(["a", "b"] * 60)
    sizes = np.where(labels == "a", 1000, 2000)
    (finding,) = shortcut_findings(
        measure_shortcuts(*drawn(labels, np.full(120, 300), n_bytes=sizes))
    )
    assert finding.severity == "warning"
    assert "also depends on the content" in finding.words


def test_small_classes_and_unreadable_images_are_left_aside():
    labels = ["a"] * 20 + ["b"] * 20 + ["c"] * 4
    dataset, measurements = drawn(labels, range(200, 244))
    measurements["00000.png"] = ImageMeasurement("damaged")
    found = measure_shortcuts(dataset, measurements)[0]
    assert (found.n_images, found.n_classes) == (39, 2)
    assert measure_shortcuts(*drawn(["a"] * 4 + ["b"] * 30, range(200, 234))) == ()


def test_the_answer_is_the_same_every_time():
    rng = np.random.default_rng(0)
    drawing = drawn(["a", "b"] * 30, rng.integers(200, 400, 60))
    assert measure_shortcuts(*drawing) == measure_shortcuts(*drawing)
